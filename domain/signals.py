"""Signals: what a strategy wants. A signal is a statement, not an order; it ends in exactly one outcome."""

from dataclasses import dataclass
from enum import StrEnum


class SignalSide(StrEnum):
    """What is wanted: more of it, out of it, or (where shorting is allowed) less than none of it."""

    BUY = "buy"
    SELL = "sell"
    EXIT = "exit"


class SignalOutcome(StrEnum):
    """Where a signal ended; ``pending`` and ``awaiting_approval`` are the only ones that still move."""

    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    EXECUTED = "executed"
    DENIED = "denied"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    SKIPPED = "skipped"


class SkipCode(StrEnum):
    """Why a signal was skipped before it became an order."""

    BELOW_CONFIDENCE = "below_confidence"
    DAILY_TRADE_LIMIT = "daily_trade_limit"
    MARKET_CLOSED = "market_closed"
    STRATEGY_PAUSED = "strategy_paused"
    STALE_DATA = "stale_data"
    NO_SIZE = "no_size"
    DUPLICATE = "duplicate"
    NO_POSITION = "no_position"
    ALREADY_IN_POSITION = "already_in_position"
    MAX_POSITIONS = "max_positions"
    ORDER_TYPE_NOT_ALLOWED = "order_type_not_allowed"


FINAL_OUTCOMES = frozenset(
    {
        SignalOutcome.EXECUTED,
        SignalOutcome.DENIED,
        SignalOutcome.DISMISSED,
        SignalOutcome.EXPIRED,
        SignalOutcome.SKIPPED,
    }
)


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One row of a strategy's answer: what it says at one bar (None in a field means: it says nothing of that)."""

    side: SignalSide
    confidence: float
    stop: float | None = None
    take_profit: float | None = None
    reason: str = ""
