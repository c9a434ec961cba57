"""Who is behind a socket: the session cookie, or a token sent as the first message; and whether that still holds."""

import ipaddress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string

from domain.errors import PlatformError


@dataclass(frozen=True, slots=True)
class Credential:
    """What opened a socket: a session's key or a token's text, never both."""

    user: Any
    session_key: str = ""
    token: str = ""
    address: str = ""


def from_session(session_key: str) -> Credential | None:
    """Return the credential of a signed-in, active user's session, else None."""
    if not session_key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]  # it reads nothing but the session
    if not user.is_authenticated or not user.is_active:
        return None
    return Credential(user=user, session_key=session_key)


def from_token(token: str, *, address: str) -> Credential | None:
    """Return the credential of a valid access token with the scope `read`, else None."""
    authenticate = import_string(f"{settings.EVENT_WIRING}.SOCKET_TOKEN")
    try:
        found = import_string(authenticate)(token, address)
    except PlatformError:
        return None
    if found is None or "read" not in found[1]:
        return None
    return Credential(user=found[0], token=token, address=address)


def still_holds(credential: Credential) -> bool:
    """Tell whether the session has not ended and the token has not been revoked since."""
    if credential.session_key:
        return from_session(credential.session_key) is not None
    return from_token(credential.token, address=credential.address) is not None


def pace_of(kind: str, user: Any) -> float | None:
    """Return how many seconds a user wants between two batches of this kind (0: as they come, None: nothing now)."""
    path: str | None = getattr(import_module(settings.EVENT_WIRING), "SOCKET_PACE", {}).get(kind)
    found: float | None = import_string(path)(user) if path else 0.0
    return found


def may_listen(kind: str, user: Any, key: str) -> bool:
    """Ask the wiring whether a user may listen to one account or backtest; what nobody vouches for is refused."""
    table: dict[str, str] = import_string(f"{settings.EVENT_WIRING}.SOCKET_ACCESS")
    return kind in table and bool(import_string(table[kind])(user, key))


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return a connection's headers by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}


def session_key_of(scope: dict[str, Any]) -> str:
    """Return the session key in the connection's cookies, or nothing."""
    try:
        cookies = SimpleCookie(headers_of(scope).get("cookie", ""))
    except CookieError:
        return ""
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else ""


def is_own_origin(scope: dict[str, Any]) -> bool:
    """Tell whether a connection comes from this site's own pages, or from a program (which names no Origin)."""
    headers = headers_of(scope)
    host = headers.get("host", "")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    origin = headers.get("origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return urlsplit(origin).scheme in ("http", "https") and urlsplit(origin).netloc.lower() == host.lower()


def address_of(scope: dict[str, Any]) -> str:
    """Return the client's address; a trusted proxy's X-Forwarded-For is read from the right."""
    address = str((scope.get("client") or ("",))[0])
    hops = headers_of(scope).get("x-forwarded-for", "").split(",")
    for hop in reversed(hops):
        if address not in settings.TRUSTED_PROXIES or not hop.strip():
            break
        address = hop.strip()
    return address if _is_address(address) else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
