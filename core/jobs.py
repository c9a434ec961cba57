"""wake(): enqueue a Celery task as a mere wake-up. The work itself is always a row that a sweep finds as well."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: Task, *args: Any, countdown: float | None = None) -> None:
    """Enqueue after commit; never raises: with the broker down the sweep does the work a little later."""
    transaction.on_commit(lambda: _send(task, args, countdown))


_gathering = threading.local()


@contextmanager
def gathered() -> Iterator[None]:
    """Send what :func:`wake_for` names in this block as one message a task, at its end."""
    if getattr(_gathering, "items", None) is not None:
        yield
        return
    items: dict[Task, list[str]] = {}
    _gathering.items = items
    try:
        yield
    finally:
        _gathering.items = None
        for task, named in items.items():
            wake(task, *named)


def wake_for(task: Task, item: str) -> None:
    """Wake a task that takes any number of items for one more: together with others of a :func:`gathered` block."""
    items: dict[Task, list[str]] | None = getattr(_gathering, "items", None)
    if items is None:
        wake(task, item)
    else:
        items.setdefault(task, []).append(item)


def _send(task: Task, args: tuple[Any, ...], countdown: float | None) -> None:
    try:
        task.apply_async(args=args, countdown=countdown, retry=False)
    except OperationalError as error:  # the broker is away: a line each, not a traceback
        logger.warning("could not enqueue %s%s; its sweep will do the work: %s", task.name, args, error)
    except Exception:
        logger.warning("could not enqueue %s%s; its sweep will do the work", task.name, args, exc_info=True)
