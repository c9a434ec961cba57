"""What a user does with notifications: read, acknowledge, snooze, mute, ask for a test."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from core.bus import publish
from domain.errors import Conflict, ValidationFailed
from domain.events import NotificationAcknowledged
from domain.notices import Channel, NotificationType, Priority
from notifications import selectors
from notifications.messages import Message
from notifications.models import Mute, Notification
from notifications.policy import Decision, Outcome
from notifications.services import mailbox
from notifications.transports import available_channels

LONGEST_SNOOZE = timedelta(days=30)


@transaction.atomic
def mark_read(user: Any, pk: UUID | str, *, at: datetime) -> Notification:
    """Mark one notification as read (again changes nothing); raises NotFound."""
    row = selectors.get_notification(user, pk)
    if row.read_at is None and selectors.shown(user).filter(pk=pk, read_at=None).update(read_at=at, updated_at=at):
        row.read_at = at
        mailbox.tell_changed_after_commit(row.user_id, id=row.pk)
    return row


@transaction.atomic
def read_all(user: Any, *, at: datetime, kind: NotificationType | None = None) -> int:
    """Mark everything that is shown (of a type) as read; return how many were unread."""
    rows = selectors.shown(user).filter(read_at=None)
    n = (rows.filter(type=kind) if kind else rows).update(read_at=at, updated_at=at)
    if n:
        mailbox.tell_changed_after_commit(user.pk)
    return n


@transaction.atomic
def acknowledge(user: Any, pk: UUID | str, *, at: datetime) -> Notification:
    """Acknowledge a notification and its whole incident; publishes NotificationAcknowledged. Raises NotFound."""
    row = selectors.get_notification(user, pk)
    same = selectors.shown(user).filter(incident=row.incident)
    same.filter(read_at=None).update(read_at=at, updated_at=at)
    if same.filter(acknowledged_at=None).update(acknowledged_at=at, snoozed_until=None, updated_at=at):
        publish(NotificationAcknowledged(at=at, user_id=row.user_id, notification_id=row.pk))
        mailbox.tell_changed_after_commit(row.user_id, id=row.pk, incident=row.incident)
    row.refresh_from_db()
    return row


@transaction.atomic
def snooze(user: Any, pk: UUID | str, *, until: datetime, at: datetime) -> Notification:
    """Put a notification away until a moment; it then comes back unread. Raises NotFound, ValidationFailed."""
    _check_until(until, at)
    row = selectors.get_notification(user, pk)
    row.snoozed_until, row.read_at = until, None
    row.save(update_fields=["snoozed_until", "read_at", "updated_at"])
    mailbox.tell_changed_after_commit(row.user_id, id=row.pk)
    return row


@transaction.atomic
def mute(user: Any, kind: NotificationType, *, subject: str, until: datetime, at: datetime) -> Mute:
    """Hear nothing of a type (of one subject of it) until a moment; raises ValidationFailed for security alerts."""
    if kind is NotificationType.SECURITY_ALERT:
        raise ValidationFailed("Security alerts can not be muted.", field="type", code="not_allowed")
    _check_until(until, at)
    row, _ = Mute.objects.update_or_create(user=user, type=kind, subject=subject, defaults={"until": until})
    return row


def unmute(user: Any, kind: NotificationType, *, subject: str) -> None:
    """Hear again of a type and subject."""
    Mute.objects.for_user(user).filter(type=kind, subject=subject).delete()


def _check_until(until: datetime, at: datetime) -> None:
    if not at < until <= at + LONGEST_SNOOZE:
        message = f"{until:%Y-%m-%d %H:%M} UTC is not within the next {LONGEST_SNOOZE.days} days."
        raise ValidationFailed(message, field="until", code="out_of_range")


@transaction.atomic
def send_test(user: Any, channel: Channel, *, at: datetime) -> Notification:
    """Send one test message to a channel, past every check; raises Conflict when this server has no such channel."""
    if channel not in available_channels():
        raise Conflict(f"{channel} is not set up on this server.", field="channel", code="channel_unavailable")
    message = Message(
        type=NotificationType.SYSTEM_ALERT,
        title="This is a test",
        body="You asked for it. Notifications reach you here.",
        link="/notifications/",
    )
    decision = Decision(outcome=Outcome.SENT, priority=Priority.LOW, channels=(channel,), checks=())
    told = {"event_id": uuid.uuid4(), "event_name": "notification.test", "happened_at": at}
    return mailbox.put(mailbox.lock_mailbox(user.pk), message, decision, event=told, at=at)
