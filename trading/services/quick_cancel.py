"""The cancels of a kill switch: written down for all orders of an account at once, then carried to the venue.

One transaction an account instead of one an order, and whatever else this process wants to write stands back: under
load a hundred cancels must not queue behind a hundred new orders.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import jobs, outbox
from core.urgency import urgent
from domain.orders import FINAL, EventSource, OrderStatus
from portfolio import selectors as portfolio
from trading.models import Order
from trading.services import sending
from trading.services.bulk import PROTECTIVE, Selection
from trading.services.orders import LOCAL_CANCEL
from trading.services.protecting import keep_by_hand
from trading.services.transitions import move

logger = logging.getLogger(__name__)


def cancel_quickly(selection: Selection, *, reason: str, only_new_risk: bool) -> int:
    """Cancel every selected order that is not final; return how many were asked to end.

    With ``only_new_risk`` exits and protective orders stay. Nothing is decided anew: what fails at the venue is found
    by reconciliation, which sends a cancel again.
    """
    with urgent(), jobs.gathered(), outbox.marked_together():
        rows = _selected(selection, only_new_risk=only_new_risk)
        accounts = sorted(set(rows.values_list("account_id", flat=True)))
        marked = [order_id for account_id in accounts for order_id in _mark(account_id, rows, reason=reason)]
        for order_id in marked:
            _carry(order_id)
    return len(marked)


def _selected(selection: Selection, *, only_new_risk: bool) -> QuerySet[Order]:
    rows: QuerySet[Order] = selection.of(Order.objects.exclude(status__in=[status.value for status in FINAL]))
    return rows.filter(reduce_only=False).exclude(role__in=PROTECTIVE) if only_new_risk else rows


@transaction.atomic
def _mark(account_id: UUID, rows: QuerySet[Order], *, reason: str) -> list[UUID]:
    """Write down for all orders of an account that they are to end; return them."""
    portfolio.locked_account(account_id)
    locked = rows.filter(account_id=account_id).select_for_update(of=("self",)).order_by("created_at")
    done = []
    for order in locked.select_related("account", "instrument__replay", "strategy"):
        _end(order, reason=reason)
        done.append(order.pk)
    return done


def _end(order: Order, *, reason: str) -> None:
    status = OrderStatus(order.status)
    if status in LOCAL_CANCEL:
        move(order, OrderStatus.CANCELED, source=EventSource.OPERATOR, at=_market_time(order), message=reason)
    elif status is not OrderStatus.PENDING_CANCEL:
        move(order, OrderStatus.PENDING_CANCEL, source=EventSource.OPERATOR, at=_market_time(order), message=reason)
        keep_by_hand(order, level=None, at=_market_time(order))


def _market_time(order: Order) -> datetime:
    clock = order.instrument.replay
    return timezone.now() if clock is None else clock.market_time


def _carry(order_id: UUID) -> None:
    try:
        sending.dispatch([order_id])
    except Exception:  # whatever it is, the other cancels go out
        logger.exception("the cancel of order %s could not be carried out; reconciliation will", order_id)
