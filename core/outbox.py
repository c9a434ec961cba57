"""Delivery of durable facts: at once after the commit, and by a sweep for what a crash left or a handler refused.

At least once: a row is marked after its handlers ran, so a crash in between delivers it again, and handlers are
idempotent by event id. A handler that fails gets a FailedDelivery row of its own and is tried again alone.
"""

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core import durability, faults, jobs
from core.facts import fact_of, hand_on, handlers_of
from core.models import FailedDelivery, OutboxEvent

logger = logging.getLogger(__name__)

SWEEP_AFTER = timedelta(seconds=5)
MAX_ATTEMPTS = 12
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 600.0


def deliver(rows: Sequence[OutboxEvent]) -> None:
    """Hand rows to their handlers in order and mark them; never raises (the sweep comes back for what is unmarked)."""
    faults.point("outbox.before_delivery")
    with jobs.gathered():
        failures = [(row, path, error) for row in rows for path, error in hand_on(fact_of(row)).items()]
    faults.point("outbox.after_delivery")
    delivered = [row.seq for row in rows]
    waiting: list[int] | None = getattr(_marks, "waiting", None)
    try:
        if failures:
            with durability.relaxed(), transaction.atomic():
                for row, path, error in failures:
                    _note_failure(row, path, error)
                _mark(delivered)
        elif waiting is not None:
            waiting.extend(delivered)
        else:
            with durability.relaxed():  # a mark that is lost delivers again
                _mark(delivered)
    except DatabaseError:
        logger.exception("could not mark %s facts as delivered; the sweep will deliver them again", len(rows))


_marks = threading.local()


@contextmanager
def marked_together() -> Iterator[None]:
    """Deliver at once in this block, but mark all that was delivered with one statement at its end."""
    if getattr(_marks, "waiting", None) is not None:
        yield
        return
    waiting: list[int] = []
    _marks.waiting = waiting
    try:
        yield
    finally:
        _marks.waiting = None
        if waiting:
            with durability.relaxed():
                _mark(waiting)


def _mark(delivered: list[int]) -> None:
    OutboxEvent.objects.filter(seq__in=delivered).update(delivered_at=timezone.now())


def _note_failure(row: OutboxEvent, path: str, error: str) -> None:
    FailedDelivery.objects.get_or_create(
        event=row,
        handler=path,
        defaults={"attempts": 1, "last_error": error[:2000], "next_try_at": timezone.now() + _pause(1)},
    )


def _pause(attempts: int) -> timedelta:
    """Exponential back-off with full jitter, at most ten minutes."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempts)
    return timedelta(seconds=random.uniform(longest / 2, longest))


def sweep(*, at: datetime, limit: int = 500, age: timedelta = SWEEP_AFTER) -> int:
    """Deliver facts that a crash left undelivered, and try failed handlers again; return how many were handled."""
    left = list(OutboxEvent.objects.filter(delivered_at=None, created_at__lt=at - age).order_by("seq")[:limit])
    if left:
        deliver(left)
    due = FailedDelivery.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=at), resolved_at=None, dead=False)
    failed = list(due.select_related("event").order_by("created_at")[:limit])
    for failure in failed:
        _retry(failure, at)
    return len(left) + len(failed)


def _retry(failure: FailedDelivery, at: datetime) -> None:
    """Call one failed handler again and write down how it went; give up (dead letter) after MAX_ATTEMPTS."""
    handler = dict(handlers_of(failure.event.name)).get(failure.handler)
    if handler is None:
        FailedDelivery.objects.filter(pk=failure.pk).update(resolved_at=at, last_error="the handler no longer exists")
        return
    try:
        handler(fact_of(failure.event))
    except Exception as error:
        logger.exception("handler %s failed again on %s", failure.handler, failure.event_id)
        attempts = failure.attempts + 1
        FailedDelivery.objects.filter(pk=failure.pk).update(
            attempts=F("attempts") + 1,
            last_error=f"{type(error).__name__}: {error}"[:2000],
            next_try_at=at + _pause(attempts),
            dead=attempts >= MAX_ATTEMPTS,
        )
    else:
        FailedDelivery.objects.filter(pk=failure.pk).update(resolved_at=at)


def send_again(failure: FailedDelivery, *, at: datetime) -> None:
    """Put a dead letter back (an operator's action in the admin): it is tried at the next sweep."""
    FailedDelivery.objects.filter(pk=failure.pk).update(dead=False, next_try_at=at, attempts=0)
