"""The tables of notifications: what a user is told, how it went on each channel, and why something was not told."""

from enum import StrEnum
from typing import ClassVar, Self

from django.conf import settings
from django.db import models

from core.models import OwnedManager, OwnedModel, UuidModel
from domain.notices import Channel, NotificationType, Priority
from notifications.policy import Outcome


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]


class DeliveryState(models.TextChoices):
    """How far one notification is on one channel."""

    HELD = "held"
    DELIVERED = "delivered"
    FOLDED = "folded"


class Mailbox(UuidModel):
    """One user's mailbox: whoever decides on a message for the user locks this row first, so that a throttle is exact.

    ``last_seq`` is the number of the newest notification shown.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_seq = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return f"mailbox at {self.last_seq}"


class Notification(OwnedModel):
    """One message to one user. ``seq`` counts what the user was shown, without gaps; null while it is held.

    ``incident`` is the id of the first notification of the same incident (its own for the first). ``n_suppressed`` is
    how many like it the throttle held back since the one before.
    """

    event_id = models.UUIDField()
    event_name = models.CharField(max_length=64)
    seq = models.BigIntegerField(null=True)
    type = models.CharField(max_length=20, choices=_choices(NotificationType))
    priority = models.CharField(max_length=10, choices=_choices(Priority))
    title = models.CharField(max_length=240)
    body = models.TextField(default="", blank=True)
    subject = models.CharField(max_length=120, default="", blank=True)
    link = models.CharField(max_length=300, default="", blank=True)
    incident = models.UUIDField()
    incident_key = models.CharField(max_length=120, default="", blank=True)
    n_suppressed = models.PositiveIntegerField(default=0)
    happened_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event_id"], name="notification_once"),
            models.UniqueConstraint(fields=["user", "seq"], name="notification_seq"),
        ]
        indexes = [
            models.Index(
                fields=["user"],
                name="notification_unread",
                condition=models.Q(read_at__isnull=True, seq__isnull=False),
            ),
            models.Index(fields=["user", "incident_key", "-created_at"], name="notification_incident_key"),
            models.Index(fields=["user", "incident"], name="notification_incident"),
        ]

    def __str__(self) -> str:
        return self.title


class Delivery(OwnedModel):
    """How one notification went on one channel. A channel that has no transport never has a row."""

    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=_choices(Channel))
    state = models.CharField(max_length=10, choices=DeliveryState.choices)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=20, default="", blank=True)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["notification", "channel"], name="delivery_once")]
        indexes = [
            models.Index(fields=["next_try_at"], name="delivery_due", condition=models.Q(state="held")),
            models.Index(fields=["user", "channel", "delivered_at"], name="delivery_rate"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"


class RoutingDecision(models.Model):
    """Why a user was or was not told of a fact: every check's answer. Only added; ``round`` 1 and up are releases."""

    seq = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event_id = models.UUIDField()
    round = models.PositiveIntegerField(default=0)
    event_name = models.CharField(max_length=64)
    type = models.CharField(max_length=20, default="", blank=True, choices=_choices(NotificationType))
    subject = models.CharField(max_length=120, default="", blank=True)
    outcome = models.CharField(max_length=20, choices=_choices(Outcome))
    checks = models.JSONField(default=list)
    preferences_version = models.BigIntegerField(default=0)
    notification = models.ForeignKey(Notification, null=True, on_delete=models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField()

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "user", "round"], name="routing_decision_once")]
        indexes = [models.Index(fields=["user", "-seq"], name="routing_decision_user")]

    def __str__(self) -> str:
        return f"{self.event_name}: {self.outcome}"


class ThrottleWindow(OwnedModel):
    """The newest throttle window of a user, type and subject; ``n_suppressed`` waits for the next message or digest."""

    type = models.CharField(max_length=20, choices=_choices(NotificationType))
    subject = models.CharField(max_length=120, default="", blank=True)
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    n_suppressed = models.PositiveIntegerField(default=0)
    last_title = models.CharField(max_length=240, default="", blank=True)
    last_link = models.CharField(max_length=300, default="", blank=True)
    last_priority = models.CharField(max_length=10, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "type", "subject"], name="throttle_window_once")]
        indexes = [
            models.Index(fields=["closes_at"], name="throttle_due", condition=models.Q(n_suppressed__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class Mute(OwnedModel):
    """A user's wish to hear nothing of a type, or of one subject of it (empty: all of it), until a moment."""

    type = models.CharField(max_length=20, choices=_choices(NotificationType))
    subject = models.CharField(max_length=120, default="", blank=True)
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "type", "subject"], name="mute_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class SweepCursor(models.Model):
    """Up to which outbox row every fact has been looked at (one row). Rows behind it are asked for again and again."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"sweep cursor {self.seq}"
