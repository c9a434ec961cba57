"""Finds durable facts that nobody has looked at: what a crash, a lost wake-up or a late commit left behind."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from core.models import OutboxEvent
from notifications import selectors
from notifications.models import SweepCursor
from notifications.services.routing import route_event, route_events

logger = logging.getLogger(__name__)

LEAVE_TO_WAKE_UPS = timedelta(seconds=2)
LATEST_COMMIT = timedelta(minutes=10)  # a transaction that takes longer than this could be passed by the cursor


def route_facts(event_ids: Sequence[UUID], *, at: datetime) -> int:
    """Tell facts by their ids, in the order of their commit; return how many notifications they made now."""
    events = OutboxEvent.objects.filter(event_id__in=event_ids).order_by("seq")
    return len(route_events(list(events), at=at))


def route_undecided(*, at: datetime, limit: int = 500) -> int:
    """Tell every fact that nobody has looked at; return how many there were. One that fails never stops the next."""
    left = selectors.undecided(before=at - LEAVE_TO_WAKE_UPS, limit=limit)
    failed: list[int] = []
    for event in left:
        try:
            route_event(event, at=at)
        except Exception:
            logger.exception("could not tell %s %s; it stays on the list", event.name, event.event_id)
            failed.append(event.seq)
    if len(left) < limit:
        _advance(at, first_failed=min(failed, default=None))
    return len(left)


@transaction.atomic
def _advance(at: datetime, *, first_failed: int | None) -> None:
    """Move the cursor to the newest row that is too old to get a neighbour any more, never past a failed one."""
    old = OutboxEvent.objects.filter(created_at__lt=at - LATEST_COMMIT).order_by("-seq").values_list("seq", flat=True)
    newest = old.first()
    if newest is None:
        return
    target = newest if first_failed is None else min(newest, first_failed - 1)
    SweepCursor.objects.get_or_create(pk=1)
    SweepCursor.objects.filter(pk=1, seq__lt=target).update(seq=target)
