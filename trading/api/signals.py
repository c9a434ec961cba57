"""signals/: what strategies and others wanted, approving and dismissing, and the trace of each; the webhooks."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from core.api.fields import EnumField, Identifier, Symbol, Text
from core.api.idempotency import once
from core.api.queries import Filter
from core.api.serializers import StrictSerializer, write
from core.api.throttling import WebhookThrottle
from core.api.views import CreateMixin, OwnedReadViewSet, StrictView
from domain.errors import ValidationFailed
from domain.signals import SignalOutcome, SignalSide
from marketdata import selectors as market
from portfolio import selectors as portfolio
from portfolio.models import Account
from strategies import selectors as strategies
from strategies.models import Strategy
from trading.api import forms, outputs
from trading.api.alerts import AlertForm, signal_of
from trading.models import Signal
from trading.services import approvals, outside
from trading.tracing import trace_of


class StepOutput(StrictSerializer):
    """One step of a signal's way; each stage has details of its own."""

    stage = Text(max_length=20)
    verdict = Text(max_length=40)
    text = Text(max_length=2000)
    at = serializers.CharField(allow_null=True)
    details = serializers.DictField()


class TraceOutput(StrictSerializer):
    """Every step from the bar to the notification, in their order."""

    signal = outputs.SignalOutput()
    steps = StepOutput(many=True)
    decision = outputs.DecisionOutput(allow_null=True)
    orders = outputs.OrderOutput(many=True)
    fills = outputs.FillOutput(many=True)


class SignalViewSet(CreateMixin, OwnedReadViewSet):
    """The asker's signals."""

    model = Signal
    output = outputs.SignalOutput
    bodies: ClassVar = {"create": forms.SignalForm}
    answers: ClassVar = {"trace": TraceOutput}
    filters: ClassVar[Mapping[str, Filter]] = {
        "account": Filter("account_id", Identifier()),
        "symbol": Filter("instrument__symbol", Symbol(lookup=str.upper)),
        "strategy": Filter("strategy_id", Identifier()),
        "outcome": Filter("outcome", EnumField(SignalOutcome)),
        "side": Filter("side", EnumField(SignalSide)),
    }
    related: ClassVar = ("instrument",)

    def make(self, values: dict[str, Any]) -> Signal:
        """Take a signal from outside."""
        account, strategy = _whose(self.request.user, values)
        wanted = outside.OutsideSignal(
            symbol=values["symbol"],
            side=values["side"],
            confidence=float(values["confidence"]),
            reason=values["reason"],
            stop=values["stop"],
            take_profit=values["take_profit"],
        )
        return outside.take_outside_signal(account, strategy, wanted)

    def approve(self, request: Request, pk: str) -> Response:
        """Send the order of a waiting signal, after asking the risk gate again."""
        row = self.get_row(pk)
        return Response(self.write(approvals.approve(row.pk, at=market.market_time(row.instrument))))

    def dismiss(self, request: Request, pk: str) -> Response:
        """Say no to a waiting signal."""
        row = self.get_row(pk)
        return Response(self.write(approvals.dismiss(row.pk, at=market.market_time(row.instrument))))

    def trace(self, request: Request, pk: str) -> Response:
        """Return every step of a signal."""
        return Response(write(TraceOutput, trace_of(self.get_row(pk)), request=request))


def _whose(user: Any, values: dict[str, Any]) -> tuple[Account, Strategy | None]:
    """Return the account and strategy of an outside signal; raises NotFound for what is not the asker's."""
    account = portfolio.account_for(user, values["account"]) if values["account"] is not None else None
    if values["strategy"] is not None:
        strategy = strategies.strategy_for(user, values["strategy"])
        if account is not None and strategy.account_id != account.pk:
            raise ValidationFailed(f"{strategy.name} trades another account", field="strategy", code="other_account")
        return strategy.account, strategy
    if account is not None:
        return account, None
    own = list(portfolio.accounts_of(user)[:2])
    if len(own) != 1:
        text = "Name the account or the strategy that the signal is for"
        raise ValidationFailed(text, field="account", code="required")
    return own[0], None


class WebhookSignalView(StrictView):
    """POST webhooks/signals/{token}/: an alert for the strategy that the secret address belongs to."""

    authentication_classes: ClassVar[list[type[BaseAuthentication]]] = []
    permission_classes: ClassVar = [AllowAny]
    throttle_classes: ClassVar[list[type[BaseThrottle]]] = [WebhookThrottle]
    bodies: ClassVar = {"POST": AlertForm}
    answers: ClassVar = {"POST": outputs.SignalOutput}

    def post(self, request: Request, token: str) -> Response:
        """Take the alert as a signal of the strategy."""
        row = outside.webhook_for(token)
        values = self.values()

        def make() -> Response:
            signal = outside.take_outside_signal(row.strategy.account, row.strategy, signal_of(values))
            return Response(write(outputs.SignalOutput, signal, request=request), status=201)

        return once(request, make, user_id=row.user_id)

    post.is_idempotent = True  # type: ignore[attr-defined]  # read by core.api.schema
