"""What the parity tests place by hand, and limits wide enough for it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from backtesting.spec import ScriptedOrder
from domain.bars import BarArrays, Timeframe
from domain.orders import OrderSide, OrderSpec
from marketdata.calendars import close_times
from tests.parity_ways import LOOSE

WIDE = {
    **LOOSE,
    "max_position_size_percent": Decimal(60),
    "max_portfolio_exposure_percent": Decimal(100),
    "max_sector_concentration_percent": Decimal(60),
}


def by_hand(
    bars: BarArrays, timeframe: Timeframe, *orders: tuple[int, OrderSide, int, dict[str, Any]], symbol: str = "NO0"
) -> tuple[ScriptedOrder, ...]:
    """Return orders placed at the closes of some bars; ``until`` is the row at whose close one is canceled."""
    closes = [
        datetime.fromtimestamp(0, tz=UTC) + timedelta(seconds=int(t)) for t in close_times(bars.t, timeframe, "XNYS")
    ]
    made = []
    for row, side, quantity, more in orders:
        told = {name: value for name, value in more.items() if name != "until"}
        order = OrderSpec(symbol=symbol, side=side, quantity=Decimal(quantity), **told)
        made.append(ScriptedOrder(closes[row], order, closes[more["until"]] if "until" in more else None))
    return tuple(made)


def price(bars: BarArrays, row: int, factor: float) -> Decimal:
    """Return a price on the tick near a bar's close."""
    return Decimal(str(round(float(bars.c[row]) * factor, 2)))
