"""Position sizing (pure): how much to buy, by seven methods, cut down to whole lots and to the limits that bind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from domain.instruments import InstrumentSpec
from domain.sizing import SizingMethod

ZERO = Decimal(0)
ONE = Decimal(1)
_PERCENT = Decimal(100)
_SURE = Context(prec=24)  # digits: a third of 300 is 100, whatever the division of 100 % by three has lost
KELLY_TRADES = 20
_KELLY_START_PERCENT = ONE
KELLY_CAP_PERCENT = Decimal(20)


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """The most that a limit leaves room for (value in the quote currency)."""

    name: str
    max_value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A quantity in whole lots, its value, what is lost if the stop is hit (None without one), and what bound it.

    ``bound_by`` names the limit that made it smaller ("" where none did); ``explanation`` says how it came about.
    """

    quantity: Decimal
    value: Decimal
    risk_amount: Decimal | None
    bound_by: str
    explanation: str


class NoSize(ValueError):
    """The method lacks something, or is handed what it can not size by; the message says what."""


@dataclass(frozen=True, slots=True)
class _Inputs:
    value: Decimal
    equity: Decimal
    price: Decimal
    stop_price: Decimal | None
    atr: Decimal | None
    trades: Sequence[Decimal]
    n_slots: int | None


def size(
    method: str,
    value: Decimal,
    *,
    equity: Decimal,
    price: Decimal,
    spec: InstrumentSpec,
    stop_price: Decimal | None = None,
    atr: Decimal | None = None,
    trades: Sequence[Decimal] | None = None,
    n_slots: int | None = None,
    limits: Sequence[SizeLimit] = (),
    strength: Decimal = ONE,
) -> Size:
    """Return the quantity for an entry at ``price``; what can not be sized has quantity 0 and says why.

    ``value`` means what ``SizingMethod`` says of it; ``strength`` (0..1) scales the result; ``trades`` are the net
    returns on entry value of the strategy's own closed trades, as fractions, oldest first.
    """
    try:
        given = _Inputs(value, equity, price, stop_price, atr, tuple(trades or ()), n_slots)
        _check(given, strength)
        wanted, words = _METHODS[SizingMethod(method)](given)
        return _fitted(_SURE.plus(wanted * strength), words, given, spec, limits)
    except NoSize as error:
        return Size(quantity=ZERO, value=ZERO, risk_amount=None, bound_by="no_size", explanation=str(error))


def _check(given: _Inputs, strength: Decimal) -> None:
    for name in ("value", "equity", "price"):
        number: Decimal = getattr(given, name)
        if not number.is_finite() or number <= 0:
            raise NoSize(f"the {name} must be above 0; it is {number}")
    if not strength.is_finite() or not 0 < strength <= 1:
        raise NoSize(f"the strength must lie between 0 and 1; it is {strength}")
    for name in ("stop_price", "atr"):
        number_or_none: Decimal | None = getattr(given, name)
        if number_or_none is not None and (not number_or_none.is_finite() or number_or_none <= 0):
            raise NoSize(f"the {name.replace('_', ' ')} must be above 0; it is {number_or_none}")


def _fitted(wanted: Decimal, words: str, given: _Inputs, spec: InstrumentSpec, limits: Sequence[SizeLimit]) -> Size:
    bound_by = ""
    for limit in sorted(limits, key=lambda each: (each.max_value, each.name)):
        most = max(ZERO, limit.max_value) / given.price
        if most < wanted:
            wanted, bound_by = most, limit.name
    quantity = spec.quantity(wanted)
    if quantity * given.price > min((max(ZERO, each.max_value) for each in limits), default=quantity * given.price):
        quantity -= spec.lot_size  # the division above rounded up
    risk = None if given.stop_price is None else quantity * abs(given.price - given.stop_price)
    shown = f"{words}: {_exact(quantity)} {spec.symbol}{_rounding(wanted, quantity, spec.lot_size)}"
    return Size(
        quantity=quantity,
        value=quantity * given.price,
        risk_amount=risk,
        bound_by=bound_by or ("lot_size" if quantity == 0 else ""),
        explanation=f"{shown}; limited by {bound_by}" if bound_by else shown,
    )


