"""One change of preferences on its way into the table: lock, check, acknowledge, store, tell; in one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.bus import publish
from domain.errors import FieldError, ValidationFailed, VersionMoved
from domain.events import PreferenceChanged, PreferenceChangeFailed, PreferenceRolledBack
from preferences import overrides, selectors, subsystems
from preferences.critical import Loosening, loosenings
from preferences.models import PreferenceHead, PreferenceVersion
from preferences.moves import Move, changed_fields
from preferences.overrides import Version
from preferences.registry import DEFINITIONS_VERSION, Preferences, snapshot
from preferences.selectors import CorruptPreferences
from preferences.subsystems import ChangeNotApplied, Step
from users.models import User

ALL = "all"


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


@dataclass
class Writing:
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
        version, digest = _locked(self.user.pk)
        if expected_version is not None and expected_version != version:
            raise VersionMoved(f"You expected version {expected_version}; version {version} is in force.")
        before = _readable(self.user.pk, version, digest, must=self.category != ALL or self.is_expiry)
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
        PreferenceHead.objects.filter(user=self.user).update(**in_force)  # its row is there: it is locked

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


def _locked(user_id: UUID) -> tuple[int, str]:
    """Lock the head and return the version in force with its digest ("": it is not stored).

    Where the versions lost their head, it is made anew at the newest version (only repairs get on).
    """
    try:
        version = selectors.locked_version(user_id)
    except CorruptPreferences:
        PreferenceHead.objects.bulk_create([PreferenceHead(user_id=user_id)], ignore_conflicts=True)
        version = selectors.locked_version(user_id)
    newest, digest = selectors.newest_version(user_id)
    return (newest, digest) if newest >= version else (version, "")


def _readable(user_id: UUID, version: int, digest: str, *, must: bool) -> Version | None:
    try:
        return selectors.stored_version(user_id, version, digest)
    except CorruptPreferences:
        if must:
            raise
        return None
