"""How notifications look in the API."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Boolean, EnumField, Identifier, Integer, OneOf, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.notices import Channel, NotificationType, Priority
from notifications.models import DeliveryState
from notifications.policy import Outcome
from notifications.transports import available_channels


class NotificationSerializer(StrictSerializer):
    """One notification. ``incident`` is shared by equal events; ``n_suppressed`` were held back before this one."""

    id = Identifier(source="pk")
    number = Integer(source="seq", help_text="Counts what this user was shown, without gaps.")
    type = EnumField(NotificationType)
    priority = EnumField(Priority)
    title = Text(max_length=240)
    body = Text(max_length=2000)
    subject = Text(max_length=120)
    link = Text(max_length=300, help_text="The page that shows the cause.")
    event = Identifier(source="event_id")
    event_name = Text(max_length=64)
    incident = Identifier()
    n_suppressed = Integer()
    happened_at = UtcDateTime()
    shown_at = UtcDateTime()
    read_at = UtcDateTime(allow_null=True)
    acknowledged_at = UtcDateTime(allow_null=True)
    snoozed_until = UtcDateTime(allow_null=True)


class DeliverySerializer(StrictSerializer):
    """How one notification went on one channel."""

    id = Identifier(source="pk")
    channel = EnumField(Channel)
    state = OneOf(choices=DeliveryState.choices)
    attempts = Integer()
    next_try_at = UtcDateTime(allow_null=True)
    delivered_at = UtcDateTime(allow_null=True)
    last_error = Text(max_length=500)


class DeliveriesSerializer(StrictSerializer):
    """All channels of one notification."""

    results = DeliverySerializer(many=True)


class CheckSerializer(StrictSerializer):
    """One check's answer."""

    type = Text(max_length=20)
    check = Text(max_length=20)
    answer = Text(max_length=300)
    stopped = Boolean()
    until = Text(max_length=40, allow_null=True)


class DecisionSerializer(StrictSerializer):
    """One decision on a fact; ``round`` 1 and up are what followed when it was held."""

    event = Identifier(source="event_id")
    event_name = Text(max_length=64)
    round = Integer()
    type = Text(max_length=20)
    subject = Text(max_length=120)
    outcome = EnumField(Outcome)
    checks = CheckSerializer(many=True)
    preferences_version = Integer()
    notification = Identifier(allow_null=True, source="notification_id")
    decided_at = UtcDateTime()


class WhySerializer(StrictSerializer):
    """Why a fact was or was not told."""

    answer = Text(max_length=400)
    decisions = DecisionSerializer(many=True)


class StatsSerializer(StrictSerializer):
    """Counts."""

    total = Integer()
    unread = Integer()
    unacknowledged_critical = Integer()
    by_type = serializers.DictField(child=serializers.IntegerField())
    by_priority = serializers.DictField(child=serializers.IntegerField())
    last_24_hours = serializers.DictField(child=serializers.IntegerField(), help_text="Decisions by outcome.")


class CountSerializer(StrictSerializer):
    """How many rows an action changed."""

    changed = Integer()


class ReadAllSerializer(StrictSerializer):
    """What to mark as read: everything, or one type."""

    type = EnumField(NotificationType, any_case=True, required=False)


class SnoozeSerializer(StrictSerializer):
    """Until when a notification is put away."""

    until = UtcDateTime()


class TestSerializer(StrictSerializer):
    """Which channel to test."""

    channel = EnumField(Channel, any_case=True, default=Channel.IN_APP)


class WhyQuerySerializer(StrictSerializer):
    """The fact that is asked about: the id of an event or of a notification."""

    event = Identifier()


class MuteSerializer(StrictSerializer):
    """A wish to hear nothing of a type (of one subject of it) until a moment."""

    type = EnumField(NotificationType, any_case=True)
    subject = Text(max_length=120, required=False, default="", allow_blank=True)
    until = UtcDateTime()


class MuteRowSerializer(MuteSerializer):
    """A mute as it is stored."""

    id = Identifier(source="pk")


class ChannelSerializer(StrictSerializer):
    """One channel and whether this server has it."""

    channel = EnumField(Channel)
    available = Boolean()


class ChannelsSerializer(StrictSerializer):
    """All channels."""

    results = ChannelSerializer(many=True)


def channels() -> dict[str, Any]:
    """Return every channel and whether it is available."""
    here = available_channels()
    return {"results": [{"channel": channel, "available": channel in here} for channel in Channel]}