def _rounding(wanted: Decimal, quantity: Decimal, lot_size: Decimal) -> str:
    """Say that the quantity was cut down to whole lots, where that took something off."""
    if wanted == quantity:
        return ""
    return f" ({_plain(wanted)} cut down to whole lots of {_exact(lot_size)})"


def _exact(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: Decimal) -> str:
    """Write a number for a sentence: thousands apart, two decimals from 1 up, four figures below."""
    digits = 2 if abs(value) >= 1 or not value else min(8, 3 - value.adjusted())
    text = format(value, f",.{digits}f")
    return text.rstrip("0").rstrip(".") if digits else text


Answer = tuple[Decimal, str]


def _fixed_quantity(given: _Inputs) -> Answer:
    return given.value, f"fixed quantity of {_exact(given.value)}"


def _fixed_value(given: _Inputs) -> Answer:
    return given.value / given.price, f"fixed value of {_plain(given.value)} at {_plain(given.price)}"


def _share(given: _Inputs, percent: Decimal, words: str) -> Answer:
    return given.equity * percent / _PERCENT / given.price, f"{words} at {_plain(given.price)}"


def _percent_equity(given: _Inputs) -> Answer:
    return _share(given, given.value, f"{_plain(given.value)} % of {_plain(given.equity)} equity")


def _risk_per_trade(given: _Inputs) -> Answer:
    if given.stop_price is None:
        raise NoSize("risk_per_trade needs a stop price")
    distance = abs(given.price - given.stop_price)
    if distance == 0:
        raise NoSize(f"the stop {given.stop_price} is the entry price itself")
    risk = given.equity * given.value / _PERCENT
    return risk / distance, f"{_plain(risk)} at risk over a stop distance of {_plain(distance)}"


def _atr_volatility(given: _Inputs) -> Answer:
    if given.atr is None:
        raise NoSize("atr_volatility needs an average true range")
    target = given.equity * given.value / _PERCENT
    return target / given.atr, f"{_plain(target)} for each average true range of {_plain(given.atr)}"


def kelly_fraction(trades: Sequence[Decimal]) -> Decimal:
    """Return the Kelly fraction of trade returns: W - (1 - W) / R, at least 0 (Kelly 1956; Thorp 2006, section 3).

    W is the share of winners and R the average win over the average loss. Scratch trades count as losers of nothing.
    """
    wins = [each for each in trades if each > 0]
    losses = [-each for each in trades if each < 0]
    if not wins:
        return ZERO
    win_rate = Decimal(len(wins)) / len(trades)
    if not losses:
        return win_rate
    ratio = (sum(wins, ZERO) / len(wins)) / (sum(losses, ZERO) / len(losses))
    return max(ZERO, win_rate - (1 - win_rate) / ratio)


def _kelly(given: _Inputs) -> Answer:
    if given.value > 1:
        raise NoSize(f"the fraction of Kelly must be at most 1; it is {given.value}")
    if len(given.trades) < KELLY_TRADES:
        words = f"{_KELLY_START_PERCENT} % of equity until there are {KELLY_TRADES} trades (now {len(given.trades)})"
        return _share(given, _KELLY_START_PERCENT, words)
    percent = min(kelly_fraction(given.trades) * given.value * _PERCENT, KELLY_CAP_PERCENT)
    if percent == 0:
        raise NoSize(f"the strategy's last {len(given.trades)} trades have no edge: Kelly is 0")
    return _share(given, percent, f"Kelly: {_plain(percent)} % of equity, capped at {KELLY_CAP_PERCENT} %")


def _equal_weight(given: _Inputs) -> Answer:
    n = given.value if given.n_slots is None else Decimal(given.n_slots)
    if n < 1:
        raise NoSize(f"equal_weight needs at least one position; it has {n}")
    return _share(given, _PERCENT / n, f"one of {_plain(n)} equal parts of {_plain(given.equity)} equity")


_METHODS: dict[SizingMethod, Callable[[_Inputs], Answer]] = {
    SizingMethod.FIXED_QUANTITY: _fixed_quantity,
    SizingMethod.FIXED_VALUE: _fixed_value,
    SizingMethod.PERCENT_EQUITY: _percent_equity,
    SizingMethod.RISK_PER_TRADE: _risk_per_trade,
    SizingMethod.ATR_VOLATILITY: _atr_volatility,
    SizingMethod.KELLY: _kelly,
    SizingMethod.EQUAL_WEIGHT: _equal_weight,
}
