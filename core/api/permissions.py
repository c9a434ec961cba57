"""Scopes: what a token may do. A browser session may do whatever its user may."""

from enum import StrEnum
from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from domain.errors import PermissionRefused


class Scope(StrEnum):
    """What a token may do: look, trade and configure, or touch keys, limits' ceilings and kill switches."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


def scopes_of(request: Request) -> frozenset[str]:
    """Return the scopes of the request: those of its token, all of them for a session."""
    return frozenset(Scope) if request.auth is None else frozenset(request.auth.scopes)


def method_of(request: Request) -> str:
    """Return what a request asks for: a HEAD is a GET whose body is not sent."""
    return "GET" if request.method == "HEAD" else str(request.method)


def require_scope(request: Request, scope: Scope) -> None:
    """Raise PermissionRefused (403, missing_scope) unless the request has the scope."""
    if scope not in scopes_of(request):
        raise PermissionRefused(f"This needs a token with the scope '{scope}'.", code="missing_scope")


class ScopePermission(BasePermission):
    """Signed in, and with the scope that the view asks for: ``view.scopes`` by action or method, else by method.

    Reading needs ``read``, anything else ``trade``.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return False for nobody (401); raise PermissionRefused for a missing scope (403)."""
        if not (request.user and request.user.is_authenticated):
            return False
        require_scope(request, self.needed(request, view))
        return True

    @staticmethod
    def needed(request: Request, view: Any) -> Scope:
        """Return the scope that this request needs."""
        overrides: dict[str, Scope] = getattr(view, "scopes", {})
        action = getattr(view, "action", None) or ""
        method = method_of(request)
        if action in overrides:
            return overrides[action]
        return overrides.get(method, Scope.READ if method in SAFE_METHODS else Scope.TRADE)
