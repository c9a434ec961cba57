"""The one door through which preferences change: one transaction, one new version, one fact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.bus import publish
from domain.errors import FieldError, NotFound, ValidationFailed, VersionMoved
from domain.events import PreferenceChanged, PreferenceChangeFailed, PreferenceRolledBack
from preferences import overrides, selectors, subsystems
from preferences.critical import Loosening, loosenings
from preferences.definitions import Category
from preferences.entries import with_entries
from preferences.models import PreferenceHead, PreferenceVersion
from preferences.overrides import Version
from preferences.registry import (
    DEFINITIONS_VERSION,
    Preferences,
    check_values,
    contradictions,
    restored,
    snapshot,
    strategy_contradictions,
)
from preferences.selectors import CorruptPreferences
from preferences.subsystems import ChangeNotApplied, Step
from users.models import User

ALL = "all"
LONGEST_OVERRIDE = timedelta(days=30)
EXPORT_FORMAT = 1
Change = Callable[[Preferences], Preferences]
Move = Callable[[Version, datetime], Version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who changes preferences, from where and why."""

    author: User | None = None
    ip: str = ""
    user_agent: str = ""
    reason: str = ""


NOBODY = Origin()


class ConfirmationNeeded(ValidationFailed):
    """A critical loosening that nobody has confirmed; ``loosened`` says what it is."""

    code = "confirmation_needed"
    title = "This loosens a safety limit and must be confirmed"

    def __init__(self, loosened: tuple[Loosening, ...]) -> None:
        words = " ".join(each.message for each in loosened)
        faults = tuple(FieldError(each.field, self.code, each.message) for each in loosened)
        asked = FieldError("confirm", self.code, "Say confirm: true to change it all the same.")
        super().__init__(f"{words} Say confirm: true to change it all the same.", errors=(asked, *faults))
        self.code = ConfirmationNeeded.code
        self.loosened = loosened


def change(
    user: User,
    category: Category,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = True,
    expires_at: datetime | None = None,
) -> Preferences:
    """Set the named fields of a category (for notifications: add, update, remove) and return the new preferences.

    With ``expires_at`` the values hold until then and are gone by themselves. ``confirmed=False`` (whoever asks from
    outside) makes a critical loosening raise ConfirmationNeeded. Publishes PreferenceChanged. Raises ValidationFailed
    with every fault, Conflict for an entry that is there already, VersionMoved when the version is not the expected
    one, ChangeNotApplied when a subsystem can not take it. Values that are as before make no new version.
    """
    move = _lasting(category, values) if expires_at is None else _temporary(category, values, expires_at)
    writing = _Writing(user, category.value, move, origin, confirmed=confirmed)
    return writing.store(expected_version)


def rollback(
    user: User,
    version: int,
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = True,
) -> Preferences:
    """Put the lasting values of an old version in force again, as a new version; publishes PreferenceRolledBack.

    Raises NotFound for an unknown version, ConfirmationNeeded (where not confirmed) for values past a safety ceiling.
    Works too when the version in force can not be read.
    """
    old = selectors.version_of(user.pk, version)
    writing = _Writing(
        user, ALL, lambda before, at: Version(old), origin, confirmed=confirmed, restored_version=version
    )
    return writing.store(expected_version)


def reset(
    user: User,
    category: Category | None = None,
    *,
    expected_version: int | None = None,
    origin: Origin = NOBODY,
    confirmed: bool = True,
) -> Preferences:
    """Put the defaults of one category, or of all, in force as a new version; publishes PreferenceChanged."""

    def move(before: Version, at: datetime) -> Version:
        if category is None:
            return Version(selectors.DEFAULTS)
        default = {category.value: getattr(selectors.DEFAULTS, category.value)}
        return Version(replace(before.base, **default), overrides.without(before.overrides, category, None))

    word = ALL if category is None else category.value
    return _Writing(user, word, move, origin, confirmed=confirmed, is_known=True).store(expected_version)


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
    confirmed: bool = True,
) -> Preferences:
    """Put exported values in force as a new version. Raises ValidationFailed where they do not fit in any detail."""
    try:
        found = restored(values, version=0, definitions_version=definitions_version)
    except ValueError as error:
        raise ValidationFailed.of((FieldError("values", "invalid", str(error.args[-1])),)) from error
    writing = _Writing(user, ALL, lambda before, at: Version(found), origin, confirmed=confirmed)
    return writing.store(expected_version)


