"""The one door through which preferences change: one transaction, one new version, one fact.

Nothing critical passes by itself: who calls from a page or the API says ``confirmed`` only for a word and a password,
or a token's scope, that were really given.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.errors import FieldError, NotFound, ValidationFailed
from preferences import overrides, selectors, subsystems
from preferences.critical import loosenings
from preferences.definitions import Category
from preferences.moves import applied, changed_fields, lasting, temporary
from preferences.overrides import Version
from preferences.registry import DEFINITIONS_VERSION, Preferences, restored, snapshot
from preferences.subsystems import Step
from preferences.writing import ALL, NOBODY, Origin, Writing
from users.models import User

EXPORT_FORMAT = 1


def change(
    user: User,
    category: Category,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = False,
    expires_at: datetime | None = None,
) -> Preferences:
    """Set the named fields of a category (for notifications: add, update, remove) and return the new preferences.

    With ``expires_at`` the values hold until then and are gone by themselves. A critical loosening that
    nobody has ``confirmed`` raises ConfirmationNeeded. Publishes PreferenceChanged. Raises ValidationFailed
    with every fault, Conflict for an entry that is there already, VersionMoved when the version is not the expected
    one, ChangeNotApplied when a subsystem can not take it. Values that are as before make no new version.
    """
    move = lasting(category, values) if expires_at is None else temporary(category, values, expires_at)
    writing = Writing(user, category.value, move, origin, confirmed=confirmed)
    return writing.store(expected_version)


def rollback(
    user: User,
    version: int,
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = False,
) -> Preferences:
    """Put the lasting values of an old version in force again, as a new version; publishes PreferenceRolledBack.

    Raises NotFound for an unknown version, ConfirmationNeeded (where not confirmed) for values past a safety ceiling.
    Works too when the version in force can not be read.
    """
    old = selectors.version_of(user.pk, version)
    writing = Writing(user, ALL, lambda before, at: Version(old), origin, confirmed=confirmed, restored_version=version)
    return writing.store(expected_version)


def reset(
    user: User,
    category: Category | None = None,
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = False,
) -> Preferences:
    """Put the defaults of one category, or of all, in force as a new version; publishes PreferenceChanged."""

    def move(before: Version, at: datetime) -> Version:
        if category is None:
            return Version(selectors.DEFAULTS)
        default = {category.value: getattr(selectors.DEFAULTS, category.value)}
        return Version(replace(before.base, **default), overrides.without(before.overrides, category, None))

    word = ALL if category is None else category.value
    return Writing(user, word, move, origin, confirmed=confirmed, is_known=True).store(expected_version)


def end_override(
    user: User, category: Category, name: str, *, origin: Origin = NOBODY, confirmed: bool = False
) -> Preferences:
    """Let the lasting value of a field hold again before its temporary one expires; publishes PreferenceChanged.

    Raises NotFound where nothing is laid over the field.
    """

    def move(before: Version, at: datetime) -> Version:
        present = overrides.live(before.overrides, at)
        kept = overrides.without(present, category, {name})
        if kept == present:
            raise NotFound(f"No temporary value of {name[:64]!r} holds.", field="field")
        return Version(before.base, kept)

    return Writing(user, category.value, move, origin, confirmed=confirmed, is_known=True).store(None)


def exported(user: User) -> dict[str, Any]:
    """Return a user's lasting values as they can be imported again."""
    version = selectors.current(user.pk).version
    return {
        "format": EXPORT_FORMAT,
        "definitions_version": DEFINITIONS_VERSION,
        "values": snapshot(selectors.version_of(user.pk, version)),
    }


def import_values(
    user: User,
    values: Any,
    definitions_version: int,
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = False,
) -> Preferences:
    """Put exported values in force as a new version. Raises ValidationFailed where they do not fit in any detail."""
    try:
        found = restored(values, version=0, definitions_version=definitions_version)
    except ValueError as error:
        raise ValidationFailed.of((FieldError("values", "invalid", str(error.args[-1])),)) from error
    writing = Writing(user, ALL, lambda before, at: Version(found), origin, confirmed=confirmed)
    return writing.store(expected_version)


def expire(user: User, *, at: datetime) -> bool:
    """Put away a user's temporary values that have expired, as a new version; return whether there were any.

    Readers leave them out from the moment of their expiry; this notes it and tells it. Publishes PreferenceChanged.
    """
    origin = Origin(reason="temporary values expired")

    def move(before: Version, moment: datetime) -> Version:
        return Version(before.base, overrides.live(before.overrides, at))

    writing = Writing(user, ALL, move, origin, confirmed=True, is_expiry=True)
    before = selectors.current(user.pk).version
    return writing.store(None).version != before


def preview(user: User, category: Category, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a change would alter, without it; raises like ``change``."""
    before = selectors.current(user.pk)
    return changed_fields(snapshot(before), snapshot(applied(category, values)(before)))


def impact(user: User, category: Category, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a change would do: what it loosens, which warnings it raises, its effect in every subsystem."""
    before = selectors.current(user.pk)
    return impact_between(user, before, applied(category, values)(before))


def impact_between(user: User, before: Preferences, after: Preferences) -> dict[str, Any]:
    """Return what the step from one version to another would do; see ``impact``."""
    return {
        "critical": [each.as_json() for each in loosenings(before, after)],
        "warnings": [{"field": each.field, "message": each.message} for each in subsystems.warnings(after)],
        "subsystems": subsystems.impacts(Step(user_id=user.pk, before=before, after=after)),
    }
