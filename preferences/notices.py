"""Notification preferences (pure): one entry per type, stored only where it differs from what everybody gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from domain.errors import FieldError
from domain.notices import Channel, NotificationType, Priority
from preferences.conditions import faults_of
from preferences.contacts import CONTACTS, NO_CONTACTS, Contacts, clean_contacts

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
MAX_THROTTLE_MINUTES = 7 * 24 * 60
QUIET = "quiet_hours"
DIGEST = "digest"
_FIELDS = ("enabled", "channels", "priority", "throttle_minutes", "conditions")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationEntry:
    """What a user wants of one type. ``priority`` None: as grave as the message itself says."""

    event_type: NotificationType
    enabled: bool = True
    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    priority: Priority | None = None
    throttle_minutes: int = 0
    conditions: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def stored(self) -> dict[str, Any]:
        """Return the entry as plain JSON; numbers in conditions as text marked by their own object."""
        return {
            "enabled": self.enabled,
            "channels": [channel.value for channel in self.channels],
            "priority": None if self.priority is None else self.priority.value,
            "throttle_minutes": self.throttle_minutes,
            "conditions": _frozen(self.conditions, pack=True),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTimes:
    """A daily span of wall-clock time in which nothing but CRITICAL is shown; over midnight where it ends earlier."""

    start: time
    end: time
    timezone: str

    def stored(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return {"start": f"{self.start:%H:%M}", "end": f"{self.end:%H:%M}", "timezone": self.timezone}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTime:
    """The time of day at which what throttles held back is told, instead of at the end of each pause."""

    at: time
    timezone: str

    def stored(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return {"at": f"{self.at:%H:%M}", "timezone": self.timezone}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPreferences:
    """The entries that a user made (every other type has the default one), the daily times, the contact points."""

    entries: Mapping[NotificationType, NotificationEntry] = field(default_factory=lambda: MappingProxyType({}))
    quiet_hours: QuietTimes | None = None
    digest: DigestTime | None = None
    contacts: Contacts = NO_CONTACTS

    def __hash__(self) -> int:
        return hash((tuple(self.entries), self.quiet_hours, self.digest, self.contacts))

    def entry(self, notification_type: NotificationType) -> NotificationEntry:
        """Return what holds for a type: the user's entry, else the default."""
        return self.entries.get(notification_type) or NotificationEntry(event_type=notification_type)

    def with_entry(self, entry: NotificationEntry) -> "NotificationPreferences":
        """Return these with one entry added or replaced."""
        return replace(self, entries=MappingProxyType({**self.entries, entry.event_type: entry}))

    def without(self, notification_type: NotificationType) -> "NotificationPreferences":
        """Return these with the default for a type."""
        left = {kind: entry for kind, entry in self.entries.items() if kind != notification_type}
        return replace(self, entries=MappingProxyType(left))

    def stored(self) -> dict[str, Any]:
        """Return the entries as plain JSON by type; daily times and contact points where there are some."""
        contacts = None if self.contacts == NO_CONTACTS else self.contacts
        times = {QUIET: self.quiet_hours, DIGEST: self.digest, CONTACTS: contacts}
        own = {kind.value: self.entries[kind].stored() for kind in NotificationType if kind in self.entries}
        return own | {name: each.stored() for name, each in times.items() if each is not None}

    @classmethod
    def restored(cls, stored: Any) -> "NotificationPreferences":
        """Return the preferences of stored JSON; raises ValueError for anything that does not fit."""
        if not isinstance(stored, dict):
            raise ValueError("notifications are not an object")
        entries: dict[NotificationType, NotificationEntry] = {}
        times: dict[str, Any] = {}
        for name, values in stored.items():
            if name in _APART:
                times[name], faults = _APART[name](values)
                if faults:
                    raise ValueError(f"{faults[0].field}: {faults[0].message}")
                continue
            kind = NotificationType(name)
            if not isinstance(values, dict) or set(values) != set(_FIELDS):
                raise ValueError(f"the entry {name} does not have the fields that it should")
            whole = {**values, "conditions": unpacked(values["conditions"])}
            entry, faults = clean_entry(NotificationEntry(event_type=kind), whole)
            if faults:
                raise ValueError(f"{name}.{faults[0].field}: {faults[0].message}")
            entries[kind] = entry
        return cls(
            entries=MappingProxyType(entries),
            quiet_hours=times.get(QUIET),
            digest=times.get(DIGEST),
            contacts=times.get(CONTACTS, NO_CONTACTS),
        )


def clean_quiet(values: Any) -> tuple[QuietTimes | None, list[FieldError]]:
    """Return quiet hours (None takes them away), and every fault."""
    if values is None:
        return None, []
    if not isinstance(values, Mapping) or set(values) != {"start", "end", "timezone"}:
        return None, [FieldError(QUIET, "invalid", "An object of start, end and timezone is expected, or null.")]
    faults = _time_faults(QUIET, values, ("start", "end"))
    if not faults and values["start"] == values["end"]:
        faults.append(FieldError(f"{QUIET}.end", "empty", "The quiet hours end when they start; null takes them away."))
    if faults:
        return None, faults
    start, end = (time.fromisoformat(values[name]) for name in ("start", "end"))
    return QuietTimes(start=start, end=end, timezone=values["timezone"]), []


