"""Reads of preferences. Whoever decides something under a limit asks ``current_in_transaction``."""

import functools
import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from core.prepared import Prepared
from domain.errors import IllegalState, NotFound
from preferences import overrides
from preferences.defaults import defaults_of
from preferences.models import PreferenceHead, PreferenceVersion, Suggestion, SuggestionState
from preferences.overrides import Version
from preferences.registry import Preferences, restored

DEFAULTS = defaults_of(settings.PREFERENCE_DEFAULTS)
_CACHED_VERSIONS = 2048


class CorruptPreferences(IllegalState):
    """The stored preferences can not be read: nothing may be decided under them until a rollback or reset."""

    code = "corrupt_preferences"


def current(user_id: UUID) -> Preferences:
    """Return the preferences in force; the version is read each time, its values come from memory.

    Temporary values count until the moment of their expiry, whether it was noted or not. Raises CorruptPreferences
    when what is stored does not fit; it never falls back to defaults.
    """
    return _of_version(user_id, _version(user_id, lock="")).at(timezone.now())


def current_in_transaction(user_id: UUID) -> Preferences:
    """Return the preferences in force and keep them in force until the caller's transaction ends.

    A change that is under way waits for it, and this waits for one that is being committed: whatever the transaction
    decides is therefore decided under the newest version. Raises RuntimeError outside a transaction, and
    CorruptPreferences.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("current_in_transaction needs a transaction")
    return _of_version(user_id, _version(user_id, lock="share")).at(timezone.now())


def locked_version(user_id: UUID) -> int:
    """Return the version in force and lock it for a change until the transaction ends."""
    if not connection.in_atomic_block:
        raise RuntimeError("locked_version needs a transaction")
    return _version(user_id, lock="update")


def history(user_id: UUID) -> QuerySet[PreferenceVersion]:
    """The versions of a user."""
    return PreferenceVersion.objects.for_user(user_id).select_related("author")


def version_of(user_id: UUID, version: int) -> Preferences:
    """Return the lasting values of an old version; raises NotFound, CorruptPreferences."""
    return whole_version(user_id, version).base


def whole_version(user_id: UUID, version: int) -> Version:
    """Return a version with what is laid over it for a while; raises NotFound, CorruptPreferences."""
    if version and not PreferenceVersion.objects.for_user(user_id).filter(version=version).exists():
        raise NotFound(f"There is no version {version}.")
    return _of_version(user_id, version)


def newest_version(user_id: UUID) -> tuple[int, str]:
    """Return the newest stored version and its digest; (0, "") where there is none."""
    return _newest.first(user_id=user_id) or (0, "")


def stored_version(user_id: UUID, version: int, digest: str) -> Version:
    """Return the version of this digest, from memory where it was read before; raises CorruptPreferences."""
    if version and not digest:
        raise CorruptPreferences(f"Version {version} of the preferences is in force, but it is not stored.")
    return _parsed(user_id, version, digest) if version else Version(DEFAULTS)


def users_with_expired(at: datetime, *, limit: int = 200) -> list[UUID]:
    """Return whose temporary values have expired and were not put away."""
    due = PreferenceHead.objects.filter(next_expiry_at__lte=at).order_by("next_expiry_at")
    return list(due.values_list("user_id", flat=True)[:limit])


def suggestions_of(user: Any, *, state: str = SuggestionState.OPEN) -> QuerySet[Suggestion]:
    """A user's suggestions, newest first; open ones only as long as the user wants any."""
    rows = Suggestion.objects.for_user(user).filter(state=state).order_by("-created_at")
    if state == SuggestionState.OPEN and not current(getattr(user, "pk", user)).strategy.suggestions_enabled:
        return rows.none()
    return rows


def suggestion_for(user: Any, suggestion_id: UUID | str) -> Suggestion:
    """Return a user's suggestion. Raises NotFound."""
    found = Suggestion.objects.for_user(user).filter(pk=suggestion_id).first()
    if found is None:
        raise NotFound("There is no such suggestion")
    return found


def digest_of(values: Any, laid_over: Any = None) -> str:
    """Return the SHA-256 of a snapshot in its canonical form, with what is laid over it where there is something."""
    values = [values, laid_over] if laid_over else values
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _version(user_id: UUID, *, lock: str) -> int:
    version = _head(user_id, lock)
    if version is None and PreferenceVersion.objects.for_user(user_id).exists():
        version = _head(user_id, lock)  # the first change may have been committed between the two questions
        if version is None:
            raise CorruptPreferences("The preferences have versions, but none is in force.")
    if version is None:
        if not lock:
            return 0
        PreferenceHead.objects.bulk_create([PreferenceHead(user_id=user_id)], ignore_conflicts=True)
        version = _head(user_id, lock)
    return version or 0


def _head(user_id: UUID, lock: str) -> int | None:
    if lock == "update":
        heads = PreferenceHead.objects.filter(user_id=user_id).values_list("version", flat=True)
        return heads.select_for_update().first()
    if lock == "share" and connection.vendor == "postgresql":  # readers do not wait for each other; SQLite has no need
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT version FROM {PreferenceHead._meta.db_table} WHERE user_id = %s FOR SHARE", [user_id]
            )
            row = cursor.fetchone()
        return None if row is None else int(row[0])
    found = _in_force.first(user_id=user_id)
    return None if found is None else found[0]


_digest: Prepared[tuple[str]] = Prepared(
    lambda user_id, version: PreferenceVersion.objects.filter(user_id=user_id, version=version).values_list("digest"),
    user_id=UUID,
    version=int,
)
_newest: Prepared[tuple[int, str]] = Prepared(
    lambda user_id: (
        PreferenceVersion.objects.filter(user_id=user_id).order_by("-version").values_list("version", "digest")
    ),
    user_id=UUID,
)
_in_force: Prepared[tuple[int]] = Prepared(
    lambda user_id: PreferenceHead.objects.filter(user_id=user_id).values_list("version"), user_id=UUID
)


def _of_version(user_id: UUID, version: int) -> Version:
    if version == 0:
        return Version(DEFAULTS)
    digest = _digest.first(user_id=user_id, version=version)
    if digest is None:
        raise CorruptPreferences(f"Version {version} of the preferences is in force, but it is not stored.")
    return _parsed(user_id, version, digest[0])


@functools.lru_cache(maxsize=_CACHED_VERSIONS)
def _parsed(user_id: UUID, version: int, digest: str) -> Version:
    row = PreferenceVersion.objects.for_user(user_id).get(version=version)
    if digest_of(row.values, row.overrides) != row.digest:
        raise CorruptPreferences(f"Version {version} of the preferences was altered in the database.")
    try:
        base = restored(row.values, version=version, definitions_version=row.definitions_version)
        return Version(base, overrides.restored(row.overrides))
    except ValueError as error:
        raise CorruptPreferences(f"Version {version} of the preferences can not be read: {error.args[-1]}") from error
