"""publish(): tell those above what happened, without knowing them. Who hears it is a table (core.facts)."""

import functools
import threading

from django.db import transaction

from core import later, outbox
from core.facts import Fact, hand_on
from core.models import OutboxEvent
from domain.events import Event


def publish(event: Event) -> None:
    """Tell a fact: durable ones are stored now, in the caller's transaction, and handed on after commit.

    Raises RuntimeError when a durable fact is published outside a transaction (it could be lost, or told of something
    that never happened).
    """
    if event.durable:
        _publish_durable(event)
        return
    fact = Fact(event.name, event.event_id, event.at, event.user_id, event.account_id, event.payload())
    transaction.on_commit(lambda: hand_on(fact))


def _publish_durable(event: Event) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{event.name} must be published inside a transaction")
    row = OutboxEvent(
        event_id=event.event_id,
        name=event.name,
        user_id=event.user_id,
        account_id=event.account_id,
        payload=event.payload(),
        at=event.at,
    )
    later.add(row)
    _deliver_after_commit(row)


_ready = threading.local()


def _deliver_after_commit(row: OutboxEvent) -> None:
    """Deliver all rows of a transaction together after its commit: in order, marked with one statement.

    Each row has its own commit hook, so that a rolled-back savepoint drops its rows and no others; one flush stands
    behind them and belongs to no savepoint.
    """
    transaction.on_commit(functools.partial(_collect, row))
    hooks = transaction.get_connection().run_on_commit
    hooks[:] = [hook for hook in hooks if hook[1] is not _flush] + [(set(), _flush, False)]


def _collect(row: OutboxEvent) -> None:
    if not hasattr(_ready, "rows"):
        _ready.rows = []
    _ready.rows.append(row)


def _flush() -> None:
    rows = getattr(_ready, "rows", [])
    _ready.rows = []
    if rows:
        outbox.deliver(rows)
