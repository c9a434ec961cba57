"""Orders: their words (FIX), and one pure table that says which state may follow which."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class OrderSide(StrEnum):
    """Buy or sell; ``sign`` is +1 or -1."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """The direction in which a fill moves the position."""
        return 1 if self is OrderSide.BUY else -1

    @property
    def opposite(self) -> "OrderSide":
        """The side that undoes this one."""
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order works."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class OrderClass(StrEnum):
    """Alone, with a stop and target of its own, or one of two of which one cancels the other."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"


class OrderRole(StrEnum):
    """What an order is for; protective orders are never blocked and never timed out."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    MANUAL = "manual"


class OrderStatus(StrEnum):
    """The life of an order (domain words; ``denied`` is ours, ``rejected`` is the venue's)."""

    INITIALIZED = "initialized"
    PENDING_APPROVAL = "pending_approval"
    DENIED = "denied"
    HELD = "held"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_UPDATE = "pending_update"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


S = OrderStatus

FINAL = frozenset({S.DENIED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED})
LOCAL = frozenset({S.INITIALIZED, S.PENDING_APPROVAL, S.HELD})
OPEN = frozenset({S.ACCEPTED, S.TRIGGERED, S.PARTIALLY_FILLED, S.PENDING_UPDATE, S.PENDING_CANCEL})
IN_FLIGHT = frozenset({S.SUBMITTED, S.PENDING_UPDATE, S.PENDING_CANCEL})
AT_VENUE = OPEN | {S.SUBMITTED}
WORKING = AT_VENUE | {S.HELD, S.PENDING_APPROVAL, S.INITIALIZED}

_WORKING_VENUE = AT_VENUE
# What may follow what. A state missing on the right is an anomaly: kept as an event, applied to nothing.
FOLLOWS: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.INITIALIZED: frozenset({S.PENDING_APPROVAL, S.DENIED, S.HELD, S.SUBMITTED, S.CANCELED}),
    S.PENDING_APPROVAL: frozenset({S.SUBMITTED, S.DENIED, S.CANCELED, S.EXPIRED}),
    S.HELD: frozenset({S.SUBMITTED, S.CANCELED, S.DENIED}),
    S.SUBMITTED: frozenset(
        {S.ACCEPTED, S.TRIGGERED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED}
    ),
    S.ACCEPTED: frozenset(
        {S.TRIGGERED, S.PARTIALLY_FILLED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED, S.CANCELED, S.EXPIRED}
    ),
    S.TRIGGERED: frozenset({S.PARTIALLY_FILLED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED, S.CANCELED, S.EXPIRED}),
    S.PARTIALLY_FILLED: frozenset(
        {S.PARTIALLY_FILLED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED, S.CANCELED, S.EXPIRED}
    ),
    # An update or cancel that the venue refuses puts the order back where it was.
    S.PENDING_UPDATE: frozenset(
        {S.ACCEPTED, S.TRIGGERED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.FILLED, S.CANCELED, S.EXPIRED}
    ),
    S.PENDING_CANCEL: frozenset({S.ACCEPTED, S.TRIGGERED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED}),
    # Final states: a late fill is booked (execution does that) but never brings the order back to life.
    S.DENIED: frozenset(),
    S.FILLED: frozenset(),
    S.CANCELED: frozenset(),
    S.EXPIRED: frozenset(),
    S.REJECTED: frozenset(),
}


def may_follow(old: OrderStatus, new: OrderStatus) -> bool:
    """Tell whether an order may go from ``old`` to ``new``."""
    return new in FOLLOWS[old]


class EventSource(StrEnum):
    """Who says that an order changed."""

    LOCAL = "local"
    STREAM = "stream"
    POLL = "poll"
    RECONCILIATION = "reconciliation"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSpec:
    """What is to be sent: the input of the one door. ``quantity`` is positive; prices are in the quote currency."""

    symbol: str
    side: OrderSide
    quantity: Decimal
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.GTC
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_percent: Decimal | None = None
    reduce_only: bool = False
    role: OrderRole = OrderRole.MANUAL
    stop_loss_price: Decimal | None = None
    stop_loss_percent: Decimal | None = None
    take_profit_price: Decimal | None = None
    take_profit_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """One execution as a venue tells it; unique by (account, venue_fill_id)."""

    venue_fill_id: str
    client_order_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    """What a venue says of one order: its status there, and the fills it knows of so far."""

    client_order_id: str
    status: OrderStatus
    venue_order_id: str = ""
    fills: tuple[VenueFill, ...] = ()
    reason: str = ""
    at: datetime | None = None
    raw: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution as it is booked: the only thing that moves a position or cash. ``fee`` is positive when paid."""

    fill_id: UUID
    venue_fill_id: str
    instrument_id: UUID
    symbol: str
    strategy_id: UUID | None
    side: OrderSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    at: datetime

    @property
    def signed_quantity(self) -> Decimal:
        """Positive for a buy."""
        return self.quantity * self.side.sign

    @property
    def cash_change(self) -> Decimal:
        """What the fill does to cash: the value paid or received, less the fee."""
        return -self.signed_quantity * self.price - self.fee
