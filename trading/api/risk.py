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
from domain.bars import Timeframe
from domain.errors import FieldError, PlatformError, ValidationFailed
from domain.orders import OrderRole, OrderSide
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from risk import selectors as risk
from risk.api import rule_values
from risk.decisions import Decision, OrderIntent
from risk.gate import evaluate
from risk.records import reasons_of
from risk.room import room_for
from risk.serializers import RuleInput
from risk.services.rules import build_rule
from risk.sizing import Size, size
from risk.sizing_inputs import ATR_WINDOW, average_true_range, trade_returns
from strategies import selectors as strategies
from trading import selectors
from trading.api import forms, outputs
from trading.api.fields import MAX_PRICE
from trading.api.orders import in_body_words, wanted
from trading.daily_bars import DailyBars
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
            found = _sized(account, given)
        answer = {
            "quantity": found.quantity,
            "value": found.value,
            "risk_amount": found.risk_amount,
            "bound_by": found.bound_by or None,
            "explanation": found.explanation,
        }
        return Response(write(PositionSizeOutput, answer, request=request))


def _sized(account: Account, given: dict[str, Any]) -> Size:
    instrument: Instrument = given["symbol"]
    at = market.market_time(instrument)
    snapshot = selectors.snapshot(account, at=at)
    price: Decimal = given["entry_price"]
    arguments = {
        "equity": snapshot.equity,
        "price": price,
        "spec": market.spec(instrument),
        "stop_price": given["stop_price"],
        "atr": _average_range(instrument, at) if given["method"] is SizingMethod.ATR_VOLATILITY else None,
        "trades": _returns(account, given["strategy"]) if given["strategy"] else None,
    }
    value = given["value"] if given["value"] is not None else _preferred(account, given["method"])
    wanted_size = size(given["method"], value, **arguments)
    if wanted_size.quantity <= 0:
        return wanted_size
    intent = OrderIntent(
        symbol=instrument.symbol,
        instrument_id=instrument.pk,
        sector=instrument.sector,
        asset_class=instrument.asset_class,
        strategy_id=given["strategy"],
        side=given["side"],
        quantity=wanted_size.quantity,
        price=price,
        role=OrderRole.ENTRY,
        lot_size=instrument.lot_size,
    )
    view = DailyBars(snapshot, at, instrument).view(intent, snapshot)
    rules = (*risk.kill_rules(account, given["strategy"]), *risk.rules_in_force(account, at=at).rules)
    quantity, binding = room_for(intent, snapshot, rules, market=view, at=at)
    if not binding:
        return wanted_size
    at_risk = None if given["stop_price"] is None else quantity * abs(price - given["stop_price"])
    return Size(
        quantity=quantity,
        value=quantity * price,
        risk_amount=at_risk,
        bound_by=binding,
        explanation=f"{wanted_size.explanation}; {binding} leaves room for {quantity:f}",
    )


def _preferred(account: Account, method: SizingMethod) -> Decimal:
    if method is not SizingMethod.PERCENT_EQUITY:
        fault = FieldError("value", "required", f"The method {method} needs a value")
        raise ValidationFailed.of((fault,))
    return preferences.current(account.user_id).trading.default_position_size_percent


def _average_range(instrument: Instrument, at: datetime) -> Decimal | None:
    """The average true range of the newest daily bars; None where there are too few."""
    return average_true_range(market.bar_series(instrument, Timeframe.D1, limit=ATR_WINDOW, as_of=at))


def _returns(account: Account, strategy_id: Any) -> tuple[Decimal, ...]:
    return trade_returns((t.pnl_net, t.entry_value) for t in portfolio.trades_of_strategy(account, strategy_id))
