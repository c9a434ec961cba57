"""What can be traded: the facts about one instrument that prices and quantities obey."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from uuid import UUID

_DIGITS = 60  # more than any price, tick or lot needs, so that a division never rounds first


class AssetClass(StrEnum):
    """The kinds of instruments that the platform trades."""

    EQUITY = "equity"
    ETF = "etf"
    CRYPTO = "crypto"
    FX = "fx"


# Trades print between ticks: US shares execute in steps of 0.0001 though they are quoted in 0.01
# (SEC Rule 612 bounds quotes, not executions), and a mid price lies on half a tick.
BAR_STEPS_PER_TICK: dict[AssetClass, int] = {
    AssetClass.EQUITY: 100,
    AssetClass.ETF: 100,
    AssetClass.CRYPTO: 2,
    AssetClass.FX: 2,
}


def _multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return (value / step).to_integral_value(rounding=rounding) * step


def _exact(value: Decimal | float) -> Decimal:
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not number.is_finite():
        raise ValueError(f"{value} is not a finite number")
    return number


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """One instrument as pure code sees it.

    `calendar` is a code of exchange_calendars ("XNYS"), or "24/7" or "24/5" without sessions.
    """

    id: UUID
    symbol: str
    venue: str
    asset_class: AssetClass
    currency: str
    tick_size: Decimal
    lot_size: Decimal
    sector: str
    calendar: str

    def price(self, value: Decimal | float) -> Decimal:
        """Return `value` rounded to the nearest tick (half to even).

        >>> aapl.price(118.5649)  # tick 0.01
        Decimal('118.56')
        """
        return _multiple(_exact(value), self.tick_size, ROUND_HALF_EVEN)

    def quantity(self, value: Decimal | float) -> Decimal:
        """Return `value` cut down (towards zero) to a whole number of lots."""
        return _multiple(_exact(value), self.lot_size, ROUND_DOWN)

    def is_on_tick(self, price: Decimal) -> bool:
        """Tell whether an order may carry this price."""
        with localcontext() as context:
            context.prec = _DIGITS
            return price.is_finite() and price % self.tick_size == 0

    @property
    def bar_step(self) -> Decimal:
        """The finest step at which a bar's prices may lie (finer than the tick of an order)."""
        return self.tick_size / BAR_STEPS_PER_TICK[self.asset_class]
