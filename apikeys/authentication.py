"""Bearer tokens for the API: ``Authorization: Bearer <token>``."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apikeys import selectors, services
from apikeys.models import AccessToken
from core.api.client import client_ip
from users.models import User

KEYWORD = "bearer"


class TokenAuthentication(BaseAuthentication):
    """Finds the user of a bearer token; a bad token is 401 even where a session would do."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        """Return (user, token), None without the header; raises AuthenticationFailed for a token that is not valid."""
        scheme, _, raw = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if not scheme:
            return None
        ip = client_ip(request)
        token = selectors.token_for(raw.strip(), ip) if scheme.lower() == KEYWORD else None
        if token is None:
            raise AuthenticationFailed("The token is unknown, expired, revoked or not allowed from your address.")
        services.note_use(token, ip=ip)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="api"'


class TokenScheme(OpenApiAuthenticationExtension):
    """Describes the bearer token in the OpenAPI document."""

    target_class = TokenAuthentication
    name = "bearerToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme."""
        return {"type": "http", "scheme": "bearer"}
