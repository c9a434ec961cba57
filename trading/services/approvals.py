"""A person's word on a signal that waits: its order is sent, or canceled, or both run out of time."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from domain.errors import IllegalState
from domain.orders import OrderStatus
from domain.signals import SignalOutcome
from trading.models import Order, Signal
from trading.services import orders
from trading.services.signals import settle

logger = logging.getLogger(__name__)


def _waiting(signal_id: UUID) -> Signal:
    rows = Signal.objects.select_for_update(of=("self",)).select_related("instrument")
    signal = rows.get(pk=signal_id)
    if signal.outcome != SignalOutcome.AWAITING_APPROVAL:
        text = f"This signal does not wait for approval; it is {signal.outcome.replace('_', ' ')}"
        raise IllegalState(text, code="not_waiting")
    return signal


def _waiting_order(signal: Signal) -> Order | None:
    """The order that waits with the signal; None when it was canceled by itself (its strategy was stopped)."""
    return Order.objects.filter(signal=signal, status=OrderStatus.PENDING_APPROVAL).first()


def approve(signal_id: UUID, *, at: datetime) -> Signal:
    """Send the order of a waiting signal, after asking the risk gate again. Raises IllegalState."""
    with transaction.atomic():
        signal = _waiting(signal_id)
        waiting = _waiting_order(signal)
        if waiting is None:
            raise IllegalState("The order of this signal was canceled; dismiss the signal", code="order_is_final")
    order = orders.approve_order(waiting.pk, at=at)
    with transaction.atomic():
        signal = _waiting(signal_id)
        signal.decision = order.decision
        denied = order.status == OrderStatus.DENIED
        outcome = SignalOutcome.DENIED if denied else SignalOutcome.APPROVED
        settle(signal, outcome, "risk" if denied else "", order.reason if denied else "You approved it")
    return signal


def dismiss(signal_id: UUID, *, at: datetime, expired: bool = False) -> Signal:
    """Say no to a waiting signal (or let it expire): its order is canceled. Raises IllegalState."""
    with transaction.atomic():
        order = _waiting_order(_waiting(signal_id))
    reason = "nobody approved it in time" if expired else "you dismissed it"
    if order is not None:
        orders.cancel_order(order.pk, at=at, reason=reason)
    with transaction.atomic():
        signal = _waiting(signal_id)
        outcome = SignalOutcome.EXPIRED if expired else SignalOutcome.DISMISSED
        settle(signal, outcome, "", reason.capitalize())
    return signal


def expire_waiting(*, now: datetime) -> int:
    """Let signals that nobody approved in time expire; return how many."""
    due = Signal.objects.filter(outcome=SignalOutcome.AWAITING_APPROVAL, expires_at__lte=now)
    ids = list(due.values_list("pk", flat=True)[:200])
    for signal_id in ids:
        try:
            dismiss(signal_id, at=now, expired=True)
        except IllegalState:
            logger.info("signal %s was settled meanwhile", signal_id)
    return len(ids)
