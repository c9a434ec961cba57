"""Carrying committed intents to the venue: after the commit, outside any transaction, one message each.

What is to be sent is in the order's status (submitted, pending_cancel, pending_update), so that a crash in between
loses nothing: reconciliation finds the order and carries on.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import faults, urgency
from core.bus import publish
from domain import events
from domain.errors import BrokerError
from domain.orders import EventSource, ExecutionReport, OrderStatus
from risk import selectors as risk
from risk.gate import reducing_quantity
from risk.models import KillSwitch
from trading import selectors
from trading.brokers.base import Broker, Replacement
from trading.models import Order
from trading.services import execution, intents
from trading.services.intents import Origin
from trading.services.transitions import move, note, order_fact
from trading.services.venues import broker_of, broker_order

logger = logging.getLogger(__name__)

RESOLVE_WITHIN = timedelta(seconds=60)


def dispatch(orders: Iterable[Order | UUID]) -> None:
    """Carry each order's intent to its venue and book what the venue answers; never raises for a venue's failure.

    An order that the caller has just committed is taken as it is (with account and instrument), another one by its id.
    """
    queue = list(orders)
    while queue:
        queue.extend(_carry(_order(queue.pop(0))))


def _order(order: Order | UUID) -> Order:
    rows = Order.objects.select_related("account", "instrument")
    return order if isinstance(order, Order) else rows.get(pk=order)


def _carry(order: Order) -> tuple[Order, ...]:
    call = CALLS.get(OrderStatus(order.status))
    if call is None:
        return ()
    faults.point("orders.after_intent")
    try:
        report = _called(call, order)
    except BrokerError as error:
        _book_failure(order, error)
        return ()
    if report is None:
        return ()
    faults.point("orders.after_send")
    follow_ups = execution.apply_report(order.account_id, report, source=EventSource.STREAM)
    faults.point("orders.after_report")
    return follow_ups


def _called(call: Callable[[Broker, Order], ExecutionReport], order: Order) -> ExecutionReport | None:
    """Ask for kill switches, then call the venue; None where one keeps the order here.

    Who waited for his turn while a switch was engaged asks again: what he knew does not hold any more.
    """
    while True:
        n_begun = urgency.turns.n_begun
        switch = _stopping(order)
        if switch is not None:
            _withhold(order, switch)
            return None
        try:
            with urgency.unless_overtaken(n_begun):
                return call(broker_of(order.account), order)
        except urgency.Overtaken:
            continue


def _stopping(order: Order) -> KillSwitch | None:
    """The kill switch that forbids to send an order now, though it was decided a moment before; None: it may go.

    An order in status submitted that is dispatched is surely not at the venue: it is new, or reconciliation said so.
    """
    if order.status != OrderStatus.SUBMITTED:
        return None
    switch = risk.stopping_switch(order.account, order.strategy_id, reduces=order.reduce_only)
    is_exempt = switch is not None and not switch.forbid_all and _only_reduces(order)
    return None if is_exempt else switch


def _only_reduces(order: Order) -> bool:
    """Tell whether all of an order reduces its own position, though it does not say so."""
    snapshot = selectors.snapshot(order.account, at=order.market_at)
    others = tuple(each for each in snapshot.working if each.client_order_id != order.client_order_id)
    intent = intents.intent_of(intents.spec_of(order), order.instrument, Origin(strategy=order.strategy), None)
    return reducing_quantity(intent, replace(snapshot, working=others)) >= order.quantity


def _withhold(order: Order, switch: KillSwitch) -> None:
    """Cancel an order here that a kill switch keeps from the wire."""
    at = timezone.now()
    with transaction.atomic():
        row = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument").get(pk=order.pk)
        if row.status == OrderStatus.SUBMITTED:
            text = f"Kill switch ({switch.scope}): {switch.reason}; the order was not sent"
            move(row, OrderStatus.CANCELED, source=EventSource.LOCAL, at=at, message=text)
            execution.release_children(row, at=at)


def _submit(broker: Broker, order: Order) -> ExecutionReport:
    return broker.submit(broker_order(order))


def _cancel(broker: Broker, order: Order) -> ExecutionReport:
    return broker.cancel(order.client_order_id)


def _replace(broker: Broker, order: Order) -> ExecutionReport:
    return broker.replace(order.client_order_id, replacement_of(order))


CALLS: dict[OrderStatus, Callable[[Broker, Order], ExecutionReport]] = {
    OrderStatus.SUBMITTED: _submit,
    OrderStatus.PENDING_CANCEL: _cancel,
    OrderStatus.PENDING_UPDATE: _replace,
}


def replacement_of(order: Order) -> Replacement:
    """What a replacement under way asks for (fields that are not named keep their value)."""
    asked: dict[str, Any] = order.pending

    def value(name: str, present: Decimal | None) -> Decimal | None:
        return Decimal(asked[name]) if asked.get(name) is not None else present

    quantity = value("quantity", order.quantity)
    return Replacement(
        quantity=order.quantity if quantity is None else quantity,
        limit_price=value("limit_price", order.limit_price),
        stop_price=value("stop_price", order.stop_price),
    )


def _book_failure(order: Order, error: BrokerError) -> None:
    """Write down what a venue's error means: refused, not arrived, or nobody knows."""
    at = timezone.now()
    with transaction.atomic():
        row = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument").get(pk=order.pk)
        if error.unresolved:
            _mark_unresolved(row, str(error))
        elif row.status == OrderStatus.SUBMITTED:
            move(row, OrderStatus.REJECTED, source=EventSource.STREAM, at=at, message=str(error))
            execution.release_children(row, at=at)
        elif row.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE):
            back = OrderStatus(row.status_before or OrderStatus.ACCEPTED)
            move(row, back, source=EventSource.STREAM, at=at, message=f"The venue refused: {error}")
        else:
            note(row, OrderStatus(row.status), source=EventSource.STREAM, at=at, message=str(error), anomaly=True)


def _mark_unresolved(row: Order, message: str) -> None:
    if row.unresolved:
        return
    row.unresolved, row.unresolved_until = True, timezone.now() + RESOLVE_WITHIN
    row.reason = message
    row.save(update_fields=["unresolved", "unresolved_until", "reason", "updated_at"])
    at = timezone.now()
    note(row, OrderStatus(row.status), source=EventSource.LOCAL, at=at, message=f"Unresolved: {message}")
    publish(order_fact(events.OrderUnresolved, row, at=at, reason=message))
