"""Reads of an account: where it is signed in, and how sign-ins went."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from axes.models import AccessLog
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from core.models import OutboxEvent
from domain.facts.people import LoginFailed
from users.models import User

SIGNED_IN = "signed_in"  # in a session: when, from which address and with which browser it began
N_ATTEMPTS = 20
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    *(("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
    *(("Mac OS X", "macOS"), ("Linux", "Linux")),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where somebody is signed in. ``reference`` names it without giving the session away."""

    reference: str
    browser: str
    ip: str
    started_at: datetime | None
    ends_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in, or one that was refused."""

    at: datetime
    ip: str
    browser: str
    has_succeeded: bool


def rows_of_sessions(user: User) -> Iterator[tuple[Session, dict[str, Any]]]:
    """Yield a user's open sessions with their content. Django keeps no list by user: every open session is read."""
    for row in Session.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date").iterator():
        content = row.get_decoded()
        if content.get(SESSION_KEY) == str(user.pk):
            yield row, content


def open_sessions(user: User, *, current_key: str | None) -> list[OpenSession]:
    """Return where a user is signed in, this session first, then the newest."""
    found = [_told(row, content, current_key) for row, content in rows_of_sessions(user)]
    return sorted(found, key=lambda each: not each.is_current)


def reference_of(session_key: str) -> str:
    """Return what a page may call a session: a digest of its key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:20]


def _told(row: Session, content: dict[str, Any], current_key: str | None) -> OpenSession:
    told = content.get(SIGNED_IN) or {}
    at = told.get("at")
    return OpenSession(
        reference=reference_of(row.session_key),
        browser=browser_words(str(told.get("agent", ""))),
        ip=str(told.get("ip", "")),
        started_at=datetime.fromtimestamp(at, tz=UTC) if isinstance(at, int | float) else None,
        ends_at=row.expire_date,
        is_current=row.session_key == current_key,
    )


def recent_attempts(user: User, limit: int = N_ATTEMPTS) -> list[Attempt]:
    """Return the newest sign-ins, and those that the audit log tells as refused."""
    entered = AccessLog.objects.filter(username=user.get_username()).order_by("-attempt_time")[:limit]
    refused = OutboxEvent.objects.filter(name=LoginFailed.name, user_id=user.pk).order_by("-seq")[:limit]
    found = [Attempt(row.attempt_time, row.ip_address or "", browser_words(row.user_agent), True) for row in entered]
    found += [Attempt(row.at, str(row.payload.get("ip", "")), "", False) for row in refused]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def browser_words(agent: str) -> str:
    """Return a browser and its system in words: `Firefox on Linux`; empty when neither is known."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return " on ".join(part for part in (browser, system) if part)
