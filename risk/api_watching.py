"""The REST API of what watching keeps: history of headroom, the unprotected gauge, waivers; and users' own crises."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import DecimalString, Identifier, Integer, Number, Text, UtcDateTime
from core.api.queries import Filter
from core.api.serializers import StrictSerializer, write
from core.api.views import CreateMixin, DestroyMixin, OwnedReadViewSet, StrictView
from domain.errors import ValidationFailed
from portfolio import selectors as portfolio
from risk import selectors
from risk.histories import HeadroomSeries
from risk.models import ProtectionWaiver, StressScenario
from risk.services import scenarios, unprotected

MAX_EPISODES = 100


class HeadroomHistoryQuery(StrictSerializer):
    """Which account, which rule (all without one), and the span of market time."""

    account = Identifier()
    key = Text(max_length=80, required=False, default="", allow_blank=True)
    start = UtcDateTime(required=False, default=None)
    end = UtcDateTime(required=False, default=None)
    max_points = Integer(minimum=2, maximum=2_000, required=False, default=500)


class SeriesOutput(StrictSerializer):
    """One rule's headroom in columns: market time, share of the limit used, value and limit."""

    key = Text(max_length=80)
    name = Text(max_length=100)
    at = serializers.ListField(child=UtcDateTime())
    used = serializers.ListField(child=Number())
    value = serializers.ListField(child=DecimalString())
    limit = serializers.ListField(child=DecimalString())


class HeadroomHistoryOutput(StrictSerializer):
    """The history of every limit's headroom, the most used now first."""

    account = Identifier()
    results = SeriesOutput(many=True)


class HeadroomHistoryView(StrictView):
    """GET risk/headroom/history/."""

    queries: ClassVar = {"GET": HeadroomHistoryQuery}
    answers: ClassVar = {"GET": HeadroomHistoryOutput}

    def get(self, request: Request) -> Response:
        """Return how much of each limit was used over the account's time: its replay's, or the wall clock."""
        asked = dict(self.query)
        account = portfolio.account_for(request.user, asked.pop("account"))
        if asked["start"] and asked["end"] and asked["start"] >= asked["end"]:
            raise ValidationFailed("The end must come after the start", field="end", code="out_of_range")
        series = [_columns(each) for each in selectors.headroom_history(account, **asked)]
        return Response(write(HeadroomHistoryOutput, {"account": account.pk, "results": series}, request=request))


def _columns(series: HeadroomSeries) -> dict[str, Any]:
    columns = {name: [getattr(point, name) for point in series.points] for name in ("at", "used", "value", "limit")}
    return {"key": series.key, "name": series.name, **columns}


class AccountQuery(StrictSerializer):
    """Which account."""

    account = Identifier()


class EpisodeOutput(StrictSerializer):
    """A stretch of time in which nothing would have closed a position (or a part of it) at a loss."""

    id = Identifier()
    position = Identifier(source="position_id")
    symbol = Text(max_length=32, source="instrument.symbol")
    strategy = Identifier(source="strategy_id", allow_null=True)
    quantity = DecimalString()
    value = DecimalString()
    worst_value = DecimalString()
    value_seconds = DecimalString()
    reason = Text(max_length=200)
    began_at = UtcDateTime()
    measured_at = UtcDateTime()
    ended_at = UtcDateTime(allow_null=True)
    ended_by = Text(max_length=100, allow_blank=True)
    alarmed_at = UtcDateTime(allow_null=True)


class GaugeOutput(StrictSerializer):
    """The unprotected-exposure gauge: value that lies open now, its value × seconds, and past episodes."""

    account = Identifier()
    currency = Text(max_length=8)
    value = DecimalString()
    value_seconds = DecimalString()
    open = EpisodeOutput(many=True)
    past = EpisodeOutput(many=True)


class UnprotectedView(StrictView):
    """GET risk/unprotected/?account=."""

    queries: ClassVar = {"GET": AccountQuery}
    answers: ClassVar = {"GET": GaugeOutput}

    def get(self, request: Request) -> Response:
        """Return the gauge of an account with its last episodes."""
        account = portfolio.account_for(request.user, self.query["account"])
        gauge = selectors.unprotected_gauge(account)
        past = selectors.unprotected_episodes(account).exclude(ended_at=None)[:MAX_EPISODES]
        answer = {
            "account": account.pk,
            "currency": account.currency,
            "value": gauge.value,
            "value_seconds": gauge.value_seconds,
            "open": gauge.episodes,
            "past": past,
        }
        return Response(write(GaugeOutput, answer, request=request))


class WaiverInput(StrictSerializer):
    """Which position needs no stop, and why."""

    position = Identifier()
    reason = Text(max_length=300)


class WaiverOutput(StrictSerializer):
    """A signature that a position needs no stop."""

    id = Identifier()
    account = Identifier(source="account_id")
    position = Identifier(source="position_id")
    reason = Text(max_length=300)
    signed_by = Text(max_length=150)
    created_at = UtcDateTime()


class WaiverViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """risk/waivers/ and {id}/: signatures that nobody took back."""

    model = ProtectionWaiver
    output = WaiverOutput
    bodies: ClassVar = {"create": WaiverInput}
    filters: ClassVar = {"account": Filter("account_id", Identifier())}

    def rows(self) -> QuerySet[Any]:
        """Return the asker's waivers that hold."""
        return selectors.waivers_of(self.request.user)

    def make(self, values: dict[str, Any]) -> ProtectionWaiver:
        """Sign one."""
        user = self.request.user
        return unprotected.sign_waiver(user, values["position"], reason=values["reason"], by=user.get_username())

    def remove(self, row: ProtectionWaiver) -> None:
        """Take it back."""
        unprotected.revoke_waiver(self.request.user, row.position_id, at=timezone.now())


class ScenarioInput(StrictSerializer):
    """Moves in per cent: by symbol, sector or asset class in ``shocks``, and of everything else."""

    name = Text(max_length=80)
    default_percent = DecimalString(minimum=scenarios.LEAST, maximum=scenarios.MOST)
    shocks = serializers.DictField(
        child=DecimalString(minimum=scenarios.LEAST, maximum=scenarios.MOST), required=False, default=dict
    )


class ScenarioOutput(StrictSerializer):
    """A user's own crisis."""

    id = Identifier()
    name = Text(max_length=80)
    default_percent = DecimalString()
    shocks = serializers.DictField(child=DecimalString())
    created_at = UtcDateTime()


class ScenarioViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """risk/stress-scenarios/ and {id}/; what they do stands in risk/portfolio/ beside the historical crises."""

    model = StressScenario
    output = ScenarioOutput
    bodies: ClassVar = {"create": ScenarioInput, "partial_update": ScenarioInput}
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}

    def make(self, values: dict[str, Any]) -> StressScenario:
        """Make one."""
        return scenarios.create_scenario(self.request.user, values)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the named fields."""
        return Response(self.write(scenarios.update_scenario(self.get_row(pk), self.values())))

    def remove(self, row: StressScenario) -> None:
        """Delete it."""
        scenarios.delete_scenario(row)
