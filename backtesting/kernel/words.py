"""The words that the kernel's numbers stand for. Pure."""

from domain.orders import OrderRole, OrderSide, OrderStatus, OrderType
from domain.signals import SignalOutcome, SignalSide, SkipCode

ROLES = (OrderRole.ENTRY, OrderRole.EXIT, OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
TYPES = (OrderType.MARKET, OrderType.STOP, OrderType.LIMIT)
STATUSES = (
    OrderStatus.ACCEPTED,
    OrderStatus.HELD,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.DENIED,
)
SIDES = (OrderSide.SELL, OrderSide.BUY)  # (sign + 1) // 2
SIGNAL_SIDES = (SignalSide.SELL, SignalSide.EXIT, SignalSide.BUY)  # sign + 1

_SKIPPED, _DENIED = SignalOutcome.SKIPPED, SignalOutcome.DENIED
OUTCOMES = (SignalOutcome.EXECUTED, *([_SKIPPED] * 6), *([_DENIED] * 5))
CODES = (
    "",
    SkipCode.STRATEGY_PAUSED,
    SkipCode.BELOW_CONFIDENCE,
    SkipCode.MARKET_CLOSED,
    SkipCode.DAILY_TRADE_LIMIT,
    SkipCode.MAX_POSITIONS,
    SkipCode.NO_SIZE,
    "invalid",
    "invalid",
    "risk",
    "invalid",
    "invalid",
)
MESSAGES = (
    "sent",
    "The strategy is paused",
    "The confidence is below the least that the preferences ask for",
    "The market is closed, and the preferences allow no entry at this hour",
    "The session has as many entries as the preferences allow",
    "As many positions are open as the preferences allow",
    "The sizing gives less than one lot",
    "The stop loss lies on the wrong side of the entry",
    "The take profit lies on the wrong side of the entry",
    "",
    "The quantity is above what an order may have",
    "The limit price is not one that an order may have",
)


def text(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words as plain text."""
    return tuple(str(word) for word in words)
