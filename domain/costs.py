"""What an execution costs: fees with tiers, slippage, and how much of a bar's volume orders may take. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from itertools import pairwise

from domain.orders import OrderSide

ZERO = Decimal(0)
ONE = Decimal(1)
TIER_DAYS = 30
"""Tiers look at the value traded in the days before."""
_BPS = Decimal(10_000)
_PERCENT = Decimal(100)
_YEAR = Decimal(365 * 24 * 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """Rates that apply from a traded value on (currency, of the account's last `TIER_DAYS` days); None: as before."""

    above: Decimal
    percent: Decimal | None = None
    per_share: Decimal | None = None
    maker_percent: Decimal | None = None
    taker_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeModel:
    """What a fill costs (currency): the sum of its parts, at least ``minimum``; rounded half up to ``digits``.

    ``tiers`` (by ``above``, rising) replace rates once so much was traded in the `TIER_DAYS` days before the fill, as
    exchanges and brokers do it. An order that fills in parts pays ``per_order`` and ``minimum`` for each part.
    """

    percent: Decimal = ZERO
    per_order: Decimal = ZERO
    per_share: Decimal = ZERO
    minimum: Decimal = ZERO
    maker_percent: Decimal | None = None
    taker_percent: Decimal | None = None
    tiers: tuple[FeeTier, ...] = ()
    digits: int = 2

    def fee(self, quantity: Decimal, price: Decimal, *, maker: bool, traded: Decimal = ZERO) -> Decimal:
        """Fee of one fill; ``maker`` is true for a limit order that waited for its price, ``traded`` the value before.

        ``FeeModel(percent=D("0.1")).fee(D(10), D(50), maker=False)`` is ``Decimal("0.50")``.
        """
        rate = self._rate("maker_percent" if maker else "taker_percent", traded)
        percent = self._rate("percent", traded) if rate is None else rate
        per_share = self._rate("per_share", traded)
        total = quantity * price * (percent or ZERO) / _PERCENT + self.per_order + (per_share or ZERO) * quantity
        return max(total, self.minimum).quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)

    def _rate(self, name: str, traded: Decimal) -> Decimal | None:
        found: Decimal | None = getattr(self, name)
        for tier in self.tiers:
            told: Decimal | None = getattr(tier, name) if tier.above <= traded else None
            found = found if told is None else told
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SlippageModel:
    """How much worse than the quoted price market and stop orders fill, and how much of a bar an account may take.

    ``bps`` (basis points) and half a ``spread`` (price) always; ``volume_impact`` × the square of the order's share of
    the bar's volume besides (a fraction of the price: with 0.1, an order of half the bar pays 2.5 % more). The form is
    that of zipline's and LEAN's volume share slippage. ``max_volume_percent`` (0: no limit) holds all of an account's
    fills in a bar to that per cent of its volume; the rest of an order goes on working. ``entry_bps`` comes on top for
    orders that may open a position (those that are not reduce-only): the whole spread paid once, on the way in. It is
    for backtests alone; a paper account takes none of it.
    """

    bps: Decimal = ZERO
    spread: Decimal = ZERO
    volume_impact: Decimal = ZERO
    max_volume_percent: Decimal = ZERO
    entry_bps: Decimal = ZERO

    def price(
        self, quoted: Decimal, side: OrderSide, tick: Decimal, *, share: Decimal = ZERO, opens: bool = False
    ) -> Decimal:
        """The price after slippage, rounded to the tick against the order; ``quoted`` itself where there is none.

        ``share`` is the order's part of the bar's volume, 0..1; ``opens``: the order may open a position.
        """
        bps = self.bps + self.entry_bps if opens else self.bps
        if not bps and not self.spread and not (self.volume_impact and share):
            return quoted
        worse = quoted * (bps / _BPS + self.volume_impact * share * share) + self.spread / 2
        raw = quoted + side.sign * worse
        rounding = ROUND_CEILING if side is OrderSide.BUY else ROUND_FLOOR
        price = max(tick, (raw / tick).to_integral_value(rounding) * tick)
        return price if side is OrderSide.BUY else min(quoted, price)  # below a tick the least price would be a gain


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingModel:
    """What holding costs or earns, in per cent a year of 365 days, simple interest for the seconds that pass.

    ``borrow_percent`` is paid on the value of shorts at the last mark, ``margin_percent`` on cash below zero,
    ``cash_percent`` earned on cash above zero.
    """

    borrow_percent: Decimal = ZERO
    cash_percent: Decimal = ZERO
    margin_percent: Decimal = ZERO

    @property
    def is_free(self) -> bool:
        """True where nothing is paid or earned."""
        return not (self.borrow_percent or self.cash_percent or self.margin_percent)

    def earned(self, *, cash: Decimal, short_value: Decimal, seconds: Decimal) -> Decimal:
        """Return what is earned (below zero: paid) in so many seconds; ``short_value`` is 0 or above.

        ``FinancingModel(borrow_percent=D(10)).earned(cash=D(0), short_value=D(1000), seconds=D(31_536_000))`` is -100.
        """
        rate = self.cash_percent if cash > 0 else self.margin_percent
        a_year = (cash * rate - short_value * self.borrow_percent) / _PERCENT
        return a_year * seconds / _YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Fees and slippage of one account, the instrument's tick and lot, and what was traded already.

    ``taken`` is the quantity of the instrument that the account executed in this bar before, ``traded`` the value of
    all its executions in the `TIER_DAYS` days before.
    """

    fees: FeeModel = FeeModel()
    slippage: SlippageModel = SlippageModel()
    tick: Decimal = Decimal("0.01")
    lot: Decimal = ONE
    taken: Decimal = ZERO
    traded: Decimal = ZERO

    @property
    def is_limited(self) -> bool:
        """Tell whether a bar's volume limits what is executed, so that ``taken`` has to be known."""
        return bool(self.slippage.max_volume_percent)

    @property
    def has_tiers(self) -> bool:
        """Tell whether fees look at what was traded, so that ``traded`` has to be known."""
        return bool(self.fees.tiers)

    def room(self, volume: Decimal) -> Decimal | None:
        """How much of the instrument may still execute in a bar of this volume, in whole lots; None: no limit."""
        if not self.is_limited:
            return None
        most = volume * self.slippage.max_volume_percent / _PERCENT - self.taken
        return max(ZERO, (most / self.lot).to_integral_value(ROUND_FLOOR) * self.lot)

    def share(self, quantity: Decimal, volume: Decimal) -> Decimal:
        """An order's part of a bar's volume, at most 1; a bar without volume counts as taken whole."""
        if not self.slippage.volume_impact:
            return ZERO
        return min(ONE, quantity / volume) if volume > 0 else ONE


def rising(tiers: Sequence[FeeTier]) -> bool:
    """Tell whether tiers stand in the order of their thresholds, each different."""
    return all(one.above < other.above for one, other in pairwise(tiers))
