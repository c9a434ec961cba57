"""What a sizing method asks for beyond equity and price (pure): one place for the live road and the backtest.

Nothing is read that the method does not need: what costs a read is handed in as a function.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.bars import BarArrays
from domain.instruments import InstrumentSpec
from domain.orders import OrderSide
from domain.sizing import SizingMethod
from risk.decisions import RuleSpec
from risk.gate import strictest
from risk.sizing import ONE, Size, size

ATR_BARS = 14
ATR_WINDOW = ATR_BARS + 1
"""How many bars an average true range looks at: the first gives only its close."""
_PLACES = Decimal("1E-12")

Traded = Iterable[tuple[Decimal, Decimal]]
"""Net P&L and entry value of the strategy's closed trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the inputs come from; each function is asked only by a method that needs it.

    ``bars`` gives the newest bars of the strategy's timeframe up to the decision, ``trades`` the strategy's own closed
    round trips, ``rules`` the rules in force that concern the instrument; ``n_instruments`` is None without a strategy.
    """

    bars: Callable[[], BarArrays]
    trades: Callable[[], Traded]
    rules: Callable[[], Sequence[RuleSpec]]
    n_instruments: int | None = None


def average_true_range(bars: BarArrays) -> Decimal | None:
    """Return the mean true range of the last 14 bars (Wilder 1978, the plain mean); None below 15 bars.

    Exact: it depends on the last 15 bars alone, however many are handed in.

    >>> average_true_range(bars)  # every bar from 99 to 101, closes at 100
    Decimal('2')
    """
    if len(bars) < ATR_WINDOW:
        return None
    last = bars.tail(ATR_WINDOW)
    highs, lows, closes = ([Decimal(repr(value)) for value in column.tolist()] for column in (last.h, last.l, last.c))
    before = closes[:-1]
    total = sum(
        (max(high, close) - min(low, close) for high, low, close in zip(highs[1:], lows[1:], before, strict=True)),
        Decimal(0),
    )
    return total / ATR_BARS


def trade_returns(trades: Traded) -> tuple[Decimal, ...]:
    """Return net P&L / entry value of each trade to twelve places, so that their sums do not depend on their order."""
    return tuple((pnl / value).quantize(_PLACES) for pnl, value in trades if value)


def stop_from_percent(price: Decimal, side: OrderSide, percent: Decimal | None) -> Decimal | None:
    """Return the stop that lies ``percent`` behind an entry at ``price``; None without a percent or below zero."""
    if percent is None:
        return None
    stop = price * (1 - side.sign * percent / 100)
    return stop if stop > 0 else None


def preferred_value(method: str, percent: Decimal, *, starting_cash: Decimal) -> Decimal:
    """Return a method's value from the position size of the preferences, which is a per cent.

    A fixed value is that share of the account's starting cash, so that it does not move with its results; Kelly takes
    that share of its fraction, equal weight makes as many parts as go into 100 %, a fixed quantity is that many units.

    >>> preferred_value("fixed_value", Decimal(2), starting_cash=Decimal(50_000))
    Decimal('1000')
    """
    if method == SizingMethod.FIXED_VALUE:
        return starting_cash * percent / 100
    if method == SizingMethod.KELLY:
        return percent / 100
    if method == SizingMethod.EQUAL_WEIGHT:
        return 100 / percent
    return percent


def size_entry(
    method: str,
    value: Decimal,
    *,
    equity: Decimal,
    price: Decimal,
    side: OrderSide,
    spec: InstrumentSpec,
    stop_price: Decimal | None,
    sources: Sources,
    strength: Decimal = ONE,
) -> Size:
    """Return the size of an entry with what its method asks for; see ``risk.sizing.size``.

    ``risk_per_trade`` without a stop of the signal's takes the stop that the rules in force will place.
    """
    needs_stop = method == SizingMethod.RISK_PER_TRADE and stop_price is None
    if needs_stop:
        stop_price = stop_from_percent(price, side, strictest(sources.rules(), "stop_loss"))
    return size(
        method,
        value,
        equity=equity,
        price=price,
        spec=spec,
        stop_price=stop_price,
        atr=average_true_range(sources.bars()) if method == SizingMethod.ATR_VOLATILITY else None,
        trades=trade_returns(sources.trades()) if method == SizingMethod.KELLY else None,
        n_slots=sources.n_instruments,
        strength=strength,
    )
