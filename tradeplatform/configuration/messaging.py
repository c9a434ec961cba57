"""Broker, channel layer and cache: in this process without REDIS_URL, on Redis with it."""

from typing import Any

QUEUES = ("trading", "risk", "notifications", "backtests", "default")
ROUTES = {
    "trading.*": {"queue": "trading"},
    "strategies.*": {"queue": "trading"},
    "marketdata.*": {"queue": "trading"},
    "portfolio.*": {"queue": "risk"},
    "risk.*": {"queue": "risk"},
    "notifications.*": {"queue": "notifications"},
    "backtesting.*": {"queue": "backtests"},
}


def broker_url(redis_url: str) -> str:
    """Return the Celery broker's address."""
    return redis_url or "inproc://localhost"


def broker_options(redis_url: str, *, prefix: str) -> dict[str, Any]:
    """Return transport options: a task that is not acknowledged within the hour is given out again.

    Whoever enqueues tries to connect twice at once and no longer: with Redis down a request must not wait for it.
    """
    if not redis_url:
        return {}
    failing_fast = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    timeouts = {"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 3}
    return {"global_keyprefix": prefix, **timeouts, **failing_fast}


def channel_layer(redis_url: str, *, prefix: str) -> dict[str, Any]:
    """Return the `default` entry of CHANNEL_LAYERS."""
    if not redis_url:
        return {"BACKEND": "realtime.memory_layer.ThreadSafeMemoryLayer", "CONFIG": {"capacity": 2000}}
    return {
        "BACKEND": "realtime.redis_layer.RedisLayer",
        "CONFIG": {"hosts": [redis_url], "prefix": f"{prefix}channels", "capacity": 2000},
    }


def cache(redis_url: str, *, prefix: str) -> dict[str, Any]:
    """Return the `default` entry of CACHES; on Redis values are JSON, never pickles."""
    if not redis_url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "platform"}
    return {
        "BACKEND": "tradeplatform.cache.OwnKeysRedisCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": f"{prefix}cache",
        "OPTIONS": {"serializer": "tradeplatform.cache.JsonSerializer"},
    }
