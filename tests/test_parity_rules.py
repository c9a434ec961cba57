"""Parity of risk rules on daily and on one-minute bars: every rule of a run acts in it, live and in the past alike."""

from decimal import Decimal
from typing import Any

import pytest

from backtesting.results import RunResult
from backtesting.spec import Sizing
from domain.bars import Timeframe
from domain.orders import OrderRole, OrderSide, OrderStatus, OrderType
from domain.sizing import SizingMethod
from risk.decisions import Verdict
from strategies.models import Strategy
from tests.parity_bars import minutes, walk
from tests.parity_orders import WIDE, by_hand, price
from tests.parity_ways import WHOLE, Case, assert_equal, instrument_of, live, own_bars, past, strategy_of, tables_of

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900), pytest.mark.long]

D = Decimal
BUY, SELL, LIMIT = OrderSide.BUY, OrderSide.SELL, OrderType.LIMIT
DAILY, MINUTES = Timeframe.D1, Timeframe.M1
Rules = dict[str, dict[str, Any]]
GROUPS: dict[str, Rules] = {
    "sizes": {
        "max_leverage": {"limit": D("0.15"), "action": "resize"},
        "max_order_value": {"limit": D(9_000), "action": "resize"},
        "max_order_quantity": {"limit": D(170), "action": "resize"},
        "sector_limit": {"limit": D(12)},
        "max_position_size": {"limit": D("8.5"), "action": "resize"},
        "position_limit": {"limit": D(1)},
        "max_exposure": {"limit": D(15), "parameters": {"measure": "net"}},
    },
    "orders by hand": {
        "max_open_orders": {"limit": D(3)},
        "self_cross": {"limit": D(0)},
        "price_collar": {"limit": D(30)},
    },
    "session": {
        "max_session_trades": {"limit": D(2)},
        "max_turnover": {"limit": D(25), "action": "resize"},
        "restricted_list": {"limit": D(0), "parameters": {"symbols": ["NO2"]}},
    },
    "losses": {
        "max_daily_loss": {"limit": D("0.1")},
        "max_drawdown": {"limit": D("0.6")},
    },
    "streaks": {
        "loss_streak": {"limit": D(3)},
        "slippage_budget": {"limit": D("0.02")},
        "stop_loss": {"limit": D(2)},
        "take_profit": {"limit": D(3)},
    },
    "times": {
        "max_holding_time": {"limit": D(1)},
        "trading_hours": {"limit": D(0), "parameters": {"timezone": "UTC"}},
    },
}
HOURS = {  # a part of the minutes; the closes of days in winter, not in summer time
    DAILY: {"start": "20:30", "end": "21:30"},
    MINUTES: {"start": "14:30", "end": "15:10"},
}


def scene(name: str, timeframe: Timeframe) -> tuple[Strategy, Case]:
    """Return three instruments, two of one sector, traded long and short under a group of rules."""
    series = [walk(110, seed=31 + i) if timeframe is DAILY else minutes(2, seed=31 + i) for i in range(3)]
    own = {kind: {"name": kind, "type": kind, **told} for kind, told in GROUPS[name].items()}
    if "trading_hours" in own:
        own["trading_hours"]["parameters"] |= HOURS[timeframe]
    orders = by_hand(
        series[0],
        timeframe,
        (15, BUY, 20, {"type": LIMIT, "limit_price": price(series[0], 15, 0.5)}),  # too far from the last price
        (16, BUY, 20, {"type": LIMIT, "limit_price": price(series[0], 16, 0.8), "until": 90}),
        (17, BUY, 20, {"type": LIMIT, "limit_price": price(series[0], 17, 0.8), "until": 90}),
        (18, SELL, 20, {"type": LIMIT, "limit_price": price(series[0], 18, 0.75)}),  # would trade with these two
    )
    case = Case(
        "sma_cross",
        {"fast": 2, "slow": 4, "reverse": True},
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, D(10)),
        allow_short=True,
        limits=WIDE,
        rules=tuple(own.values()),
        timeframe=timeframe,
        slippage={"bps": "5"},
        orders=orders if name == "orders by hand" else (),
    )
    rows = [
        instrument_of(bars, f"NO{i}", sector="One" if i < 2 else "Two", timeframe=timeframe)
        for i, bars in enumerate(series)
    ]
    return strategy_of(case, rows), case


def acted(result: RunResult) -> set[str]:
    """Return the rules that refused an order, cut one down, or closed a position."""
    reasons = [reason for order in result.orders if order.decision for reason in order.decision.reasons]
    found = {reason.rule for reason in reasons if reason.verdict in (Verdict.DENIED, Verdict.RESIZED)}
    filled = [order for order in result.orders if order.status is OrderStatus.FILLED]
    found |= {str(order.role) for order in filled}  # stop_loss and take_profit are roles and rules
    closed = any(order.role is OrderRole.EXIT and order.signal is None for order in filled)
    return found | {"max_holding_time"} if closed else found


@pytest.mark.parametrize("timeframe", [DAILY, MINUTES] if WHOLE else [MINUTES])
@pytest.mark.parametrize("name", GROUPS)
def test_rules_judge_and_act_alike(name: str, timeframe: Timeframe) -> None:
    strategy, case = scene(name, timeframe)

    result = past(strategy, case)
    ours, theirs = live(strategy, case.orders), tables_of(result)

    assert acted(result) >= set(GROUPS[name]), "a rule that never acts proves nothing"
    assert len(theirs.fills) > 5
    assert_equal(ours, theirs)
