"""Who is asking: the client's address (one way to find it for sign-in, tokens, throttles and history) and its agent."""

import functools
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request


@functools.cache
def _finder() -> Callable[[HttpRequest], str | None]:
    found: Callable[[HttpRequest], str | None] = import_string(settings.AXES_CLIENT_IP_CALLABLE)
    return found


def client_ip(request: Request | HttpRequest) -> str:
    """Return the client's address; X-Forwarded-For counts only when a trusted proxy wrote it."""
    plain = request._request if isinstance(request, Request) else request
    return _finder()(plain) or ""


def user_agent(request: Request | HttpRequest) -> str:
    """Return what the client calls itself, cut to 200 printable characters."""
    text = str(request.META.get("HTTP_USER_AGENT", ""))
    return "".join(c for c in text if c.isprintable())[:200]
