"""What the trading API answers: orders, their events, fills, positions, signals and decisions."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Boolean, DecimalString, EnumField, Identifier, Integer, Number, Symbol, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.orders import EventSource, OrderClass, OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce
from domain.portfolio import TradingState
from domain.signals import SignalOutcome, SignalSide
from portfolio.models import Position
from risk.decisions import Source, Verdict
from trading.services.bulk import Outcome


class ReasonOutput(StrictSerializer):
    """What one rule said."""

    key = Text(max_length=80)
    rule = Text(max_length=100)
    type = Text(max_length=32)
    source = EnumField(Source)
    value = DecimalString(allow_null=True)
    limit = DecimalString(allow_null=True)
    headroom = DecimalString(allow_null=True)
    verdict = EnumField(Verdict)
    quantity = DecimalString(allow_null=True)
    message = Text(max_length=1000)


class DecisionOutput(StrictSerializer):
    """The risk gate's verdict with every rule that was asked."""

    id = Identifier(allow_null=True)
    verdict = EnumField(Verdict)
    quantity = DecimalString()
    preferences_version = Integer(allow_null=True)
    decided_at = UtcDateTime()
    reasons = ReasonOutput(many=True)


class OrderOutput(StrictSerializer):
    """An order."""

    id = Identifier()
    client_order_id = Text(max_length=64)
    venue_order_id = Text(max_length=128)
    account = Identifier(source="account_id")
    strategy = Identifier(source="strategy_id", allow_null=True)
    signal = Identifier(source="signal_id", allow_null=True)
    parent = Identifier(source="parent_id", allow_null=True)
    decision_id = serializers.SerializerMethodField(help_text="Of the risk decision.")
    symbol = Symbol(source="instrument")
    side = EnumField(OrderSide)
    type = EnumField(OrderType)
    role = EnumField(OrderRole)
    order_class = EnumField(OrderClass)
    time_in_force = EnumField(TimeInForce)
    quantity = DecimalString()
    requested_quantity = DecimalString()
    filled_quantity = DecimalString()
    average_fill_price = DecimalString(allow_null=True)
    limit_price = DecimalString(allow_null=True)
    stop_price = DecimalString(allow_null=True)
    trail_percent = DecimalString(allow_null=True)
    reduce_only = Boolean()
    status = EnumField(OrderStatus)
    unresolved = Boolean()
    reason = Text(max_length=1000)
    market_at = UtcDateTime()
    created_at = UtcDateTime()
    updated_at = UtcDateTime()
    submitted_at = UtcDateTime(allow_null=True)
    closed_at = UtcDateTime(allow_null=True)

    def get_decision_id(self, row: Any) -> str | None:
        """Return the id that risk/decisions/ knows."""
        return str(row.decision.id) if row.decision_id is not None else None


class LegOutput(StrictSerializer):
    """A stop or target of an order."""

    id = Identifier()
    role = EnumField(OrderRole)
    type = EnumField(OrderType)
    quantity = DecimalString()
    limit_price = DecimalString(allow_null=True)
    stop_price = DecimalString(allow_null=True)
    status = EnumField(OrderStatus)


class OrderDetailOutput(OrderOutput):
    """An order with the decision on it and its legs."""

    decision = DecisionOutput(allow_null=True)
    legs = serializers.SerializerMethodField()

    def get_legs(self, row: Any) -> list[dict[str, Any]]:
        """Return its stops and targets, oldest first."""
        found: list[dict[str, Any]] = LegOutput(row.children.order_by("created_at"), many=True).data
        return found


class OrderEventOutput(StrictSerializer):
    """One change of an order."""

    id = Identifier()
    seq = Integer()
    from_status = Text(max_length=20)
    to_status = Text(max_length=20)
    source = EnumField(EventSource)
    message = Text(max_length=1000)
    anomaly = Boolean()
    at = UtcDateTime(help_text="Market time.")
    created_at = UtcDateTime()


class OrderEventsOutput(StrictSerializer):
    """The whole history of one order; there is one page."""

    results = OrderEventOutput(many=True)
    next = Text(max_length=1, allow_null=True)


class FillOutput(StrictSerializer):
    """One execution."""

    id = Identifier()
    order = Identifier(source="order_id")
    account = Identifier(source="account_id")
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = Symbol(source="instrument")
    side = EnumField(OrderSide)
    quantity = DecimalString()
    price = DecimalString()
    fee = DecimalString()
    venue_fill_id = Text(max_length=128)
    at = UtcDateTime(help_text="Venue time.")
    created_at = UtcDateTime()


