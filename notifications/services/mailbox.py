"""The user's mailbox: lock it, put a notification into it, show it, tell the browser."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from core import faults
from core.api.render import utc_text
from core.prepared import Prepared, insert, update
from domain.notices import Channel, Priority
from notifications import selectors
from notifications.messages import Message
from notifications.models import Delivery, DeliveryState, Mailbox, Notification
from notifications.policy import Decision, Outcome
from realtime import push
from realtime.topics import user_topic

INCIDENT_LASTS = timedelta(hours=24)


def lock_mailbox(user_id: UUID) -> Mailbox:
    """Lock the user's mailbox until the transaction ends; one decision at a time is made for a user."""
    found = _locked.first(user_id=user_id)
    if found is None:
        Mailbox.objects.bulk_create([Mailbox(user_id=user_id)], ignore_conflicts=True)
        found = Mailbox.objects.select_for_update().get(user_id=user_id)
    return found


_locked: Prepared[Mailbox] = Prepared(
    lambda user_id: Mailbox.objects.select_for_update().filter(user_id=user_id), user_id=UUID
)


def put(
    box: Mailbox, message: Message, decision: Decision, *, event: Mapping[str, Any], at: datetime, n_suppressed: int = 0
) -> Notification:
    """Store a message with its deliveries: shown at once, or held until ``decision.held_until``.

    ``event`` has event_id, event_name and happened_at. The mailbox is locked by the caller.
    """
    row = Notification(
        user_id=box.user_id,
        type=message.type,
        priority=decision.priority,
        title=message.title,
        body=message.body,
        subject=message.subject,
        link=message.link,
        incident_key=message.incident,
        n_suppressed=n_suppressed,
        **event,
    )
    row.incident = _incident_of(row, at)
    is_sent = decision.outcome is Outcome.SENT
    if is_sent:
        _number(box, row, at)
    insert([row])
    insert([_delivery(row, channel, decision, at) for channel in decision.channels])
    if is_sent:
        _tell_after_commit(row)
    return row


def show(box: Mailbox, row: Notification, *, at: datetime, n_suppressed: int) -> None:
    """Show a held notification and mark its deliveries."""
    row.n_suppressed = n_suppressed
    _number(box, row, at)
    row.save(update_fields=["seq", "shown_at", "n_suppressed", "updated_at"])
    row.deliveries.update(state=DeliveryState.DELIVERED, delivered_at=at, next_try_at=None, attempts=1, updated_at=at)
    _tell_after_commit(row)


def _number(box: Mailbox, row: Notification, at: datetime) -> None:
    box.last_seq += 1
    update(box, ["last_seq", "updated_at"])
    row.seq, row.shown_at = box.last_seq, at


def _incident_of(row: Notification, at: datetime) -> UUID:
    """Join the newest unacknowledged incident of the same key, or open one."""
    if not row.incident_key:
        return row.pk
    same = Notification.objects.for_user(row.user_id).filter(
        incident_key=row.incident_key, acknowledged_at=None, created_at__gt=at - INCIDENT_LASTS
    )
    found = same.order_by("-created_at").values_list("incident", flat=True).first()
    return found or row.pk


def _delivery(row: Notification, channel: Channel, decision: Decision, at: datetime) -> Delivery:
    is_sent = decision.outcome is Outcome.SENT
    return Delivery(
        id=uuid.uuid4(),
        user_id=row.user_id,
        notification=row,
        channel=channel,
        state=DeliveryState.DELIVERED if is_sent else DeliveryState.HELD,
        attempts=int(is_sent),
        delivered_at=at if is_sent else None,
        next_try_at=None if is_sent else decision.held_until,
        held_by=decision.held_by,
    )


def _tell_after_commit(row: Notification) -> None:
    transaction.on_commit(lambda: _tell_created(row), robust=True)


def _tell_created(row: Notification) -> None:
    faults.point("notifications.after_store")
    push.send(
        user_topic(row.user_id),
        "notification.created",
        {
            "id": row.pk,
            "number": row.seq,
            "type": row.type,
            "priority": row.priority,
            "title": row.title,
            "body": row.body,
            "link": row.link,
            "is_critical": row.priority == Priority.CRITICAL,
            "happened_at": utc_text(row.happened_at),
            "unread": selectors.unread_count(row.user_id),
        },
    )


def tell_changed_after_commit(user_id: UUID, **what: Any) -> None:
    """Tell the user's browsers that something was read, acknowledged or snoozed, and the new unread count."""

    def tell() -> None:
        data = {**what, "unread": selectors.unread_count(user_id)}
        push.send(user_topic(user_id), "notification.changed", data)

    transaction.on_commit(tell, robust=True)
