"""Changes of notification preferences (pure): entries added, updated, removed, and the quiet hours."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.errors import Conflict, FieldError, NotFound, ValidationFailed
from domain.notices import NotificationType
from preferences.contacts import CONTACTS, clean_contacts
from preferences.notices import (
    DIGEST,
    QUIET,
    NotificationEntry,
    NotificationPreferences,
    clean_digest,
    clean_entry,
    clean_quiet,
    member,
)

_KNOWN = ("add", "update", "remove", QUIET, DIGEST, CONTACTS)
Step = tuple[NotificationPreferences, list[FieldError]]


def with_entries(before: NotificationPreferences, values: Mapping[str, Any]) -> NotificationPreferences:
    """Return the preferences after ``remove``, ``update`` and ``add``, in this order, new daily times and contacts.

    Raises ValidationFailed with every fault, Conflict for an entry that is there already, NotFound for one that is not.
    """
    after = before
    faults: list[FieldError] = []
    for word, step in (("remove", _removed), ("update", _updated), ("add", _added)):
        if word in values:
            after, found = step(after, values[word])
            faults += [FieldError(f"{word}.{fault.field}", fault.code, fault.message) for fault in found]
    if QUIET in values:
        quiet, found = clean_quiet(values[QUIET])
        faults += found
        after = replace(after, quiet_hours=quiet)
    if DIGEST in values:
        digest, found = clean_digest(values[DIGEST])
        faults += found
        after = replace(after, digest=digest)
    if CONTACTS in values:
        contacts, found = clean_contacts(values[CONTACTS], before.contacts)
        faults += found
        after = replace(after, contacts=contacts)
    faults += [
        FieldError(str(name)[:80], "unknown_field", f"Known are: {', '.join(_KNOWN)}.")
        for name in values
        if name not in _KNOWN
    ]
    if faults:
        raise ValidationFailed.of(tuple(faults))
    return after


def _type_of(values: Any) -> tuple[NotificationType | None, list[FieldError]]:
    try:
        return member(NotificationType, values.get("event_type") if isinstance(values, Mapping) else None), []
    except ValueError as error:
        return None, [FieldError("event_type", *error.args)]


def _added(before: NotificationPreferences, values: Any) -> Step:
    kind, faults = _type_of(values)
    if kind is None:
        return before, faults
    if kind in before.entries:
        raise Conflict(f"There is an entry for {kind} already; update it.", field="add.event_type")
    return _cleaned(before, NotificationEntry(event_type=kind), values)


def _updated(before: NotificationPreferences, values: Any) -> Step:
    kind, faults = _type_of(values)
    return (before, faults) if kind is None else _cleaned(before, before.entry(kind), values)


def _cleaned(before: NotificationPreferences, entry: NotificationEntry, values: Mapping[str, Any]) -> Step:
    after, faults = clean_entry(entry, {name: value for name, value in values.items() if name != "event_type"})
    return (before, faults) if faults else (before.with_entry(after), [])


def _removed(before: NotificationPreferences, values: Any) -> Step:
    kind, faults = _type_of(values)
    if kind is None:
        return before, faults
    if kind not in before.entries:
        raise NotFound(f"There is no entry for {kind}.", field="remove.event_type")
    return before.without(kind), []
