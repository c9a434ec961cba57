"""Parity of every order type, of brackets and cancellations, on daily and one-minute bars: live equals the engine."""

from decimal import Decimal
from typing import Any

import pytest

from domain.bars import Timeframe
from domain.orders import OrderSide, OrderType, TimeInForce
from tests.parity_bars import minutes, walk
from tests.parity_orders import WIDE, by_hand, price
from tests.parity_ways import WHOLE, Case, assert_equal, instrument_of, live, own_bars, past, strategy_of, tables_of

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900), pytest.mark.long]

D = Decimal
BUY, SELL, DAY = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY

PLAIN_COSTS: dict[str, Any] = {"fees": {"per_share": "0.005", "minimum": "1"}, "slippage": {"bps": "2"}}
BY_VOLUME: dict[str, Any] = {
    "fees": {
        "percent": "0.1",
        "tiers": [{"above": "1000", "percent": "0.05"}, {"above": "4000", "maker_percent": "0.01"}],
    },
    "slippage": {"bps": "2", "volume_impact": "5", "max_volume_percent": "0.0035"},  # 35 shares of a million a bar
}


@pytest.mark.parametrize("costs", [PLAIN_COSTS, BY_VOLUME], ids=["plain costs", "by volume"])
@pytest.mark.parametrize("timeframe", [Timeframe.D1, Timeframe.M1] if WHOLE else [Timeframe.M1])
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
        (32, BUY, 9, {"type": OrderType.LIMIT, "limit_price": price(bars, 32, 0.5), "until": 40}),
        (33, BUY, 3, {"type": OrderType.LIMIT, "limit_price": price(bars, 33, 1.02), "until": 41}),
        (34, BUY, 14, {"stop_loss_percent": D(2), "take_profit_percent": D(3)}),
        (40, BUY, 4, {"time_in_force": TimeInForce.OPG}),
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
    assert {row[5] for row in theirs.orders} >= {"filled", "canceled"}
    executed, canceled = ({row[2] for row in theirs.orders if which(row)} for which in (_is_executed, _is_canceled))
    assert {"stop_loss", "take_profit"} & executed and {"stop_loss", "take_profit"} & canceled, "brackets act"
    assert len(theirs.fills) > 20
    if costs is BY_VOLUME:
        n_filled = sum(row[9] != "0" for row in theirs.orders)
        assert len(theirs.fills) > 1.2 * n_filled, "many orders fill in parts"
    assert_equal(ours, theirs)


def _is_executed(row: tuple[Any, ...]) -> bool:
    return bool(row[9] != "0")


def _is_canceled(row: tuple[Any, ...]) -> bool:
    return bool(row[5] == "canceled")
