"""The one place that changes an order's status: by the table of domain.orders, with an event row and a fact."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from core import later
from core.bus import publish
from core.prepared import insert, update
from domain import events
from domain.orders import FINAL, EventSource, OrderStatus, may_follow
from trading.models import Order, OrderEvent

FACTS: dict[OrderStatus, type[events.OrderFact]] = {
    OrderStatus.DENIED: events.OrderDenied,
    OrderStatus.SUBMITTED: events.OrderSubmitted,
    OrderStatus.ACCEPTED: events.OrderAccepted,
    OrderStatus.TRIGGERED: events.OrderTriggered,
    OrderStatus.PARTIALLY_FILLED: events.OrderPartiallyFilled,
    OrderStatus.FILLED: events.OrderFilled,
    OrderStatus.CANCELED: events.OrderCanceled,
    OrderStatus.EXPIRED: events.OrderExpired,
    OrderStatus.REJECTED: events.OrderRejected,
}
# What may change in an order's life; the rest is what it was made with.
CHANGING = (
    "status",
    "status_before",
    "reason",
    "submitted_at",
    "closed_at",
    "market_at",
    "arrival",
    "decision",
    "venue_order_id",
    "quantity",
    "requested_quantity",
    "filled_quantity",
    "average_fill_price",
    "limit_price",
    "stop_price",
    "pending",
    "unresolved",
    "unresolved_until",
    "updated_at",
)
REPEATABLE = frozenset({OrderStatus.PARTIALLY_FILLED})


def move(
    order: Order,
    to: OrderStatus,
    *,
    source: EventSource,
    at: datetime,
    message: str = "",
    raw: dict[str, Any] | None = None,
) -> bool:
    """Bring an order (its row locked by the caller) to a status; return whether it moved.

    A status that may not follow is kept as an anomaly event and applied to nothing; one that the order already has is
    no change at all. Writes an OrderEvent and publishes the fact.
    """
    old = OrderStatus(order.status)
    if to is old and to not in REPEATABLE:
        return False
    if not may_follow(old, to):
        note(order, to, source=source, at=at, message=message, raw=raw, anomaly=True)
        return False
    order.status_before, order.status = old.value, to.value
    if message:
        order.reason = message
    if to is OrderStatus.SUBMITTED:
        order.submitted_at = timezone.now()
    if to in FINAL:
        order.closed_at, order.pending = timezone.now(), {}
    update(order, CHANGING)
    note(order, to, source=source, at=at, message=message, raw=raw, old=old)
    fact = FACTS.get(to)
    if fact is not None:
        publish(order_fact(fact, order, at=at, reason=message))
    return True


def begin(order: Order, to: OrderStatus, *, source: EventSource, at: datetime, message: str = "") -> None:
    """Store a new order in its first status, with its event and fact; raises ValueError where none begins so."""
    if not may_follow(OrderStatus.INITIALIZED, to):
        raise ValueError(f"an order cannot begin as {to}")
    order.status_before, order.status, order.reason = OrderStatus.INITIALIZED.value, to.value, message
    if to is OrderStatus.SUBMITTED:
        order.submitted_at = timezone.now()
    if to in FINAL:
        order.closed_at = timezone.now()
    insert([order])
    note(order, to, source=source, at=at, message=message, old=OrderStatus.INITIALIZED)
    if to in FACTS:
        publish(order_fact(FACTS[to], order, at=at, reason=message))


def note(
    order: Order,
    to: OrderStatus,
    *,
    source: EventSource,
    at: datetime,
    message: str = "",
    raw: dict[str, Any] | None = None,
    anomaly: bool = False,
    old: OrderStatus | None = None,
) -> None:
    """Add a row to the order's history."""
    row = OrderEvent(
        order=order,
        from_status=old or order.status,
        to_status=to,
        source=source,
        message=message,
        raw=raw,
        anomaly=anomaly,
        at=at,
    )
    later.add(row)


def order_fact(fact: type[events.OrderFact], order: Order, *, at: datetime, reason: str = "") -> events.OrderFact:
    """Build a fact about an order."""
    return fact(
        at=at,
        user_id=order.user_id,
        account_id=order.account_id,
        order_id=order.pk,
        client_order_id=order.client_order_id,
        strategy_id=order.strategy_id,
        symbol=order.instrument.symbol,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        average_price=order.average_fill_price,
        currency=order.account.currency,
        status=order.status,
        reason=reason or order.reason,
    )
