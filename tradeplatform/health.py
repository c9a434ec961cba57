"""How each part of the platform is: measured now, or by the age of its last sign of life."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from core.embedded import transport

Part = dict[str, Any]
LATE_SECONDS = 60.0
KEEP_SECONDS = int(timedelta(days=1).total_seconds())


def record_sign_of_life(queue: str) -> None:
    """Note that a worker of this queue is at work."""
    cache.set(f"alive:{queue}", time.time(), KEEP_SECONDS)


def report() -> dict[str, Part]:
    """Return every part's state: `ok` and what it was judged by."""
    parts: dict[str, Callable[[], Part]] = {
        "database": _database,
        "broker_queue": _broker_queue,
        "workers": _workers,
        "engine": lambda: _signs_of_life(("trading", "risk")),
    }
    parts |= {name: import_string(path) for name, path in import_string(f"{settings.EVENT_WIRING}.HEALTH").items()}
    return {name: _guarded(check) for name, check in parts.items()}


def _guarded(check: Callable[[], Part]) -> Part:
    try:
        return check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        return {"ok": False, "detail": type(error).__name__}  # the message could name hosts and users


def _database() -> Part:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return {"ok": True, "milliseconds": round((time.perf_counter() - began) * 1000, 2)}


def _broker_queue() -> Part:
    if settings.IS_EMBEDDED:
        return {"ok": True, "waiting": transport.queued()}
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    with client:
        return {"ok": True, "waiting": sum(client.llen(f"{prefix}{queue}") for queue in settings.CELERY_QUEUE_NAMES)}


def _workers() -> Part:
    return _signs_of_life(settings.CELERY_QUEUE_NAMES)


def _signs_of_life(queues: tuple[str, ...]) -> Part:
    now = time.time()
    seen = cache.get_many([f"alive:{queue}" for queue in queues])
    ages = {queue: round(now - seen[key], 1) if (key := f"alive:{queue}") in seen else None for queue in queues}
    return {"ok": all(age is not None and age < LATE_SECONDS for age in ages.values()), "age_seconds": ages}
