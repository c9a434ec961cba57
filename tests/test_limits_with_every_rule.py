"""Promise 6 with every rule on: orders at once from threads of several processes, and not one limit is overshot."""

from decimal import Decimal
from typing import Any

import pytest

from domain.portfolio import AccountSnapshot
from marketdata import replay_services as replays
from portfolio import selectors as portfolio
from preferences.definitions import Category
from preferences.services import change
from risk.models import RiskDecision, RiskRule
from risk.records import restored
from risk.rules.table import RULE_TYPES
from tests.test_limits_under_concurrency import PROCESSES, THREADS, submit_at_once
from trading import pipeline, selectors
from trading.models import Order
from trading.tests.scene import Scene, make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600), pytest.mark.serial]

D = Decimal
PRICE = 100
ROOM = 10
"""Units that the tightest limits leave room for: 1 % of 100,000 at a price of 100."""

# Each type with a limit that binds at about the same number of units, so that whichever is overshot shows.
LIMITS: dict[str, tuple[str, dict[str, Any]]] = {
    "max_position_size": ("1", {}),
    "max_exposure": ("1", {"measure": "gross"}),
    "max_leverage": ("0.01", {}),
    "sector_limit": ("1", {}),
    "max_open_orders": ("10", {}),
    "max_session_trades": ("10", {}),
    "max_turnover": ("900", {}),
    "position_limit": ("1", {}),
    "max_order_value": ("101", {}),
    "max_order_quantity": ("1", {}),
    "price_collar": ("5", {}),
    "stale_data": ("864000", {}),
    "unreconciled": ("0", {}),
    "duplicate_order": ("0", {}),
    "order_rate": ("100000", {"window": "minute"}),
    "repeated_execution": ("100000", {}),
    "restricted_list": ("0", {"symbols": ["NOSUCH"]}),
    "trading_hours": ("0", {"start": "00:00", "end": "23:59"}),
    "self_cross": ("0", {}),
    "liquidity": ("50", {}),
    "max_correlation": ("1", {}),
    "value_at_risk": ("90", {}),
    "max_daily_loss": ("50", {}),
    "max_drawdown": ("50", {}),
    "loss_streak": ("50", {}),
    "reject_streak": ("50", {}),
    "slippage_budget": ("50", {}),
    "stop_loss": ("20", {}),
    "take_profit": ("50", {}),
    "max_holding_time": ("864000000", {}),
    "flat_by": ("3600", {"time": "23:58", "until": "23:59"}),
    "unprotected_position": ("1000000000", {}),
}


def test_every_type_of_rule_is_on() -> None:
    assert set(LIMITS) == set(RULE_TYPES)


def every_rule(scene: Scene) -> None:
    change(scene.user, Category.TRADING, {"max_daily_trades": 500})
    RiskRule.objects.bulk_create(
        RiskRule(
            user=scene.user,
            account=scene.account,
            name=name,
            type=name,
            limit=D(limit),
            parameters=parameters,
        )
        for name, (limit, parameters) in LIMITS.items()
    )


def counted(row: RiskDecision) -> AccountSnapshot:
    return restored(row.inputs).snapshot


def test_no_limit_is_overshot_with_every_rule_on() -> None:
    # Days that move, so that the value at risk has something to measure; the market begins at the price.
    scene = make_scene([PRICE + (i + 1) % 5 for i in range(440)])
    every_rule(scene)

    errors = submit_at_once(scene.account.pk, scene.symbol)

    assert errors == []
    rows = Order.objects.filter(account=scene.account, role="manual")
    sent = rows.exclude(status="denied")
    told = {reason["type"] for row in RiskDecision.objects.all() for reason in row.reasons}
    assert rows.count() == PROCESSES * THREADS and set(LIMITS) <= told
    assert sent.exists(), rows.first().reason
    assert sum(order.quantity for order in sent) == ROOM

    # One after the other: every decision that let an order through saw all those that had been let through before.
    seen = [
        len(counted(row).working)
        for row in RiskDecision.objects.filter(verdict__in=("allowed", "warned")).order_by("seq")
    ]
    assert seen == sorted(seen) and len(set(seen)) == len(seen)

    replays.play(scene.replay())
    pipeline.run_account(scene.account.pk)
    account = scene.fresh_account()
    fills = selectors.fills_of_account(account)
    assert sum(fill.quantity for fill in fills) == ROOM
    assert not portfolio.differences(account, fills)
