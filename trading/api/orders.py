"""orders/: place, preview, look, change, cancel, and everything that happened to each."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import EnumField, Identifier, Symbol
from core.api.queries import Filter
from core.api.serializers import write
from core.api.views import CreateMixin, OwnedReadViewSet, StrictView
from domain.errors import FieldError, PlatformError, ValidationFailed
from domain.orders import EventSource, OrderRole, OrderStatus
from marketdata import selectors as market
from portfolio import selectors as portfolio
from risk.records import reasons_of
from strategies import selectors as strategies
from trading.api import forms, outputs
from trading.api.fields import ClientOrderId
from trading.exposures import exposures
from trading.models import Order
from trading.selectors import order_for
from trading.services import bulk, orders, placing
from trading.services.intents import Origin

# The faults of an order name the parts of a domain order; a client knows the fields of the body.
_BODY_FIELDS = {
    "stop_loss_price": "stop_loss",
    "stop_loss_percent": "stop_loss",
    "take_profit_price": "take_profit",
    "take_profit_percent": "take_profit",
}


def wanted(request: Request, values: dict[str, Any]) -> dict[str, Any]:
    """Return what placing or previewing the body's order takes; raises NotFound for what is not the asker's."""
    account = portfolio.account_for(request.user, values["account"])
    strategy = None
    if values["strategy"] is not None:
        strategy = strategies.strategy_for(request.user, values["strategy"])
        if strategy.account_id != account.pk:
            raise ValidationFailed(f"{strategy.name} trades another account", field="strategy", code="other_account")
    origin = Origin(strategy=strategy, client_order_id=values["client_order_id"], source=EventSource.OPERATOR)
    return {
        "account_id": account.pk,
        "spec": forms.spec_of(values),
        "notional": values.get("notional"),
        "origin": origin,
    }


def in_body_words(error: PlatformError) -> PlatformError:
    """Return the error with its faults at the fields of the body."""
    error.errors = tuple(FieldError(_BODY_FIELDS.get(e.field, e.field), e.code, e.message) for e in error.errors)
    return error


class OrderViewSet(CreateMixin, OwnedReadViewSet):
    """The asker's orders."""

    model = Order
    output = outputs.OrderOutput
    bodies: ClassVar = {"create": forms.OrderForm, "partial_update": forms.ReplaceForm}
    answers: ClassVar = {
        "create": outputs.OrderDetailOutput,
        "retrieve": outputs.OrderDetailOutput,
        "partial_update": outputs.OrderDetailOutput,
        "destroy": outputs.OrderDetailOutput,
        "events": outputs.OrderEventsOutput,
    }
    filters: ClassVar[Mapping[str, Filter]] = {
        "account": Filter("account_id", Identifier()),
        "symbol": Filter("instrument__symbol", Symbol(lookup=str.upper)),
        "status": Filter("status", EnumField(OrderStatus)),
        "strategy": Filter("strategy_id", Identifier()),
        "role": Filter("role", EnumField(OrderRole)),
        "client_order_id": Filter("client_order_id", ClientOrderId()),
    }
    related: ClassVar = ("instrument", "decision")

    def rows(self) -> QuerySet[Any]:
        """Return the asker's orders without what their decisions were given."""
        return super().rows().defer("decision__inputs")

    def make(self, values: dict[str, Any]) -> Order:
        """Place the order; denied is an answer, not an error."""
        arguments = wanted(self.request, values)
        try:
            return placing.place(arguments.pop("account_id"), arguments.pop("spec"), **arguments)
        except PlatformError as error:
            raise in_body_words(error) from error

    def partial_update(self, request: Request, pk: str) -> Response:
        """Replace quantity or prices of a working order."""
        row = order_for(request.user, pk)
        values = self.values()
        if not values:
            raise ValidationFailed.of((FieldError("", "empty", "Name at least one field to change."),))
        changed = orders.replace_order(row.pk, values, at=market.market_time(row.instrument))
        return Response(self.write(changed))

    def destroy(self, request: Request, pk: str) -> Response:
        """Ask to cancel an order and return it in its state then."""
        row = order_for(request.user, pk)
        at = market.market_time(row.instrument)
        canceled = orders.cancel_order(row.pk, at=at, source=EventSource.OPERATOR, reason="you canceled it")
        return Response(self.write(canceled))

    def events(self, request: Request, pk: str) -> Response:
        """Return the order's whole history, oldest first."""
        rows = self.get_row(pk).events.order_by("seq")
        return Response(write(outputs.OrderEventsOutput, {"results": rows, "next": None}, request=request))


