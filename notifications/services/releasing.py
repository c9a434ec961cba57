"""What the passing of time releases: held notifications, digests of what a throttle held back, ended snoozes."""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from domain.notices import NotificationType, Priority
from notifications.messages import Message
from notifications.models import Delivery, DeliveryState, Mailbox, Notification, RoutingDecision, ThrottleWindow
from notifications.policy import Decision, Outcome, decide
from notifications.quiet import next_time
from notifications.services import mailbox, throttle
from notifications.services.routing import Verdict, opened, record, situation
from notifications.wishes import Wishes, wishes_of


def release_held(*, at: datetime, limit: int = 500) -> int:
    """Ask the check that held each due notification again, and go on from there; return how many were shown."""
    due = Delivery.objects.filter(state=DeliveryState.HELD, next_try_at__lte=at).order_by("next_try_at", "created_at")
    ids = list(dict.fromkeys(due.values_list("notification_id", flat=True)[:limit]))
    return sum(_release(notification_id, at) for notification_id in ids)


def ask_again(user_id: UUID, *, at: datetime) -> None:
    """Let the next sweep ask again for what quiet hours and times of digests hold: the user has just changed them."""
    Delivery.objects.for_user(user_id).filter(state=DeliveryState.HELD).update(next_try_at=at, updated_at=at)
    wishes = wishes_of(user_id)
    for window in ThrottleWindow.objects.for_user(user_id).filter(n_suppressed__gt=0):
        pause = timedelta(minutes=wishes.entry(NotificationType(window.type)).throttle_minutes)
        ends_at = min(window.closes_at, window.opened_at + pause)
        ThrottleWindow.objects.filter(pk=window.pk, closes_at__gt=ends_at).update(closes_at=ends_at, updated_at=at)


@transaction.atomic
def _release(notification_id: UUID, at: datetime) -> bool:
    user_id = Notification.objects.values_list("user_id", flat=True).get(pk=notification_id)
    box = mailbox.lock_mailbox(user_id)
    row = Notification.objects.get(pk=notification_id)
    held = row.deliveries.filter(state=DeliveryState.HELD).first()
    if held is None or row.seq is not None:
        return False
    message = _message_again(row)
    wishes = wishes_of(user_id)
    decision = decide(message, situation(user_id, message, wishes, at=at), resume_at=held.held_by)
    _carry_out(box, row, message, decision, wishes, at)
    verdict = Verdict(
        message=message,
        outcome=decision.outcome,
        decision=decision,
        checks=tuple((row.type, check) for check in decision.checks),
        version=wishes.version,
    )
    n_before = RoutingDecision.objects.filter(event_id=row.event_id, user_id=user_id).count()
    record(
        user_id,
        event_id=row.event_id,
        event_name=row.event_name,
        verdict=verdict,
        notification=row,
        at=at,
        round=n_before,
    )
    return decision.outcome is Outcome.SENT


def _message_again(row: Notification) -> Message:
    return Message(
        type=NotificationType(row.type),
        title=row.title,
        body=row.body,
        priority=Priority(row.priority),
        subject=row.subject,
        incident=row.incident_key,
        link=row.link,
    )


def _carry_out(
    box: Mailbox, row: Notification, message: Message, decision: Decision, wishes: Wishes, at: datetime
) -> None:
    if decision.outcome is Outcome.SENT:
        mailbox.show(box, row, at=at, n_suppressed=opened(box, message, decision, wishes, at=at))
    elif decision.outcome is Outcome.HELD:
        row.deliveries.update(next_try_at=decision.held_until, held_by=decision.held_by, updated_at=at)
    else:
        throttle.count_suppressed(box.user_id, message, decision.priority)
        row.deliveries.update(state=DeliveryState.FOLDED, next_try_at=None, updated_at=at)


def send_digests(*, at: datetime, limit: int = 200) -> int:
    """Tell what throttle windows that have ended held back, one message a window; return how many were sent.

    Where the user wants digests at a time of day, a window waits for it after its end.
    """
    due = ThrottleWindow.objects.filter(n_suppressed__gt=0, closes_at__lte=at).order_by("closes_at")
    return sum(_digest(pk, at) for pk in list(due.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _digest(window_id: UUID, at: datetime) -> bool:
    user_id = ThrottleWindow.objects.values_list("user_id", flat=True).get(pk=window_id)
    box = mailbox.lock_mailbox(user_id)
    window = ThrottleWindow.objects.get(pk=window_id)
    if not window.n_suppressed or window.closes_at > at:
        return False
    message, wishes = digest_message(window), wishes_of(user_id)
    due_at = window.closes_at if wishes.digest is None else next_time(wishes.digest, window.closes_at)
    if due_at > at:
        ThrottleWindow.objects.filter(pk=window_id).update(closes_at=due_at, updated_at=at)
        return False
    decision = decide(message, situation(user_id, message, wishes, at=at), resume_at="quiet_hours")
    if decision.outcome is Outcome.HELD:
        ThrottleWindow.objects.filter(pk=window_id).update(closes_at=decision.held_until, updated_at=at)
        return False
    if decision.outcome is not Outcome.SENT:
        return False
    told = {
        "event_id": uuid.uuid5(window.pk, window.opened_at.isoformat()),
        "event_name": "notification.digest",
        "happened_at": at,
    }
    n_suppressed = opened(box, message, decision, wishes, at=at)
    mailbox.put(box, message, decision, event=told, at=at, n_suppressed=n_suppressed)
    return True


def digest_message(window: ThrottleWindow) -> Message:
    """Return the words for what a window held back."""
    n = window.n_suppressed
    return Message(
        type=NotificationType(window.type),
        title=window.last_title if n == 1 else f"{n:,} more: {window.last_title}"[:200],
        body="Held back by your limit on how often you are told."
        if n == 1
        else f"{n:,} like this were held back by your limit on how often you are told; this is the last of them.",
        priority=Priority(window.last_priority or Priority.LOW),
        subject=window.subject,
        link=window.last_link if n == 1 else f"/notifications/?type={window.type}",
    )


def end_snoozes(*, at: datetime, limit: int = 500) -> int:
    """Bring snoozed notifications back whose time has come; return how many."""
    rows = list(Notification.objects.filter(snoozed_until__lte=at).values_list("pk", "user_id")[:limit])
    with transaction.atomic():
        Notification.objects.filter(pk__in=[pk for pk, _ in rows], snoozed_until__lte=at).update(snoozed_until=None)
        for user_id in {user_id for _, user_id in rows}:
            mailbox.tell_changed_after_commit(user_id)
    return len(rows)
