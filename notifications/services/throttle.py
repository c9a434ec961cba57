"""Throttle windows: one message per user, type and subject in a window; the others are counted in the next.

Every function is called with the user's mailbox locked, so that the count is exact across processes.
"""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from core.prepared import Prepared
from domain.notices import Priority
from notifications.messages import Message
from notifications.models import ThrottleWindow
from notifications.policy import Entry


def window_of(user_id: UUID, message: Message) -> ThrottleWindow | None:
    """Return the newest window of the message's type and subject."""
    return _window.first(user_id=user_id, kind=message.type, subject=message.subject)


_window: Prepared[ThrottleWindow] = Prepared(
    lambda user_id, kind, subject: ThrottleWindow.objects.filter(user_id=user_id, type=kind, subject=subject),
    user_id=UUID,
    kind=str,
    subject=str,
)


def open_window(user_id: UUID, message: Message, entry: Entry, *, at: datetime) -> int:
    """Start a window with a message that is sent; return how many the last window had held back."""
    minutes = entry.throttle_minutes
    window = window_of(user_id, message)
    n_suppressed = window.n_suppressed if window else 0
    if not minutes and not n_suppressed:
        return 0
    ThrottleWindow.objects.update_or_create(
        user_id=user_id,
        type=message.type,
        subject=message.subject,
        defaults={"opened_at": at, "closes_at": at + timedelta(minutes=minutes), "n_suppressed": 0},
        create_defaults={
            "id": uuid.uuid4(),
            "opened_at": at,
            "closes_at": at + timedelta(minutes=minutes),
        },
    )
    return n_suppressed


def count_suppressed(user_id: UUID, message: Message, priority: Priority) -> None:
    """Count a message that the window holds back; its words are kept for the digest."""
    ThrottleWindow.objects.for_user(user_id).filter(type=message.type, subject=message.subject).update(
        n_suppressed=F("n_suppressed") + 1,
        last_title=message.title,
        last_link=message.link,
        last_priority=priority,
    )
