"""Whose address a request comes from. A client cannot choose it: only a trusted proxy's word counts."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address.

    X-Forwarded-For is read from the right, and only for as long as the sender is one of TRUSTED_PROXIES: everything
    further left was written by whoever sent the request.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    trusted = frozenset(settings.TRUSTED_PROXIES)
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if address not in trusted or not hop.strip():
            break
        address = hop.strip()
    return address
