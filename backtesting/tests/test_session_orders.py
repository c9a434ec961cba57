"""Orders for the open and for the close of a session, over bars of an hour: New York on 3 and 4 January 2011."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting.results import RunResult
from backtesting.tests.scene import Says, by_hand, instrument, run_one
from domain.bars import BarArrays, Timeframe
from domain.orders import OrderSide, OrderStatus, OrderType, TimeInForce

HOUR = 3_600
FIRST = 1_294_063_200  # 2011-01-03 14:00Z; the session is 14:30 to 21:00Z
HOURS = [FIRST + HOUR * i for i in range(7)] + [FIRST + HOUR * (24 + i) for i in range(7)]


def run(placed_after: int, calendar: str = "XNYS", **order: Any) -> RunResult:
    """Buy ten by an order that is placed at the close of a bar; bar i opens at 100 + i and closes half above it."""
    opened: Any = 100.0 + np.arange(len(HOURS))
    bars = BarArrays(np.array(HOURS), opened, opened + 0.75, opened - 0.25, opened + 0.5, np.full(len(HOURS), 1e4))
    at = datetime.fromtimestamp(HOURS[placed_after] + HOUR, tz=UTC)
    made = instrument(calendar=calendar)
    return run_one(
        Says(), bars, instruments=(made,), timeframe=Timeframe.H1, scripted=(by_hand(at, OrderSide.BUY, 10, **order),)
    )


def test_an_order_for_the_close_waits_for_the_close_of_the_session() -> None:
    (fill,) = run(1, time_in_force=TimeInForce.CLS).fills

    assert (fill.price, fill.at.hour) == (D("106.5"), 21)


def test_an_order_for_the_open_waits_for_the_open_of_the_next_session() -> None:
    (fill,) = run(1, time_in_force=TimeInForce.OPG).fills

    assert fill.price == D(107)


@pytest.mark.parametrize("tif", [TimeInForce.OPG, TimeInForce.CLS])
def test_a_limit_that_the_auction_does_not_reach_expires_there_and_fills_nowhere_else(tif: TimeInForce) -> None:
    result = run(1, type=OrderType.LIMIT, limit_price=D("102.80"), time_in_force=tif)  # bar 3 is as low as 102.75

    assert result.fills == () and result.orders[0].status is OrderStatus.EXPIRED


def test_where_the_market_never_closes_a_session_is_a_day_in_utc() -> None:
    result = run(1, calendar="24/7", time_in_force=TimeInForce.CLS)

    assert result.fills == () and result.orders[0].status is OrderStatus.ACCEPTED, "no bar of these ends at midnight"
