"""Parity of every order type and of two dozen risk rules, on daily and on one-minute bars: live equals the engine."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtesting.spec import ScriptedOrder, Sizing
from domain.bars import BarArrays, Timeframe
from domain.orders import OrderSide, OrderSpec, OrderType, TimeInForce
from domain.sizing import SizingMethod
from marketdata.calendars import close_times
from tests.parity_bars import walk
from tests.parity_ways import LOOSE, Case, assert_equal, instrument_of, live, own_bars, past, strategy_of, tables_of

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

D = Decimal
BUY, SELL, DAY = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY
WIDE = {
    **LOOSE,
    "max_position_size_percent": D(60),
    "max_portfolio_exposure_percent": D(100),
    "max_sector_concentration_percent": D(60),
}
RULES: tuple[dict[str, Any], ...] = (
    {"name": "Lever", "type": "max_leverage", "limit": D("0.2"), "action": "resize"},
    {"name": "Net", "type": "max_exposure", "limit": D(15), "parameters": {"measure": "net"}},
    {"name": "Value", "type": "max_order_value", "limit": D(9_000), "action": "resize"},
    {"name": "Units", "type": "max_order_quantity", "limit": D(160), "action": "resize"},
    {"name": "Positions", "type": "position_limit", "limit": D(2)},
    {"name": "Sector", "type": "sector_limit", "limit": D(12)},
    {"name": "Size", "type": "max_position_size", "limit": D(9), "action": "resize"},
    {"name": "Collar", "type": "price_collar", "limit": D(5)},
    {"name": "Stale", "type": "stale_data", "limit": D(86_400)},
    {"name": "Open", "type": "max_open_orders", "limit": D(2)},
    {"name": "Entries", "type": "max_session_trades", "limit": D(2)},
    {"name": "Turnover", "type": "max_turnover", "limit": D(25), "action": "resize"},
    {"name": "Cross", "type": "self_cross", "limit": D(0)},
    {"name": "Loss", "type": "max_daily_loss", "limit": D(2)},
    {"name": "Fall", "type": "max_drawdown", "limit": D(5)},
    {"name": "List", "type": "restricted_list", "limit": D(0), "parameters": {"symbols": ["NO2"]}},
)


def minutes(n_sessions: int, *, seed: int, each: int = 60) -> BarArrays:
    """Return one-minute bars of the first hour of some sessions of New York in January 2010."""
    source = walk(n_sessions * each, seed=seed)
    monday_open = 1_262_615_400  # 2010-01-04 14:30Z
    t = [monday_open + 86_400 * (7 * (d // 5) + d % 5) + 60 * m for d in range(n_sessions) for m in range(each)]
    return BarArrays(np.array(t, dtype=np.int64), *source.columns[1:])  # type: ignore[arg-type]  # the columns in their order


def by_hand(bars: BarArrays, timeframe: Timeframe, *orders: tuple[int, OrderSide, int, dict[str, Any]]) -> Any:
    """Return orders placed at the closes of some bars."""
    closes = close_times(bars.t, timeframe, "XNYS")
    return tuple(
        ScriptedOrder(
            datetime.fromtimestamp(int(closes[row]), tz=UTC),
            OrderSpec(symbol="NO0", side=side, quantity=D(quantity), **more),
        )
        for row, side, quantity, more in orders
    )


def price(bars: BarArrays, row: int, factor: float) -> Decimal:
    """Return a price on the tick near a bar's close."""
    return D(str(round(float(bars.c[row]) * factor, 2)))


PLAIN_COSTS: dict[str, Any] = {"fees": {"per_share": "0.005", "minimum": "1"}, "slippage": {"bps": "2"}}
BY_VOLUME: dict[str, Any] = {
    "fees": {
        "percent": "0.1",
        "tiers": [{"above": "1000", "percent": "0.05"}, {"above": "4000", "maker_percent": "0.01"}],
    },
    "slippage": {"bps": "2", "volume_impact": "5", "max_volume_percent": "0.0035"},  # 35 shares of a million a bar
}


