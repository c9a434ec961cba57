"""replays/: the market clocks that play stored bars as a live feed."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.idempotency import idempotent
from core.api.views import CreateMixin, OwnedReadViewSet
from marketdata import replay_services, selectors
from marketdata.api import serializers as shapes
from marketdata.models import Instrument, Replay


class ReplayViewSet(CreateMixin, OwnedReadViewSet):
    """Clocks belong to instruments, not to users: everybody sees the same market."""

    model = Replay
    output = shapes.ReplayOutput
    bodies: ClassVar = {"create": shapes.ReplayInput, "partial_update": shapes.ReplayChange}

    def rows(self) -> QuerySet[Replay]:
        """Return every clock."""
        return selectors.replays()

    def make(self, values: dict[str, Any]) -> Replay:
        """Open the feeds of the named instruments; one that has a clock keeps it."""
        first, *others = values["symbols"]
        replay_services.open_feed(
            first,
            values["timeframe"],
            with_instruments=others,
            start=values["start"],
            speed=float(values["speed"]),
        )
        return selectors.replays().get(instruments=Instrument.objects.get(pk=first.pk))

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the speed, pause or resume."""
        values = self.values()
        speed = values.get("speed")
        replay_services.change_replay(
            self.get_row(pk), speed=None if speed is None else float(speed), state=values.get("state")
        )
        return Response(self.write(self.get_row(pk)))

    @idempotent
    def restart(self, request: Request, pk: str) -> Response:
        """Go back to the start; 409 while a strategy, an order or a position stands on it."""
        self.values()
        replay_services.restart_replay(self.get_row(pk))
        return Response(self.write(self.get_row(pk)), status=status.HTTP_200_OK)
