"""Facts as handlers get them, and the table of who hears what.

The table ``HANDLERS`` stands in the module that ``settings.EVENT_WIRING`` names (tradeplatform.wiring): event class →
dotted paths of handlers. A handler takes one ``Fact``; it enqueues or pushes and returns; it is idempotent by
``fact.event_id``, since a durable fact is delivered at least once.
"""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from core.models import OutboxEvent
from domain.events import Event

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as handlers get it: the same whether it comes at once or from the sweep. ``seq`` is 0 when transient."""

    name: str
    event_id: UUID
    at: datetime
    user_id: UUID | None
    account_id: UUID | None
    data: dict[str, Any]
    seq: int = 0


Handler = Callable[[Fact], None]


@functools.cache
def _table() -> dict[str, tuple[tuple[str, Handler], ...]]:
    wiring: dict[type[Event], tuple[str, ...]] = import_string(f"{settings.EVENT_WIRING}.HANDLERS")
    return {cls.name: tuple((path, import_string(path)) for path in paths) for cls, paths in wiring.items()}


def handlers_of(name: str) -> tuple[tuple[str, Handler], ...]:
    """Return the (dotted path, function) pairs that hear facts of this name."""
    return _table().get(name, ())


def fact_of(row: OutboxEvent) -> Fact:
    """Make the fact that handlers get from a stored row."""
    return Fact(row.name, row.event_id, row.at, row.user_id, row.account_id, row.payload, row.seq)


def hand_on(fact: Fact) -> dict[str, str]:
    """Call every handler of a fact; return {handler path: error} of those that failed."""
    failed: dict[str, str] = {}
    for path, handler in handlers_of(fact.name):
        try:
            handler(fact)
        except Exception as error:
            logger.exception("handler %s failed on %s %s", path, fact.name, fact.event_id)
            failed[path] = f"{type(error).__name__}: {error}"
    return failed