class PositionOutput(StrictSerializer):
    """What is held of one instrument by one strategy (null: by hand)."""

    id = Identifier()
    account = Identifier(source="account_id")
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = Symbol(source="instrument")
    side = serializers.SerializerMethodField(help_text="long, short or flat")
    quantity = DecimalString()
    average_price = DecimalString()
    cost = DecimalString()
    mark = DecimalString()
    mark_at = UtcDateTime(source="last_mark_at", allow_null=True)
    market_value = DecimalString(source="value")
    unrealized_pnl = DecimalString()
    realized_pnl = DecimalString()
    fees = DecimalString()
    stop_price = DecimalString(allow_null=True)
    stop_percent = DecimalString(allow_null=True)
    target_price = DecimalString(allow_null=True)
    target_percent = DecimalString(allow_null=True)
    is_open = Boolean()
    opened_at = UtcDateTime(allow_null=True)
    closed_at = UtcDateTime(allow_null=True)
    updated_at = UtcDateTime()

    def get_side(self, row: Position) -> str:
        """Return which way it stands."""
        return "flat" if not row.quantity else "long" if row.quantity > 0 else "short"


class SignalOutput(StrictSerializer):
    """What a strategy, or somebody outside, wanted, and what became of it."""

    id = Identifier()
    account = Identifier(source="account_id")
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = Symbol(source="instrument")
    timeframe = Text(max_length=4)
    side = EnumField(SignalSide)
    confidence = Number()
    price = DecimalString()
    stop = DecimalString(allow_null=True)
    take_profit = DecimalString(allow_null=True)
    reason = Text(max_length=300)
    source = Text(max_length=16)
    outcome = EnumField(SignalOutcome)
    code = Text(max_length=40)
    message = Text(max_length=1000)
    at = UtcDateTime(help_text="Market time.")
    bar_close_at = UtcDateTime(allow_null=True)
    expires_at = UtcDateTime(allow_null=True)
    settled_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()


class DoneOutput(StrictSerializer):
    """What happened to one order or position."""

    symbol = Text(max_length=32)
    outcome = EnumField(Outcome)
    order_id = Identifier(allow_null=True)
    position_id = Identifier(allow_null=True)
    status = Text(max_length=20)
    message = Text(max_length=1000)


class CancelAllOutput(StrictSerializer):
    """What happened to each order."""

    results = DoneOutput(many=True)


class CloseAllOutput(StrictSerializer):
    """What happened to each entry that was canceled and to each position."""

    canceled = DoneOutput(many=True)
    results = DoneOutput(many=True)


class Change(StrictSerializer):
    """A measure before and after the order; null where it is not known."""

    before = DecimalString(allow_null=True)
    after = DecimalString(allow_null=True)


class OrderPreviewOutput(StrictSerializer):
    """What an order would meet now. Measures take it as filled at ``price``; rules also count working orders."""

    symbol = Text(max_length=32)
    requested_quantity = DecimalString()
    quantity = DecimalString(help_text="What would be sent: 0 when it would be denied.")
    price = DecimalString(allow_null=True)
    notional = DecimalString(allow_null=True)
    market_at = UtcDateTime()
    equity = DecimalString()
    decision = DecisionOutput()
    exposure = Change(help_text="Sum of absolute position values.")
    exposure_percent = Change()
    net_exposure = Change()
    leverage = Change()
    position_percent = Change()
    sector = Text(max_length=64)
    sector_percent = Change()
    value_at_risk = Change()
    stop_loss_percent = DecimalString(allow_null=True, help_text="Protection that the rules demand.")
    take_profit_percent = DecimalString(allow_null=True)


class AccountStateOutput(StrictSerializer):
    """An account's money and what it may do."""

    id = Identifier()
    name = Text(max_length=64)
    currency = Text(max_length=8)
    starting_cash = DecimalString()
    cash = DecimalString()
    equity = DecimalString()
    buying_power = DecimalString()
    trading_state = EnumField(TradingState)
    trading_state_reason = Text(max_length=300)
    reset_at = UtcDateTime(allow_null=True)


class ReconcileOutput(StrictSerializer):
    """What the comparison with the venue found and mended."""

    carried_on = Integer()
    fills_booked = Integer()
    protected = Integer()
    differences = serializers.ListField(child=Text(max_length=1000))


class WebhookOutput(StrictSerializer):
    """A strategy's secret address, without its secret."""

    id = Identifier()
    strategy = Identifier(source="strategy_id")
    hint = Text(max_length=8, help_text="The last four characters.")
    last_used_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()


class WebhookStateOutput(StrictSerializer):
    """Whether a strategy takes alerts."""

    webhook = WebhookOutput(allow_null=True)


class NewWebhookOutput(WebhookOutput):
    """A new secret address: the only answer that ever shows it."""

    token = Text(max_length=64)
    path = Text(max_length=200)
