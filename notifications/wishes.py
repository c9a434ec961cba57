"""What a user wants to hear, as the policy takes it: read from the preferences at every decision, never kept."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.notices import Channel, NotificationType
from notifications.policy import Entry
from notifications.quiet import DailyTime, QuietHours
from preferences.contacts import Contacts
from preferences.notices import NotificationEntry
from preferences.registry import Preferences
from preferences.selectors import CorruptPreferences, current

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """One user's entries by type, daily times and channels that reach the user, at one version of the preferences."""

    version: int
    entries: Mapping[NotificationType, Entry]
    quiet: QuietHours | None = None
    digest: DailyTime | None = None
    reachable: frozenset[Channel] = frozenset({Channel.IN_APP, Channel.EMAIL})

    def entry(self, kind: NotificationType) -> Entry:
        """Return the entry of a type."""
        return self.entries.get(kind, Entry())


def wishes_of(user_id: UUID) -> Wishes:
    """Return the user's present wishes; while they can not be read, those of everybody: better told than not."""
    try:
        return wishes_from(current(user_id))
    except CorruptPreferences:
        logger.exception("the notification preferences of %s can not be read; the defaults are used", user_id)
        return wishes_from(Preferences())


def wishes_from(preferences: Preferences) -> Wishes:
    """Turn one version of the preferences into wishes.

    A loss without conditions of the user's own is large when it reaches performance.loss_alert_percent of the equity.
    """
    entries = {kind: _entry(preferences.notifications.entry(kind)) for kind in NotificationType}
    large = entries[NotificationType.LARGE_LOSS]
    if not large.conditions:
        entries[NotificationType.LARGE_LOSS] = _with_threshold(large, preferences.performance.loss_alert_percent)
    chosen = preferences.notifications.digest
    digest = None if chosen is None else DailyTime(chosen.at, chosen.timezone)
    return Wishes(
        version=preferences.version,
        entries=entries,
        quiet=_quiet(preferences),
        digest=digest,
        reachable=_reachable(preferences.notifications.contacts),
    )


def _reachable(contacts: Contacts) -> frozenset[Channel]:
    """Return the channels that have somewhere to go; e-mail goes to the account's own address."""
    points = {Channel.SMS: contacts.phone, Channel.WEBHOOK: contacts.webhooks, Channel.PUSH: contacts.push}
    return frozenset({Channel.IN_APP, Channel.EMAIL, *(channel for channel, point in points.items() if point)})


def _quiet(preferences: Preferences) -> QuietHours | None:
    chosen = preferences.notifications.quiet_hours
    return None if chosen is None else QuietHours(chosen.start, chosen.end, chosen.timezone)


def _entry(chosen: NotificationEntry) -> Entry:
    return Entry(
        enabled=chosen.enabled,
        channels=chosen.channels,
        priority=chosen.priority,
        throttle_minutes=chosen.throttle_minutes,
        conditions=chosen.conditions,
    )


def _with_threshold(entry: Entry, percent: Decimal) -> Entry:
    return Entry(
        enabled=entry.enabled,
        channels=entry.channels,
        priority=entry.priority,
        throttle_minutes=entry.throttle_minutes,
        conditions={"loss_percent": {"min": percent}},
    )
