"""Every pre-trade rule type with every action and scope: broken, of somebody else, and with room to spare."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.portfolio import AccountSnapshot
from risk.decisions import Action, Scope, Source, Verdict
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from risk.tests.examples import AAPL, MSFT, OTHER, STRATEGY, ask, busy, intent, position, rule, snapshot, working

D = Decimal

# What a rule of each type needs so that buying 100 AAPL at 50 breaks it: limit, account, market, parameters.
Case = tuple[Any, Callable[[], AccountSnapshot], dict[str, Any], dict[str, Any]]


BREAKING: dict[str, Case] = {
    "max_position_size": (4, snapshot, {}, {}),
    "max_daily_loss": (3, lambda: snapshot(equity=96_000), {}, {}),
    "max_drawdown": (3, lambda: snapshot(equity=96_000), {}, {}),
    "max_leverage": ("0.04", snapshot, {}, {}),
    "max_exposure": (4, snapshot, {}, {"measure": "gross"}),
    "sector_limit": (4, snapshot, {}, {}),
    "position_limit": (0, snapshot, {}, {}),
    "max_order_value": (4_999, snapshot, {}, {}),
    "max_order_quantity": (99, snapshot, {}, {}),
    "price_collar": (2, snapshot, {"reference": D("51.5")}, {}),
    "stale_data": (60, snapshot, {"age_seconds": D(61)}, {}),
    "unreconciled": (0, lambda: snapshot(working(1, unresolved=True)), {}, {}),
    "duplicate_order": (5, snapshot, busy(identical_seconds=D("4.9")), {}),
    "order_rate": (10, snapshot, busy(n_last_minute=10), {}),
    "repeated_execution": (3, snapshot, busy(n_identical_entries=3), {}),
    "max_open_orders": (1, lambda: snapshot(working(1)), {}, {}),
    "max_session_trades": (5, lambda: snapshot(n_session_trades=5), {}, {}),
    "max_turnover": (50, snapshot, busy(session_turnover=D(46_000)), {}),
    "restricted_list": (0, snapshot, {}, {"symbols": ["AAPL"]}),
    "trading_hours": (0, snapshot, {}, {"start": "09:30", "end": "16:00", "timezone": "UTC"}),
    "flat_by": (0, snapshot, {}, {"time": "20:55", "timezone": "UTC"}),
    "self_cross": (0, snapshot, busy(opposite_price=D(50)), {}),
    "liquidity": (1, snapshot, {"average_volume": D(9_000)}, {}),
    "max_correlation": ("0.8", lambda: snapshot(position(1, instrument_id=MSFT)), {"correlation": D("0.9")}, {}),
    "value_at_risk": (2, snapshot, {"value_at_risk": D(2_100)}, {}),
}


def _cases() -> list[tuple[str, Action, Scope]]:
    types = [t for t in RULE_TYPES.values() if Phase.PRE_TRADE in t.phases]
    return [
        (t.name, action, scope)
        for t in types
        for action, scope in itertools.product(sorted(t.actions), sorted(t.scopes))
    ]


def test_every_pre_trade_type_has_a_breaking_case() -> None:
    assert set(BREAKING) == {t.name for t in RULE_TYPES.values() if Phase.PRE_TRADE in t.phases}


@pytest.mark.parametrize(("name", "action", "scope"), _cases())
def test_every_type_action_and_scope_has_its_effect(name: str, action: Action, scope: Scope) -> None:
    limit, account, view, parameters = BREAKING[name]
    scoped = {"scope": scope, "strategy_id": STRATEGY, "instrument_id": AAPL, "sector": "Technology"}
    broken = rule(name, limit, action=action, parameters=parameters, **scoped)

    decision = ask(intent(100), broken, of=account(), **view)

    said = next(reason for reason in decision.reasons if reason.key == broken.key)
    if action is Action.WARN:
        assert (said.verdict, said.quantity) == (Verdict.WARNED, D(100))
    elif action is Action.RESIZE:
        assert said.verdict is Verdict.RESIZED and 0 < said.quantity < 100
    else:
        assert (said.verdict, said.quantity) == (Verdict.DENIED, D(0))
    asks_for_more = action in (Action.REDUCE_ONLY, Action.PAUSE_STRATEGY, Action.FLATTEN, Action.HALT)
    assert decision.consequences == (((broken.key, action),) if asks_for_more else ())
    assert said.message.startswith(f"{name}: ")


@pytest.mark.parametrize("name", sorted(BREAKING))
def test_a_rule_of_another_strategy_instrument_or_sector_is_not_asked(name: str) -> None:
    limit, account, view, parameters = BREAKING[name]
    elsewhere = {
        Scope.STRATEGY: {"strategy_id": OTHER},
        Scope.INSTRUMENT: {"instrument_id": MSFT},
        Scope.SECTOR: {"sector": "Energy"},
    }
    for scope in RULE_TYPES[name].scopes - {Scope.ACCOUNT}:
        foreign = rule(name, limit, parameters=parameters, scope=scope, **elsewhere[scope])
        decision = ask(intent(100), foreign, of=account(), **view)
        assert all(reason.key != foreign.key for reason in decision.reasons)


@pytest.mark.parametrize("name", sorted(BREAKING))
def test_the_order_beside_the_breaking_one_passes(name: str) -> None:
    """The same rule with room to spare says nothing against the same order."""
    limit, account, view, parameters = BREAKING[name]
    roomy = {"duplicate_order": D(1), "self_cross": D(1), "flat_by": D(3600)}.get(name, D(limit) * 2 + 1)

    decision = ask(intent(100), rule(name, roomy, parameters=parameters), of=account(), **view)

    said = next(reason for reason in decision.reasons if reason.type == name and reason.source is Source.RULE)
    assert said.quantity == 100
