"""risk/rules/test/ and risk/position-size/: questions about risk that need an account's working orders."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import DecimalString, EnumField, Identifier, Symbol
from core.api.serializers import StrictSerializer, read, write
from core.api.views import StrictView
from domain.errors import PlatformError
from domain.orders import OrderSide
from domain.sizing import SizingMethod
from marketdata import selectors as market
from portfolio import selectors as portfolio
from risk import selectors as risk
from risk.api import rule_values
from risk.decisions import Decision
from risk.gate import evaluate
from risk.records import reasons_of
from risk.serializers import RuleInput
from risk.services.rules import build_rule
from strategies import selectors as strategies
from trading.api import forms, outputs
from trading.api.fields import MAX_PRICE
from trading.api.orders import in_body_words, wanted
from trading.position_sizes import sized
from trading.services import placing

MAX_VALUE = Decimal(10) ** 12


class RuleTestForm(StrictSerializer):
    """A rule that need not exist, and an order (without its account) that is only thought of."""

    rule = serializers.DictField(help_text="As for risk/rules/.")
    order = serializers.DictField(help_text="As for orders/, without the account.")
    account = Identifier()


class RuleTestView(StrictView):
    """POST risk/rules/test/: what a rule alone would say of an order now; keeps and sends nothing."""

    bodies: ClassVar = {"POST": RuleTestForm}
    answers: ClassVar = {"POST": outputs.DecisionOutput}

    def post(self, request: Request) -> Response:
        """Return the decision that the rule would give."""
        given = self.values()
        named = {"name": "Tested rule", **given["rule"]}
        rule = build_rule(request.user, rule_values(request.user, read(RuleInput, named, request=request)))
        order = read(forms.OrderForm, {**given["order"], "account": str(given["account"])}, request=request)
        arguments = wanted(request, order)
        arguments["origin"] = replace(arguments["origin"], rule_types=(rule.type,))
        try:
            found = placing.preview_order(arguments.pop("account_id"), arguments.pop("spec"), **arguments)
        except PlatformError as error:
            raise in_body_words(error) from error
        asked = found.question
        decision = evaluate(asked.intent, asked.snapshot, (risk.spec_of(rule),), market=asked.view, at=found.at)
        return Response(write(outputs.DecisionOutput, _decision(decision, found.at), request=request))


def _decision(decision: Decision, at: datetime) -> dict[str, Any]:
    return {
        "id": None,
        "verdict": decision.verdict,
        "quantity": decision.quantity,
        "preferences_version": None,
        "decided_at": at,
        "reasons": reasons_of(decision),
    }


class PositionSizeForm(StrictSerializer):
    """What is to be sized; without a value the method's preference holds (percent_equity)."""

    account = Identifier()
    strategy = Identifier(required=False, allow_null=True, default=None)
    symbol = Symbol(lookup=market.instrument)
    method = EnumField(SizingMethod)
    value = DecimalString(above=0, maximum=MAX_VALUE, required=False, allow_null=True, default=None)
    side = EnumField(OrderSide, required=False, default=OrderSide.BUY)
    entry_price = DecimalString(above=0, maximum=MAX_PRICE)
    stop_price = DecimalString(above=0, maximum=MAX_PRICE, required=False, allow_null=True, default=None)


class PositionSizeOutput(StrictSerializer):
    """A quantity in whole lots, and which limit bound it (null: none)."""

    quantity = DecimalString()
    value = DecimalString()
    risk_amount = DecimalString(allow_null=True)
    bound_by = serializers.CharField(allow_null=True)
    explanation = serializers.CharField()


class PositionSizeView(StrictView):
    """POST risk/position-size/: how much to buy or sell short, within every limit in force."""

    bodies: ClassVar = {"POST": PositionSizeForm}
    answers: ClassVar = {"POST": PositionSizeOutput}

    def post(self, request: Request) -> Response:
        """Return the size; places nothing."""
        given = self.values()
        account = portfolio.account_for(request.user, given["account"])
        if given["strategy"] is not None:
            given["strategy"] = strategies.strategy_for(request.user, given["strategy"]).pk
        with transaction.atomic():
            found = sized(
                account,
                given["symbol"],
                method=given["method"],
                value=given["value"],
                side=given["side"],
                entry_price=given["entry_price"],
                stop_price=given["stop_price"],
                strategy_id=given["strategy"],
            )
        answer = {
            "quantity": found.quantity,
            "value": found.value,
            "risk_amount": found.risk_amount,
            "bound_by": found.bound_by or None,
            "explanation": found.explanation,
        }
        return Response(write(PositionSizeOutput, answer, request=request))