class PreviewView(StrictView):
    """POST orders/preview/: the body of an order; sends and keeps nothing."""

    bodies: ClassVar = {"POST": forms.OrderForm}
    answers: ClassVar = {"POST": outputs.OrderPreviewOutput}

    def post(self, request: Request) -> Response:
        """Return the decision that the order would meet now, and the exposures before and after it."""
        arguments = wanted(request, self.values())
        try:
            found = placing.preview_order(arguments.pop("account_id"), arguments.pop("spec"), **arguments)
        except PlatformError as error:
            raise in_body_words(error) from error
        return Response(write(outputs.OrderPreviewOutput, preview_numbers(found), request=request))


def preview_numbers(found: placing.Preview) -> dict[str, Any]:
    """Return a preview as it is answered."""
    question, decision = found.question, found.decision
    intent, snapshot = question.intent, question.snapshot
    price = intent.price if intent.price.is_finite() else None
    counted = decision.quantity or question.spec.quantity
    before = exposures(snapshot, intent)
    after = exposures(snapshot, intent, counted) if price is not None else None
    names = {
        "exposure": "gross",
        "exposure_percent": "gross_percent",
        "net_exposure": "net",
        "leverage": "leverage",
        "position_percent": "position_percent",
        "sector_percent": "sector_percent",
    }
    changes = {
        word: {"before": getattr(before, name), "after": getattr(after, name) if after else None}
        for word, name in names.items()
    }
    return {
        **changes,
        "symbol": intent.symbol,
        "requested_quantity": question.spec.quantity,
        "quantity": decision.quantity,
        "price": price,
        "notional": None if price is None else counted * price,
        "market_at": found.at,
        "equity": snapshot.equity,
        "decision": {
            "id": None,
            "verdict": decision.verdict,
            "quantity": decision.quantity,
            "preferences_version": None,
            "decided_at": found.at,
            "reasons": reasons_of(decision),
        },
        "sector": intent.sector,
        "value_at_risk": {"before": None, "after": question.view.value_at_risk},
        "stop_loss_percent": decision.stop_loss_percent,
        "take_profit_percent": decision.take_profit_percent,
    }


def selection_of(request: Request, values: dict[str, Any]) -> bulk.Selection:
    """Return which of the asker's orders or positions are meant; raises NotFound for a foreign account or strategy."""
    user_id: UUID = request.user.pk
    account_id, strategy_id = values.get("account"), values.get("strategy")
    if account_id is not None:
        portfolio.account_for(request.user, account_id)
    if strategy_id is not None:
        strategies.strategy_for(request.user, strategy_id)
    symbol = market.instrument(values["symbol"]).symbol if "symbol" in values else ""
    return bulk.Selection(user_id=user_id, account_id=account_id, strategy_id=strategy_id, symbol=symbol)


class CancelAllView(StrictView):
    """POST orders/cancel-all/."""

    bodies: ClassVar = {"POST": forms.CancelAllForm}
    answers: ClassVar = {"POST": outputs.CancelAllOutput}

    def post(self, request: Request) -> Response:
        """Cancel the selected orders, each by itself, and tell what happened to each; may be asked again."""
        values = self.values()
        selection = selection_of(request, values)
        done = bulk.cancel_all(selection, reason="you canceled all", only_new_risk=values["keep_protective"])
        return Response(write(outputs.CancelAllOutput, {"results": done}, request=request))
