"""Reads: a user's notifications, the unread count, incidents, and why a fact was or was not told."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.models import OutboxEvent
from core.prepared import Prepared
from domain.errors import NotFound
from domain.notices import Channel
from notifications.catalogue import BY_NAME, TO_EVERYBODY
from notifications.models import Delivery, Mute, Notification, RoutingDecision, SweepCursor


def shown(user: Any) -> QuerySet[Notification]:
    """Return what the user was shown."""
    found: QuerySet[Notification] = Notification.objects.for_user(user).filter(seq__isnull=False)
    return found


def unread(user: Any, *, at: datetime) -> QuerySet[Notification]:
    """Return what is shown, unread and not snoozed at the moment."""
    return shown(user).filter(read_at=None).exclude(snoozed_until__gt=at)


def unread_count(user: Any) -> int:
    """Return the number on the bell."""
    return unread(user, at=timezone.now()).count()


def latest(user: Any, *, n: int = 10) -> list[Notification]:
    """Return the newest notifications for the bell's menu."""
    return list(shown(user).order_by("-seq")[:n])


def get_notification(user: Any, pk: UUID | str) -> Notification:
    """Return one of the user's notifications; raises NotFound."""
    row: Notification | None = shown(user).filter(pk=pk).first()
    if row is None:
        raise NotFound(f"No notification {pk}.")
    return row


def deliveries_of(notification: Notification) -> list[Delivery]:
    """Return how the notification went on each channel."""
    return list(notification.deliveries.order_by("created_at", "pk"))


def stats(user: Any, *, at: datetime) -> dict[str, Any]:
    """Count what the user was shown, by type and priority, and what the last 24 hours did not show and why."""
    rows = shown(user)
    day = RoutingDecision.objects.for_user(user).filter(decided_at__gt=at - timedelta(days=1))
    return {
        "total": rows.count(),
        "unread": unread(user, at=at).count(),
        "unacknowledged_critical": rows.filter(priority="CRITICAL", acknowledged_at=None).count(),
        "by_type": _counts(rows, "type"),
        "by_priority": _counts(rows, "priority"),
        "last_24_hours": _counts(day, "outcome"),
    }


def _counts(rows: QuerySet[Any], column: str) -> dict[str, int]:
    return {row[column]: row["n"] for row in rows.order_by().values(column).annotate(n=Count("pk"))}


def why(user: Any, event_id: UUID) -> list[RoutingDecision]:
    """Return every decision on a fact for the user, or on the notification or order of that id; raises NotFound.

    An empty list means that the fact is the user's and was not looked at yet, or is of a kind that is never told.
    """
    decisions = RoutingDecision.objects.for_user(user).select_related("notification")
    found = list(decisions.filter(Q(event_id=event_id) | Q(notification_id=event_id)).order_by("seq"))
    if not found and not OutboxEvent.objects.filter(event_id=event_id, user_id=getattr(user, "pk", user)).exists():
        raise NotFound(f"No event {event_id}.")
    return found


def not_sent(user: Any) -> QuerySet[RoutingDecision]:
    """Return what the user was not told, newest first (what was not worth telling left out)."""
    rows: QuerySet[RoutingDecision] = RoutingDecision.objects.for_user(user)
    return rows.exclude(outcome__in=("sent", "nothing_to_tell")).order_by("-seq")


def muted_until(user_id: UUID, *, kind: str, subject: str) -> datetime | None:
    """Return the latest end of the user's mutes of this type and subject."""
    return max((end for (end,) in _mutes(user_id=user_id, kind=kind, subject=subject)), default=None)


_mutes: Prepared[tuple[datetime]] = Prepared(
    lambda user_id, kind, subject: Mute.objects.filter(
        Q(subject="") | Q(subject=subject), user_id=user_id, type=kind
    ).values_list("until"),
    user_id=UUID,
    kind=str,
    subject=str,
)


def recent_on(user_id: UUID, channel: Channel, *, since: datetime, at_most: int) -> int:
    """Count the user's deliveries on a channel since a moment (stops counting at the limit)."""
    rows = Delivery.objects.filter(user_id=user_id, channel=channel, delivered_at__gt=since)
    return rows.order_by()[:at_most].count()


def undecided(*, before: datetime, limit: int) -> list[OutboxEvent]:
    """Return durable facts that nobody has looked at yet, oldest first: what a lost wake-up or a crash left."""
    cursor = SweepCursor.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
    decided = RoutingDecision.objects.filter(event_id=OuterRef("event_id"))
    rows = OutboxEvent.objects.filter(seq__gt=cursor, name__in=list(BY_NAME), created_at__lte=before)
    ours = rows.filter(Q(user_id__isnull=False) | Q(name__in=list(TO_EVERYBODY)))
    return list(ours.filter(~Exists(decided)).order_by("seq")[:limit])