@pytest.mark.parametrize("costs", [PLAIN_COSTS, BY_VOLUME], ids=["plain costs", "by volume"])
@pytest.mark.parametrize("timeframe", [Timeframe.D1, Timeframe.M1])
def test_every_order_type_and_time_in_force_is_executed_alike(timeframe: Timeframe, costs: dict[str, Any]) -> None:
    bars = walk(90, seed=21) if timeframe is Timeframe.D1 else minutes(2, seed=21, each=45)
    orders = by_hand(
        bars,
        timeframe,
        (12, BUY, 20, {}),
        (14, BUY, 15, {"type": OrderType.LIMIT, "limit_price": price(bars, 14, 0.99)}),
        (16, SELL, 10, {"type": OrderType.STOP, "stop_price": price(bars, 16, 0.985), "reduce_only": True}),
        (18, BUY, 12, {"type": OrderType.STOP, "stop_price": price(bars, 18, 1.01)}),
        (
            20,
            BUY,
            9,
            {
                "type": OrderType.STOP_LIMIT,
                "stop_price": price(bars, 20, 1.005),
                "limit_price": price(bars, 20, 1.01),
            },
        ),
        (24, SELL, 8, {"type": OrderType.TRAILING_STOP, "trail_percent": D(2), "reduce_only": True}),
        (
            28,
            BUY,
            11,
            {"type": OrderType.LIMIT, "limit_price": price(bars, 28, 0.98), "time_in_force": TimeInForce.DAY},
        ),
        (30, BUY, 7, {"type": OrderType.LIMIT, "limit_price": price(bars, 30, 1.0), "time_in_force": TimeInForce.IOC}),
        (34, BUY, 14, {"stop_loss_percent": D(2), "take_profit_percent": D(3)}),
        (50, BUY, 5, {"time_in_force": TimeInForce.CLS}),
        (60, SELL, 30, {"reduce_only": True}),
        (70, BUY, 6, {"type": OrderType.LIMIT, "limit_price": price(bars, 70, 1.02), "stop_loss_percent": D(1)}),
    )
    case = Case(
        "sma_cross",
        {"fast": 2, "slow": 5},
        limits=WIDE,
        timeframe=timeframe,
        orders=orders,
        **costs,
    )
    strategy = strategy_of(case, [instrument_of(bars, "NO0", timeframe=timeframe)])

    ours, theirs = live(strategy, orders), tables_of(past(strategy, case))

    types = {row[4] for row in theirs.orders if row[2] == "manual"}
    assert types == {"market", "limit", "stop", "stop_limit", "trailing_stop"}
    assert len(theirs.fills) > 20
    if costs is BY_VOLUME:
        n_filled = sum(row[9] != "0" for row in theirs.orders)
        assert len(theirs.fills) > 1.2 * n_filled, "many orders fill in parts"
    assert_equal(ours, theirs)


@pytest.mark.parametrize("timeframe", [Timeframe.D1, Timeframe.M1])
def test_two_dozen_rules_judge_alike(timeframe: Timeframe) -> None:
    series = [walk(110, seed=31 + i) if timeframe is Timeframe.D1 else minutes(2, seed=31 + i) for i in range(3)]
    case = Case(
        "sma_cross",
        {"fast": 2, "slow": 4, "reverse": True},
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, D(10)),
        allow_short=True,
        limits=WIDE,
        rules=RULES,
        timeframe=timeframe,
    )
    rows = [
        instrument_of(bars, f"NO{i}", sector="One" if i < 2 else "Two", timeframe=timeframe)
        for i, bars in enumerate(series)
    ]
    strategy = strategy_of(case, rows)

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    refused = " ".join(row[-1] for row in theirs.orders)
    assert sum(rule["name"] in refused for rule in RULES) >= 3 and len(theirs.fills) > 5
    assert_equal(ours, theirs)
