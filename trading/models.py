"""Tables of the order road: signals, orders with every change of theirs, fills, and how far each account has come.

Order events and fills are only ever added. The paper venue's own tables stand in ``trading.venue_models``.
"""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField, choices
from core.models import OwnedManager, OwnedModel, UuidModel
from domain.orders import (
    EventSource,
    OrderClass,
    OrderRole,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from domain.signals import SignalOutcome, SignalSide
from trading.venue_models import PaperBook, PaperFill, PaperOrder

__all__ = [
    "AccountCursor",
    "AccountLease",
    "Fill",
    "Order",
    "OrderEvent",
    "PaperBook",
    "PaperFill",
    "PaperOrder",
    "Signal",
    "StrategyRun",
    "WebhookToken",
]


class Signal(OwnedModel):
    """What a strategy, or somebody outside, wanted at one bar, and what became of it (``trace`` tells every step)."""

    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="signals")
    strategy = models.ForeignKey("strategies.Strategy", null=True, on_delete=models.PROTECT, related_name="signals")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    timeframe = models.CharField(max_length=4, blank=True, default="")
    side = models.CharField(max_length=8, choices=choices(SignalSide))
    confidence = models.FloatField(default=1.0)
    stop = ExactDecimalField(null=True, blank=True)
    take_profit = ExactDecimalField(null=True, blank=True)
    price = ExactDecimalField(help_text="The price it was made at: the bar's close, or the mark.")
    reason = models.CharField(max_length=300, blank=True, default="")
    source = models.CharField(max_length=16, default="strategy")
    at = models.DateTimeField(help_text="Market time.")
    bar_close_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=choices(SignalOutcome), default=SignalOutcome.PENDING)
    code = models.CharField(max_length=40, blank=True, default="")
    message = models.TextField(blank=True, default="")
    decision = models.ForeignKey("risk.RiskDecision", null=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    trace = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "instrument", "bar_close_at", "side"],
                condition=Q(bar_close_at__isnull=False),
                name="signal_once_a_bar",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="signal_user"),
            models.Index(fields=["strategy", "-at"], name="signal_strategy"),
            models.Index(
                fields=["expires_at"], condition=Q(outcome=SignalOutcome.AWAITING_APPROVAL), name="signal_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.instrument_id} at {self.at:%Y-%m-%d %H:%M}"


class Order(OwnedModel):
    """One order. ``client_order_id`` is ours, committed before sending and never reused."""

    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="orders")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy = models.ForeignKey("strategies.Strategy", null=True, on_delete=models.PROTECT, related_name="orders")
    signal = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="orders")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    decision = models.ForeignKey("risk.RiskDecision", null=True, on_delete=models.PROTECT, related_name="+")
    client_order_id = models.CharField(max_length=64)
    venue_order_id = models.CharField(max_length=128, blank=True, default="")
    side = models.CharField(max_length=4, choices=choices(OrderSide))
    type = models.CharField(max_length=16, choices=choices(OrderType))
    role = models.CharField(max_length=12, choices=choices(OrderRole))
    order_class = models.CharField(max_length=8, choices=choices(OrderClass), default=OrderClass.SIMPLE)
    time_in_force = models.CharField(max_length=4, choices=choices(TimeInForce))
    quantity = ExactDecimalField()
    requested_quantity = ExactDecimalField(help_text="What was asked for, before a rule made it smaller.")
    filled_quantity = ExactDecimalField(default=0)
    average_fill_price = ExactDecimalField(null=True, blank=True)
    limit_price = ExactDecimalField(null=True, blank=True)
    stop_price = ExactDecimalField(null=True, blank=True)
    trail_percent = ExactDecimalField(null=True, blank=True)
    reduce_only = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=choices(OrderStatus), default=OrderStatus.INITIALIZED)
    status_before = models.CharField(max_length=20, blank=True, default="")
    pending = models.JSONField(default=dict, help_text="What a replacement under way asks for.")
    unresolved = models.BooleanField(default=False)
    unresolved_until = models.DateTimeField(null=True, blank=True)
    send_attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, default="")
    plan = models.JSONField(default=dict, help_text="Stop and target that this entry asked for.")
    reference_price = ExactDecimalField(null=True, blank=True)
    market_at = models.DateTimeField(help_text="Market time of the intent.")
    arrival = models.PositiveSmallIntegerField(default=0, help_text="Phase of the bar in which it was made.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "client_order_id"], name="order_client_id_once"),
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in OrderStatus]), name="order_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="order_user"),
            models.Index(fields=["account", "status"], name="order_account_status"),
            models.Index(fields=["strategy", "-created_at"], name="order_strategy"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} ({self.client_order_id})"


class OrderEvent(models.Model):
    """One change of an order, or something a venue said that fits no state (``anomaly``). Only ever added."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    from_status = models.CharField(max_length=20, blank=True, default="")
    to_status = models.CharField(max_length=20)
    source = models.CharField(max_length=16, choices=choices(EventSource))
    message = models.TextField(blank=True, default="")
    raw = models.JSONField(null=True, blank=True)
    anomaly = models.BooleanField(default=False)
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class Fill(models.Model):
    """One execution, booked once: unique by (account, venue_fill_id). Only ever added."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy = models.ForeignKey("strategies.Strategy", null=True, on_delete=models.PROTECT, related_name="fills")
    epoch = models.PositiveIntegerField(default=0, help_text="The account's count of resets when it was booked.")
    venue_fill_id = models.CharField(max_length=128)
    side = models.CharField(max_length=4, choices=choices(OrderSide))
    quantity = ExactDecimalField()
    price = ExactDecimalField()
    fee = ExactDecimalField(default=0)
    at = models.DateTimeField(help_text="Venue time.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "venue_fill_id"], name="fill_once")]
        indexes = [
            models.Index(fields=["user", "-seq"], name="fill_user"),
            models.Index(fields=["account", "instrument", "strategy"], name="fill_position"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} at {self.price}"

    @property
    def value(self) -> Decimal:
        """What was paid or received, before the fee."""
        return self.quantity * self.price


class AccountCursor(UuidModel):
    """The last bar of an instrument and timeframe that an account's pipeline has finished."""

    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="cursors")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    timeframe = models.CharField(max_length=4)
    close_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "instrument", "timeframe"], name="cursor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.timeframe} until {self.close_at}"


class AccountLease(models.Model):
    """Who runs an account's pipeline now; ``token`` grows with every change of hands and fences the old one off."""

    account = models.OneToOneField("portfolio.Account", primary_key=True, on_delete=models.CASCADE, related_name="+")
    holder = models.CharField(max_length=64, blank=True, default="")
    token = models.BigIntegerField(default=0)
    until = models.DateTimeField(null=True)
    wanted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"lease {self.token}"


class StrategyRun(models.Model):
    """Since when (market time) a running strategy decides; a start makes a new one."""

    strategy = models.OneToOneField(
        "strategies.Strategy", primary_key=True, on_delete=models.CASCADE, related_name="run"
    )
    decide_after = models.DateTimeField()
    started_at = models.DateTimeField()
    n_signals = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"run since {self.started_at}"


class WebhookToken(OwnedModel):
    """The secret address at which a strategy takes alerts from outside; stored hashed, revocable."""

    strategy = models.ForeignKey("strategies.Strategy", on_delete=models.CASCADE, related_name="webhook_tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"…{self.hint}"
