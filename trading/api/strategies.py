"""strategies/{id}/start|pause|stop/ and webhook/: letting a strategy trade, and its address for alerts."""

from typing import Any, ClassVar

from django.urls import reverse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.idempotency import once
from core.api.serializers import write
from core.api.views import OwnedViewSet
from strategies import selectors
from strategies.api import StrategyOutput
from strategies.models import Strategy
from trading.api import forms, outputs
from trading.models import WebhookToken
from trading.services import outside, strategies


class StrategyActions(OwnedViewSet):
    """What one of the asker's strategies does."""

    model = Strategy
    output = StrategyOutput
    bodies: ClassVar = {"pause": forms.ReasonForm, "stop": forms.ReasonForm}
    answers: ClassVar = {
        "webhook": outputs.WebhookStateOutput,
        "make_webhook": outputs.NewWebhookOutput,
        "revoke_webhook": None,
    }

    def rows(self) -> Any:
        """Return the asker's strategies."""
        return selectors.strategies_of(self.request.user)

    def _by(self) -> str:
        return str(self.request.user)

    def _answer(self, row: Strategy) -> Response:
        return Response(self.write(self.get_row(str(row.pk))))

    def start(self, request: Request, pk: str) -> Response:
        """Let it trade, after the check that it does not look ahead."""
        row = self.get_row(pk)
        self.values()
        return self._answer(strategies.start_strategy(row, by=self._by()))

    def pause(self, request: Request, pk: str) -> Response:
        """No new entries; exits and stops go on."""
        row = self.get_row(pk)
        return self._answer(strategies.pause_strategy(row, by=self._by(), reason=self.values()["reason"]))

    def stop(self, request: Request, pk: str) -> Response:
        """End it; waiting entries are canceled, positions keep their stops."""
        row = self.get_row(pk)
        return self._answer(strategies.stop_strategy(row, by=self._by(), reason=self.values()["reason"]))

    def webhook(self, request: Request, pk: str) -> Response:
        """Return whether it has an address for alerts."""
        row = WebhookToken.objects.filter(strategy=self.get_row(pk), revoked_at=None).first()
        return Response(self.write({"webhook": row}))

    def make_webhook(self, request: Request, pk: str) -> Response:
        """Give it a new address (the old one ends), shown this once."""
        strategy = self.get_row(pk)
        self.values()

        def make() -> Response:
            row, raw = outside.make_webhook(strategy)
            path = reverse("api-webhook-signal", kwargs={"token": raw})
            body = {**write(outputs.WebhookOutput, row, request=request), "token": raw, "path": path}
            return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

        return once(request, make, is_secret=True)

    make_webhook.is_idempotent = True  # type: ignore[attr-defined]  # read by core.api.schema

    def revoke_webhook(self, request: Request, pk: str) -> Response:
        """End its address."""
        outside.revoke_webhook(self.get_row(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
