"""Bounds on how often somebody may ask: fixed windows counted atomically in the cache; 429 with Retry-After.

A cache that is down stops no cancel and no kill switch: then nothing is throttled.
"""

import hashlib
import logging
import time
from typing import Any, ClassVar

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.api.client import client_ip

logger = logging.getLogger(__name__)

# scope: (requests, seconds); settings.API_RATES overrides single entries.
RATES: dict[str, tuple[int, int]] = {
    "user": (6000, 60),
    "anonymous": (600, 60),
    "sign_in": (60, 60),
    "sign_in_account": (30, 60),
    "webhook": (60, 60),
}


def count(scope: str, subject: str, *, now: float) -> tuple[bool, int]:
    """Count one request; return whether it is within the bound and the seconds until the window ends."""
    allowed, seconds = {**RATES, **getattr(settings, "API_RATES", {})}[scope]
    window = int(now // seconds)
    key = f"throttle:{scope}:{subject}:{window}"
    left = max(1, int((window + 1) * seconds - now))
    try:
        cache.add(key, 0, timeout=seconds + 5)
        return cache.incr(key) <= allowed, left
    except ValueError:  # the window ended between the two calls
        return True, left
    except (RedisError, OSError):
        logger.warning("the cache does not answer; requests are not counted")
        return True, left


class WindowThrottle(BaseThrottle):
    """Counts by user, or by address where nobody is signed in."""

    scope: ClassVar[str] = ""
    seconds_left = 0

    def subject(self, request: Request, view: Any) -> str:
        """Return who is counted."""
        return str(request.user.pk) if request.user and request.user.is_authenticated else client_ip(request)

    def scope_of(self, request: Request) -> str:
        """Return the name of the bound."""
        return self.scope or ("user" if request.user and request.user.is_authenticated else "anonymous")

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count and answer."""
        allowed, self.seconds_left = count(self.scope_of(request), self.subject(request, view), now=time.time())
        return allowed

    def wait(self) -> float:
        """Return the seconds for Retry-After."""
        return float(self.seconds_left)


class SignInThrottle(WindowThrottle):
    """Attempts to sign in, by address."""

    scope = "sign_in"

    def subject(self, request: Request, view: Any) -> str:
        """Return the address."""
        return client_ip(request)


class WebhookThrottle(WindowThrottle):
    """Outside signals, by the token in the address (view keyword ``token``)."""

    scope = "webhook"

    def subject(self, request: Request, view: Any) -> str:
        """Return a short digest of the token: the cache keeps no secret."""
        return token_digest(str(view.kwargs.get("token", "")))


def token_digest(token: str) -> str:
    """Return 16 hex digits of the token's SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:16]
