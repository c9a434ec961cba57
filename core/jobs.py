"""wake(): enqueue a Celery task as a mere wake-up. The work itself is always a row that a sweep finds as well."""

import logging
from typing import Any

from celery import Task
from django.db import transaction

logger = logging.getLogger(__name__)


def wake(task: Task, *args: Any, countdown: float | None = None) -> None:
    """Enqueue after commit; never raises: with the broker down the sweep does the work a little later."""
    transaction.on_commit(lambda: _send(task, args, countdown))


def _send(task: Task, args: tuple[Any, ...], countdown: float | None) -> None:
    try:
        task.apply_async(args=args, countdown=countdown, retry=False)
    except Exception:
        logger.warning("could not enqueue %s%s; its sweep will do the work", task.name, args, exc_info=True)
