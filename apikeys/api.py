"""auth/tokens/: give, list and revoke the platform's own tokens."""

from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from apikeys import selectors, services
from apikeys.models import AccessToken
from apikeys.sign_in import check_credentials
from core.api.fields import EnumField, Identifier, Text, UtcDateTime
from core.api.idempotency import once
from core.api.permissions import Scope, scopes_of
from core.api.serializers import StrictSerializer
from core.api.throttling import SignInThrottle
from core.api.views import DestroyMixin, ListMixin, OwnedViewSet, RetrieveMixin
from users.models import User


class TokenInput(StrictSerializer):
    """A wish for a token: with user name and password, or by whoever is signed in."""

    username = Text(max_length=150, required=False)
    password = serializers.CharField(max_length=4096, required=False, trim_whitespace=False, write_only=True)
    otp = Text(max_length=32, required=False, help_text="One-time or recovery code, where the account has one.")
    scopes = serializers.ListField(child=EnumField(Scope), min_length=1, max_length=3)
    name = Text(max_length=100, required=False, default="")
    expires_at = UtcDateTime(required=False, allow_null=True, default=None)
    ip_networks = serializers.ListField(child=Text(max_length=64), max_length=50, required=False, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """User name and password come together."""
        for one, other in (("username", "password"), ("password", "username")):
            if one in attrs and other not in attrs:
                raise serializers.ValidationError({other: [f"{one} was given without {other}."]}, code="required")
        return attrs


class TokenOutput(StrictSerializer):
    """A token without its secret."""

    id = Identifier()
    name = Text(max_length=100)
    hint = Text(max_length=8, help_text="The last four characters.")
    scopes = serializers.ListField(child=EnumField(Scope))
    ip_networks = serializers.ListField(child=Text(max_length=64))
    expires_at = UtcDateTime(allow_null=True)
    last_used_at = UtcDateTime(allow_null=True)
    last_used_ip = Text(max_length=64, allow_null=True)
    created_at = UtcDateTime()


class NewTokenOutput(TokenOutput):
    """A new token: the only answer that ever shows it."""

    token = Text(max_length=64)


class TokenViewSet(ListMixin, RetrieveMixin, DestroyMixin, OwnedViewSet):
    """The asker's tokens; revoked ones are gone."""

    model = AccessToken
    output = TokenOutput
    bodies: ClassVar = {"create": TokenInput}
    answers: ClassVar = {"create": NewTokenOutput}

    def get_permissions(self) -> list[BasePermission]:
        """A token may be asked for without one."""
        return [AllowAny()] if self.action == "create" else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        """Asking for tokens is bounded by address."""
        return [SignInThrottle()] if self.action == "create" else super().get_throttles()

    def rows(self) -> Any:
        """Return the tokens that are not revoked."""
        return selectors.tokens_of(self.request.user)

    def create(self, request: Request) -> Response:
        """Give a token to whoever shows user name and password, or is signed in (then with at most its own scopes)."""
        values = self.values()
        user, granted = self._asker(request, values)

        def make() -> Response:
            token, raw = services.make_token(user, granted=granted, **values)
            body = {**self.write_as(TokenOutput, token), "token": raw}
            return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

        return once(request, make, user_id=user.pk, is_secret=True)

    create.is_idempotent = True  # type: ignore[attr-defined]  # read by core.api.schema

    def remove(self, row: AccessToken) -> None:
        """Revoke it."""
        services.revoke_token(row)

    def _asker(self, request: Request, values: dict[str, Any]) -> tuple[User, frozenset[str]]:
        username, password, otp = (values.pop(name, "") for name in ("username", "password", "otp"))
        if username:
            user = check_credentials(request._request, username=username, password=password, otp=otp)
            return user, frozenset(Scope)
        if not (request.user and request.user.is_authenticated):
            self.permission_denied(request, "Send username and password, or sign in.")
        return request.user, scopes_of(request)
