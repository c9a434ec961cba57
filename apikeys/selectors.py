"""Reads of keys: whom a raw token belongs to."""

from django.db.models import QuerySet
from django.utils import timezone

from apikeys.models import AccessToken
from apikeys.tokens import digest_of, is_ip_allowed, is_token
from users.models import User


def tokens_of(user: User) -> QuerySet[AccessToken]:
    """The tokens of a user that are not revoked, newest first."""
    return AccessToken.objects.for_user(user).filter(revoked_at__isnull=True).order_by("-created_at")


def token_for(raw: str, ip: str) -> AccessToken | None:
    """The valid token behind a raw text that came from this address; None when there is none.

    Valid: known, not revoked, not expired, from an allowed address, of an active user.
    """
    if not is_token(raw):
        return None
    token = AccessToken.objects.select_related("user").filter(digest=digest_of(raw)).first()
    if token is None or token.revoked_at is not None or not token.user.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= timezone.now():
        return None
    return token if is_ip_allowed(ip, token.ip_networks) else None


def user_for_token(raw: str, ip: str) -> tuple[User, frozenset[str]] | None:
    """The user and scopes of a raw token from this address (for websockets); None when it is not valid."""
    token = token_for(raw, ip)
    return None if token is None else (token.user, frozenset(token.scopes))
