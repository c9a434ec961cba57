"""Facts of orders and fills."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact(Event):
    """What every fact about an order tells."""

    order_id: uuid.UUID
    client_order_id: str
    strategy_id: uuid.UUID | None
    symbol: str
    side: str
    type: str
    quantity: Decimal
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    currency: str = ""
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDenied(OrderFact):
    """We refused the order; it never left the platform."""

    name: ClassVar[str] = "order.denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted(OrderFact):
    """The intent is committed; the broker is called next."""

    name: ClassVar[str] = "order.submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(OrderFact):
    """The venue has the order."""

    name: ClassVar[str] = "order.accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTriggered(OrderFact):
    """The order's stop price was reached."""

    name: ClassVar[str] = "order.triggered"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPartiallyFilled(OrderFact):
    """A part of the order was executed."""

    name: ClassVar[str] = "order.partially_filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(OrderFact):
    """The whole order was executed."""

    name: ClassVar[str] = "order.filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled(OrderFact):
    """The order is off the venue's book."""

    name: ClassVar[str] = "order.canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired(OrderFact):
    """The order's time in force ended."""

    name: ClassVar[str] = "order.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(OrderFact):
    """The venue refused the order."""

    name: ClassVar[str] = "order.rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUnresolved(OrderFact):
    """Nobody knows whether the venue has the order; no new risk on the instrument until somebody does."""

    name: ClassVar[str] = "order.unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResolved(OrderFact):
    """The fate of an unresolved order is known."""

    name: ClassVar[str] = "order.resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRecorded(Event):
    """One execution was booked."""

    name: ClassVar[str] = "fill.recorded"
    fill_id: uuid.UUID
    order_id: uuid.UUID
    strategy_id: uuid.UUID | None
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