def expire(user: User, *, at: datetime) -> bool:
    """Put away a user's temporary values that have expired, as a new version; return whether there were any.

    Readers leave them out from the moment of their expiry; this notes it and tells it. Publishes PreferenceChanged.
    """
    origin = Origin(reason="temporary values expired")

    def move(before: Version, moment: datetime) -> Version:
        return Version(before.base, overrides.live(before.overrides, at))

    writing = _Writing(user, ALL, move, origin, confirmed=True, is_expiry=True)
    before = selectors.current(user.pk).version
    return writing.store(None).version != before


def preview(user: User, category: Category, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a change would alter, without it; raises like ``change``."""
    before = selectors.current(user.pk)
    return changed_fields(snapshot(before), snapshot(applied(category, values)(before)))


def impact(user: User, category: Category, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a change would do: what it loosens, which warnings it raises, its effect in every subsystem."""
    before = selectors.current(user.pk)
    after = applied(category, values)(before)
    return {
        "critical": [each.as_json() for each in loosenings(before, after)],
        "warnings": [{"field": each.field, "message": each.message} for each in subsystems.warnings(after)],
        "subsystems": subsystems.impacts(Step(user_id=user.pk, before=before, after=after)),
    }


def applied(category: Category, values: Mapping[str, Any]) -> Change:
    """Return the function that makes the preferences after a change; it raises ValidationFailed or Conflict."""
    if category is Category.NOTIFICATIONS:
        return lambda before: replace(before, notifications=with_entries(before.notifications, values))

    def apply(before: Preferences) -> Preferences:
        clean, faults = check_values(category, values)
        after = replace(before, **{category.value: replace(getattr(before, category.value), **clean)})
        if category is Category.RISK_MANAGEMENT:
            faults += contradictions(after, frozenset(clean))
        if category is Category.STRATEGY:
            faults += strategy_contradictions(after, frozenset(clean))
        if faults:
            raise ValidationFailed.of(tuple(faults))
        return after

    return apply


def _lasting(category: Category, values: Mapping[str, Any]) -> Move:
    apply = applied(category, values)

    def move(before: Version, at: datetime) -> Version:
        apply(before.at(at))  # what does not fit together with a temporary value is refused too
        kept = overrides.without(overrides.live(before.overrides, at), category, values)
        return Version(apply(before.base), kept)

    return move


def _temporary(category: Category, values: Mapping[str, Any], expires_at: datetime) -> Move:
    apply = applied(category, values)

    def move(before: Version, at: datetime) -> Version:
        if category is Category.NOTIFICATIONS:
            raise ValidationFailed("Notifications can be muted for a while instead", field="expires_at", code="invalid")
        if not at < expires_at <= at + LONGEST_OVERRIDE:
            text = f"{expires_at.isoformat()} is not within the next {LONGEST_OVERRIDE.days} days"
            raise ValidationFailed(text, field="expires_at", code="out_of_range")
        part = getattr(apply(before.at(at)), category.value)
        clean = {name: getattr(part, name) for name in values}
        return Version(before.base, overrides.laid(overrides.live(before.overrides, at), category, clean, expires_at))

    return move


def changed_fields(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """Return {category.field: {"old", "new"}} of two snapshots; all fields when there is no readable one before."""
    changed: dict[str, Any] = {}
    for category, new in after.items():
        old = (before or {}).get(category, {})
        for name in sorted(set(old) | set(new)):
            if before is None or old.get(name) != new.get(name):
                changed[f"{category}.{name}"] = {"old": old.get(name), "new": new.get(name)}
    return changed


@dataclass
class _Writing:
    """One change on its way into the table."""

    user: User
    category: str
    move: Move
    origin: Origin
    confirmed: bool
    restored_version: int | None = None
    is_known: bool = False
    is_expiry: bool = False

    def store(self, expected_version: int | None) -> Preferences:
        """Store the new version in one transaction with everything that follows from it."""
        try:
            with transaction.atomic():
                return self._store(expected_version)
        except ChangeNotApplied as error:
            self._tell_failure(error)
            raise

    def _store(self, expected_version: int | None) -> Preferences:
        now = timezone.now()
        version = _locked(self.user.pk)
        if expected_version is not None and expected_version != version:
            raise VersionMoved(f"You expected version {expected_version}; version {version} is in force.")
        before = _readable(self.user.pk, version, must=self.category != ALL or self.is_expiry)
        after = self.move(before or Version(selectors.DEFAULTS), now)
        if before is not None and _same(before, after):
            return replace(before.at(now), version=version)
        old = None if before is None else self._before(before, now)
        new = replace(after.at(now), version=version + 1)
        loosened = () if old is None or self.is_expiry else loosenings(old, new)
        self._check_confirmed(loosened)
        said = subsystems.acknowledged(Step(user_id=self.user.pk, before=old, after=new))
        changed = changed_fields(None if old is None else snapshot(old), snapshot(new))
        self._add(after, changed, version + 1, said, is_critical=bool(loosened))
        self._tell(changed, version + 1, is_critical=bool(loosened))
        return new

    def _before(self, before: Version, now: datetime) -> Preferences:
        """What counts as the old values: for the noting of an expiry also what has just expired."""
        return before.at(datetime.min.replace(tzinfo=now.tzinfo)) if self.is_expiry else before.at(now)

    def _check_confirmed(self, loosened: tuple[Loosening, ...]) -> None:
        """What held once (a version, the defaults) comes back without asking, up to the safety ceilings."""
        is_return = self.restored_version is not None or self.is_known
        asked = tuple(each for each in loosened if each.passes_ceiling or not is_return)
        if asked and not self.confirmed:
            raise ConfirmationNeeded(asked)

    def _add(
        self, after: Version, changed: dict[str, Any], version: int, said: list[dict[str, str]], *, is_critical: bool
    ) -> None:
        values, laid_over = snapshot(after.base), overrides.stored(after.overrides)
        PreferenceVersion.objects.create(
            user=self.user,
            version=version,
            values=values,
            overrides=laid_over,
            definitions_version=DEFINITIONS_VERSION,
            digest=selectors.digest_of(values, laid_over),
            category=self.category,
            changed=changed,
            is_critical=is_critical,
            acknowledgements=said,
            restored_version=self.restored_version,
            author=self.origin.author,
            ip=self.origin.ip or None,
            user_agent=self.origin.user_agent,
            reason=self.origin.reason,
        )
        in_force = {"version": version, "next_expiry_at": after.next_expiry}
        PreferenceHead.objects.update_or_create(user=self.user, defaults=in_force)

    def _tell(self, changed: dict[str, Any], version: int, *, is_critical: bool) -> None:
        told: dict[str, Any] = {
            "at": timezone.now(),
            "user_id": self.user.pk,
            "version": version,
            "category": self.category,
            "changed": changed,
            "by": self.origin.author.get_username() if self.origin.author else "",
            "ip": self.origin.ip,
            "critical": is_critical,
        }
        if self.restored_version is None:
            publish(PreferenceChanged(**told))
        else:
            publish(PreferenceRolledBack(**told, restored_version=self.restored_version))

    def _tell_failure(self, error: ChangeNotApplied) -> None:
        """Tell that nothing was changed, in a transaction of its own (a caller's takes it back with everything)."""
        with transaction.atomic():
            publish(
                PreferenceChangeFailed(
                    at=timezone.now(),
                    user_id=self.user.pk,
                    category=self.category,
                    subsystem=error.subsystem,
                    reason=error.message,
                    by=self.origin.author.get_username() if self.origin.author else "",
                )
            )


def _same(before: Version, after: Version) -> bool:
    return snapshot(before.base) == snapshot(after.base) and before.overrides == after.overrides


def _locked(user_id: UUID) -> int:
    """Lock the head; where the versions lost their head, make it anew at the newest version (only repairs get on)."""
    try:
        version = selectors.locked_version(user_id)
    except CorruptPreferences:
        version = 0
        PreferenceHead.objects.bulk_create([PreferenceHead(user_id=user_id)], ignore_conflicts=True)
    newest = PreferenceVersion.objects.for_user(user_id).order_by("-version").values_list("version", flat=True).first()
    return max(version, newest or 0)


def _readable(user_id: UUID, version: int, *, must: bool) -> Version | None:
    try:
        return selectors.whole_version(user_id, version)
    except (CorruptPreferences, NotFound):
        if must:
            raise
        return None
