"""Writes of keys: make, revoke and note the use of access tokens."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apikeys.models import AccessToken
from apikeys.tokens import digest_of, new_token
from core.api.permissions import Scope
from core.bus import publish
from domain.errors import FieldError, NotFound, PermissionRefused, ValidationFailed
from domain.events import AccessTokenChanged
from users.models import User

MAX_TOKENS = 100
USE_NOTED_EVERY = timedelta(minutes=1)


def make_token(
    user: User,
    *,
    scopes: Iterable[str],
    name: str = "",
    expires_at: datetime | None = None,
    ip_networks: Iterable[str] = (),
    granted: Iterable[str] = tuple(Scope),
) -> tuple[AccessToken, str]:
    """Make a token and return it with its raw text, which is nowhere kept; publishes AccessTokenChanged.

    ``granted`` are the scopes of who asks. Raises ValidationFailed for unknown or no scopes, a past expiry, a bad
    network or too many tokens; PermissionRefused for a scope that the asker does not have.
    """
    wanted = _known_scopes(scopes)
    missing = wanted - frozenset(granted)
    if missing:
        raise PermissionRefused(
            f"A token can not give scopes that it lacks itself: {', '.join(sorted(missing))}.", code="missing_scope"
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise _fault("expires_at", "in_the_past", f"The expiry {expires_at.isoformat()} is in the past.")
    raw = new_token()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if AccessToken.objects.for_user(user).filter(revoked_at__isnull=True).count() >= MAX_TOKENS:
            raise _fault("", "too_many", f"There are {MAX_TOKENS} tokens already; revoke one first.")
        token = AccessToken.objects.create(
            user=user,
            name=name,
            digest=digest_of(raw),
            hint=raw[-4:],
            scopes=sorted(wanted),
            expires_at=expires_at,
            ip_networks=_networks(ip_networks),
        )
        _tell(token, "created")
    return token, raw


def revoke_token(token: AccessToken) -> None:
    """Make a token useless at once, for ever; publishes AccessTokenChanged. Raises NotFound when it is revoked."""
    with transaction.atomic():
        now = timezone.now()
        if not AccessToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now):
            raise NotFound(f"No token {token.pk}.")
        _tell(token, "revoked")


def note_use(token: AccessToken, *, ip: str) -> None:
    """Keep when and from where the token was used, to the minute: a write for each request would be dear."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY or token.last_used_ip != (ip or None):
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_ip=ip or None)


def _known_scopes(scopes: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(str(scope) for scope in scopes)
    unknown = wanted - frozenset(Scope)
    if unknown or not wanted:
        named = ", ".join(sorted(unknown)) or "no scope"
        raise _fault("scopes", "invalid_choice", f"{named}: scopes are {', '.join(Scope)}, at least one of them.")
    return wanted


def _networks(texts: Iterable[str]) -> list[str]:
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            raise _fault(f"ip_networks.{index}", "invalid", f"{text!a} is not an IP address or network.") from None
    return found


def _tell(token: AccessToken, change: str) -> None:
    publish(
        AccessTokenChanged(
            at=timezone.now(),
            user_id=token.user_id,
            token_id=token.pk,
            token=str(token),
            change=change,
            scopes=tuple(token.scopes),
        )
    )


def _fault(field: str, code: str, message: str) -> ValidationFailed:
    return ValidationFailed.of((FieldError(field, code, message),))
