"""What the trading API takes: the bodies of its requests, and the order that a body means."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from core.api.fields import Boolean, DecimalString, EnumField, Identifier, Number, Symbol, Text
from core.api.serializers import StrictSerializer
from domain.orders import OrderClass, OrderSide, OrderSpec, OrderType, TimeInForce
from domain.portfolio import TradingState
from domain.signals import SignalSide
from trading.api.fields import MAX_PRICE, ClientOrderId, Level, LevelField

MAX_QUANTITY = Decimal(10) ** 12
_NO_OCO = (
    "A pair of orders of which one cancels the other protects a position: give take_profit and stop_loss with the "
    "entry (order_class bracket)"
)


class OrderForm(StrictSerializer):
    """A new order: by quantity or by notional; with take_profit or stop_loss it is a bracket."""

    account = Identifier()
    strategy = Identifier(required=False, allow_null=True, default=None, help_text="Whose position it changes.")
    symbol = Symbol()
    side = EnumField(OrderSide)
    type = EnumField(OrderType, required=False, default=OrderType.MARKET)
    quantity = DecimalString(above=0, maximum=MAX_QUANTITY, required=False)
    notional = DecimalString(
        above=0, maximum=MAX_QUANTITY, required=False, help_text="Value; the quantity follows at the mark, in lots."
    )
    time_in_force = EnumField(TimeInForce, required=False, default=TimeInForce.GTC)
    limit_price = DecimalString(above=0, maximum=MAX_PRICE, required=False, allow_null=True, default=None)
    stop_price = DecimalString(above=0, maximum=MAX_PRICE, required=False, allow_null=True, default=None)
    trail_percent = DecimalString(above=0, maximum=100, required=False, allow_null=True, default=None)
    client_order_id = ClientOrderId(required=False, default="")
    order_class = EnumField(OrderClass, required=False)
    take_profit = LevelField(required=False, allow_null=True, default=None)
    stop_loss = LevelField(required=False, allow_null=True, default=None)
    reduce_only = Boolean(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what concerns several fields at once."""
        faults = {**_size_faults(attrs), **_class_faults(attrs)}
        if faults:
            raise serializers.ValidationError(faults)
        return attrs


def _size_faults(attrs: dict[str, Any]) -> dict[str, Any]:
    given = [name for name in ("quantity", "notional") if name in attrs]
    if len(given) == 1:
        return {}
    text = "Give either a quantity or a notional" + (", not both." if given else ".")
    return {"quantity": [ErrorDetail(text, code="one_of" if given else "required")]}


def _class_faults(attrs: dict[str, Any]) -> dict[str, Any]:
    order_class = attrs.get("order_class")
    legs = [name for name in ("take_profit", "stop_loss") if attrs.get(name) is not None]
    text = ""
    if order_class is OrderClass.OCO:
        text = _NO_OCO
    elif order_class is OrderClass.BRACKET and not legs:
        text = "A bracket has a take_profit, a stop_loss, or both."
    elif order_class is OrderClass.SIMPLE and legs:
        text = f"A simple order has no {legs[0]}; its order_class is bracket."
    elif legs and attrs.get("reduce_only"):
        return {name: [ErrorDetail("A reduce-only order opens nothing.", code="not_allowed")] for name in legs}
    return {"order_class": [ErrorDetail(text, code="not_allowed")]} if text else {}


def spec_of(values: dict[str, Any]) -> OrderSpec:
    """Return the order that a body means; one by notional gets its quantity later."""
    stop, target = values["stop_loss"] or Level(), values["take_profit"] or Level()
    names = ("side", "type", "time_in_force", "limit_price", "stop_price", "trail_percent", "reduce_only")
    return OrderSpec(
        symbol=values["symbol"].upper(),
        quantity=values.get("quantity", Decimal(0)),
        stop_loss_price=stop.price,
        stop_loss_percent=stop.percent,
        take_profit_price=target.price,
        take_profit_percent=target.percent,
        **{name: values[name] for name in names},
    )


class ReplaceForm(StrictSerializer):
    """New values of a working order."""

    quantity = DecimalString(above=0, maximum=MAX_QUANTITY, required=False)
    limit_price = DecimalString(above=0, maximum=MAX_PRICE, required=False)
    stop_price = DecimalString(above=0, maximum=MAX_PRICE, required=False)


class SelectionForm(StrictSerializer):
    """Which orders or positions: all of the asker's, narrowed by each field that is given."""

    account = Identifier(required=False)
    strategy = Identifier(required=False)
    symbol = Symbol(required=False)


class CancelAllForm(SelectionForm):
    """Which orders to cancel."""

    keep_protective = Boolean(required=False, default=False, help_text="Leave exits, stops and targets working.")


class CloseForm(StrictSerializer):
    """How much of a position to close; without a quantity all of it."""

    quantity = DecimalString(above=0, maximum=MAX_QUANTITY, required=False)


class SignalForm(StrictSerializer):
    """A signal from outside. Without a strategy it needs an account (the asker's only one, when there is one)."""

    symbol = Symbol()
    side = EnumField(SignalSide)
    confidence = Number(minimum=0, maximum=1, required=False, default=Decimal(1))
    strategy = Identifier(required=False, allow_null=True, default=None)
    account = Identifier(required=False, allow_null=True, default=None)
    reason = Text(max_length=300, required=False, allow_blank=True, default="")
    stop = DecimalString(above=0, maximum=MAX_PRICE, required=False, allow_null=True, default=None)
    take_profit = DecimalString(above=0, maximum=MAX_PRICE, required=False, allow_null=True, default=None)


class ReasonForm(StrictSerializer):
    """Why, for the record."""

    reason = Text(max_length=300, required=False, allow_blank=True, default="")


class TradingStateForm(StrictSerializer):
    """What an account may do, and why."""

    state = EnumField(TradingState)
    reason = Text(max_length=300, required=False, allow_blank=True, default="")
