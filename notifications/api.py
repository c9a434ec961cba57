"""The REST API of notifications: the list, what a user does with them, and why something was not told."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Boolean, EnumField, Identifier
from core.api.idempotency import idempotent
from core.api.queries import Filter
from core.api.views import CreateMixin, DestroyMixin, ListMixin, OwnedReadViewSet, OwnedViewSet, StrictView
from domain.notices import NotificationType, Priority
from notifications import selectors
from notifications import serializers as s
from notifications.models import Mute, Notification, RoutingDecision
from notifications.services import reading


class NotificationViewSet(OwnedReadViewSet):
    """GET notifications/, {id}/, {id}/deliveries/; POST {id}/read/, {id}/acknowledge/, {id}/snooze/."""

    model = Notification
    output = s.NotificationSerializer
    ordering: ClassVar = {"number": "seq"}
    default_ordering = "-number"
    filters: ClassVar = {
        "unread": Filter("unread", Boolean(help_text="true: unread and not snoozed; false: read.")),
        "type": Filter("type", EnumField(NotificationType, any_case=True)),
        "priority": Filter("priority", EnumField(Priority, any_case=True)),
        "incident": Filter("incident", Identifier()),
    }
    bodies: ClassVar = {"snooze": s.SnoozeSerializer}
    answers: ClassVar = {"deliveries": s.DeliveriesSerializer}

    def rows(self) -> QuerySet[Any]:
        """Return what the asker was shown; ``unread`` is a state of several columns."""
        rows = selectors.shown(self.request.user)
        wanted = self.query.pop("unread", None)
        if wanted is None:
            return rows
        is_unread = Q(read_at=None) & (Q(snoozed_until=None) | Q(snoozed_until__lte=timezone.now()))
        return rows.filter(is_unread) if wanted else rows.exclude(read_at=None)

    def read(self, request: Request, pk: str) -> Response:
        """Mark as read; again changes nothing."""
        return Response(self.write(reading.mark_read(request.user, pk, at=timezone.now())))

    def acknowledge(self, request: Request, pk: str) -> Response:
        """Acknowledge it with everything of its incident."""
        return Response(self.write(reading.acknowledge(request.user, pk, at=timezone.now())))

    def snooze(self, request: Request, pk: str) -> Response:
        """Put it away until a moment; it then comes back unread."""
        until = self.values()["until"]
        return Response(self.write(reading.snooze(request.user, pk, until=until, at=timezone.now())))

    def deliveries(self, request: Request, pk: str) -> Response:
        """Return how it went on each channel."""
        return Response(self.write({"results": selectors.deliveries_of(self.get_row(pk))}))


class ReadAllView(StrictView):
    """POST notifications/read-all/."""

    bodies: ClassVar = {"POST": s.ReadAllSerializer}
    answers: ClassVar = {"POST": s.CountSerializer}

    def post(self, request: Request) -> Response:
        """Mark everything (of a type) as read."""
        n = reading.read_all(request.user, at=timezone.now(), kind=self.values().get("type"))
        return Response({"changed": n})


class StatsView(StrictView):
    """GET notifications/stats/."""

    answers: ClassVar = {"GET": s.StatsSerializer}

    def get(self, request: Request) -> Response:
        """Return counts by type and priority, and what the last day did not show and why."""
        return Response(selectors.stats(request.user, at=timezone.now()))


class WhyView(StrictView):
    """GET notifications/why/?event=."""

    queries: ClassVar = {"GET": s.WhyQuerySerializer}
    answers: ClassVar = {"GET": s.WhySerializer}

    def get(self, request: Request) -> Response:
        """Return every check's answer on a fact, also on what was not sent."""
        found = selectors.why(request.user, self.query["event"])
        answer = {"answer": in_words(found), "decisions": found}
        return Response(s.WhySerializer(answer).data)


def in_words(decisions: list[RoutingDecision]) -> str:
    """Say in one sentence why a fact was or was not told."""
    if not decisions:
        return "This has not been looked at yet, or is of a kind that is never told."
    last = decisions[-1]
    if last.outcome == "sent":
        return "It was sent."
    if last.outcome == "nothing_to_tell":
        return "It was not worth a notification."
    stopped = [check["answer"] for check in last.checks if check["stopped"]]
    return stopped[-1] if stopped else "It was not sent."


class TestView(StrictView):
    """POST notifications/test/."""

    bodies: ClassVar = {"POST": s.TestSerializer}
    answers: ClassVar = {"POST": s.NotificationSerializer}

    @idempotent
    def post(self, request: Request) -> Response:
        """Send one test message to a channel."""
        row = reading.send_test(request.user, self.values()["channel"], at=timezone.now())
        return Response(s.NotificationSerializer(row).data, status=status.HTTP_201_CREATED)


class ChannelsView(StrictView):
    """GET notifications/channels/."""

    answers: ClassVar = {"GET": s.ChannelsSerializer}

    def get(self, request: Request) -> Response:
        """Return every channel and whether this server has it."""
        return Response(s.channels())


class MuteViewSet(ListMixin, CreateMixin, DestroyMixin, OwnedViewSet):
    """GET and POST notifications/mutes/, DELETE {id}/."""

    model = Mute
    output = s.MuteRowSerializer
    bodies: ClassVar = {"create": s.MuteSerializer}

    def make(self, values: dict[str, Any]) -> Mute:
        """Mute a type, or one subject of it."""
        user: Any = self.request.user
        return reading.mute(user, values["type"], subject=values["subject"], until=values["until"], at=timezone.now())

    def remove(self, row: Mute) -> None:
        """Hear of it again."""
        reading.unmute(self.request.user, NotificationType(row.type), subject=row.subject)