def clean_digest(values: Any) -> tuple[DigestTime | None, list[FieldError]]:
    """Return the time of digests (None: at the end of each pause), and every fault."""
    if values is None:
        return None, []
    if not isinstance(values, Mapping) or set(values) != {"at", "timezone"}:
        return None, [FieldError(DIGEST, "invalid", "An object of at and timezone is expected, or null.")]
    faults = _time_faults(DIGEST, values, ("at",))
    if faults:
        return None, faults
    return DigestTime(at=time.fromisoformat(values["at"]), timezone=values["timezone"]), []


_APART: dict[str, Any] = {QUIET: clean_quiet, DIGEST: clean_digest, CONTACTS: clean_contacts}


def _time_faults(path: str, values: Mapping[str, Any], names: tuple[str, ...]) -> list[FieldError]:
    faults = []
    for name in names:
        if not isinstance(values[name], str) or not _CLOCK.fullmatch(values[name]):
            message = f"{ascii(values[name])[:40]} is not a time such as 22:30."
            faults.append(FieldError(f"{path}.{name}", "invalid", message))
    if not isinstance(values["timezone"], str) or values["timezone"] not in _zones():
        message = f"{ascii(values['timezone'])[:60]} is not a time zone such as America/New_York."
        faults.append(FieldError(f"{path}.timezone", "invalid", message))
    return faults


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def clean_entry(before: NotificationEntry, values: Mapping[str, Any]) -> tuple[NotificationEntry, list[FieldError]]:
    """Return the entry after a change, and every fault of it."""
    kind = before.event_type
    faults: list[FieldError] = []
    clean: dict[str, Any] = {name: getattr(before, name) for name in _FIELDS}
    for name, value in values.items():
        if name not in _FIELDS:
            faults.append(FieldError(str(name)[:80], "unknown_field", f"Known are: {', '.join(_FIELDS)}."))
            continue
        try:
            clean[name] = _CLEANERS[name](value)
        except ValueError as error:
            faults.append(FieldError(name, *error.args))
    if not any(fault.field == "conditions" for fault in faults):
        faults += faults_of(clean["conditions"], kind)
    faults += _security_faults(kind, clean)
    if faults:
        return before, faults
    clean["conditions"] = MappingProxyType(_frozen(clean["conditions"]))
    return NotificationEntry(event_type=kind, **clean), []


def _security_faults(kind: NotificationType, clean: Mapping[str, Any]) -> list[FieldError]:
    if kind is not NotificationType.SECURITY_ALERT:
        return []
    faults = []
    if not clean["enabled"]:
        faults.append(FieldError("enabled", "not_allowed", "SECURITY_ALERT can not be switched off."))
    if Channel.IN_APP not in clean["channels"]:
        faults.append(FieldError("channels", "not_allowed", "SECURITY_ALERT always goes to IN_APP too."))
    if clean["conditions"]:
        faults.append(FieldError("conditions", "not_allowed", "SECURITY_ALERT takes no conditions."))
    if clean["throttle_minutes"]:
        faults.append(FieldError("throttle_minutes", "not_allowed", "SECURITY_ALERT is never held back."))
    return faults


def member(enum: type[StrEnum], value: Any) -> Any:
    """Return the member of an upper-case list that a text in any case names; raises ValueError(code, message)."""
    if isinstance(value, str) and value.isascii() and value.upper() in enum.__members__:
        return enum[value.upper()]
    raise ValueError("invalid_choice", f"{ascii(value)[:60]} is not one of {', '.join(enum.__members__)}.")


def _enabled(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("invalid", f"{ascii(value)[:60]} is not true or false.")
    return value


def _channels(value: Any) -> tuple[Channel, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= len(Channel):
        raise ValueError("invalid", f"A list of 1 to {len(Channel)} of {', '.join(Channel)} is expected.")
    chosen = tuple(member(Channel, each) for each in value)
    if len(set(chosen)) != len(chosen):
        raise ValueError("duplicate", "The list names the same channel twice.")
    return chosen


def _throttle(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("invalid", f"{ascii(value)[:60]} is not a whole number of minutes.")
    if not 0 <= value <= MAX_THROTTLE_MINUTES:
        raise ValueError("out_of_range", f"{value} is not between 0 and {MAX_THROTTLE_MINUTES} minutes.")
    return value


def _conditions(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("invalid", "An object of conditions is expected.")
    return value


_CLEANERS: dict[str, Any] = {
    "enabled": _enabled,
    "channels": _channels,
    "priority": lambda value: None if value is None else member(Priority, value),
    "throttle_minutes": _throttle,
    "conditions": _conditions,
}


def _frozen(tree: Any, *, pack: bool = False) -> Any:
    """Copy a tree; with ``pack`` every Decimal becomes {"decimal": text}, so that JSON keeps it exactly."""
    if isinstance(tree, Mapping):
        return {key: _frozen(node, pack=pack) for key, node in tree.items()}
    if isinstance(tree, list | tuple):
        return [_frozen(node, pack=pack) for node in tree]
    return {"decimal": str(tree)} if pack and isinstance(tree, Decimal) else tree


def unpacked(tree: Any) -> Any:
    """Return stored conditions with their numbers as Decimal again."""
    if isinstance(tree, Mapping):
        if set(tree) == {"decimal"} and isinstance(tree["decimal"], str):
            return Decimal(tree["decimal"])
        return {key: unpacked(node) for key, node in tree.items()}
    return [unpacked(node) for node in tree] if isinstance(tree, list) else tree
