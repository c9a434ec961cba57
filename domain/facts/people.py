"""Facts of people: preferences, tokens, signing in, what they were told."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChanged(Event):
    """A new version of a user's preferences is in force."""

    name: ClassVar[str] = "preference.changed"
    version: int
    category: str
    changed: Mapping[str, Any]
    by: str
    ip: str = ""
    critical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceRolledBack(PreferenceChanged):
    """An old version was restored as a new one."""

    name: ClassVar[str] = "preference.rolled_back"
    restored_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChangeFailed(Event):
    """A subsystem could not take a change of preferences; nothing was changed."""

    name: ClassVar[str] = "preference.change_failed"
    category: str
    subsystem: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenChanged(Event):
    """A platform token was made or revoked."""

    name: ClassVar[str] = "access_token.changed"
    token_id: uuid.UUID
    token: str
    change: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFailed(Event):
    """Somebody failed to sign in; of a name that nobody has, only the address is told."""

    name: ClassVar[str] = "login.failed"
    username: str
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationStored(Event):
    """A notification is in its user's list."""

    name: ClassVar[str] = "notification.stored"
    durable: ClassVar[bool] = False
    notification_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationAcknowledged(Event):
    """A person said: seen."""

    name: ClassVar[str] = "notification.acknowledged"
    notification_id: uuid.UUID
