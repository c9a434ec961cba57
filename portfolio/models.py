"""Tables of what is held: accounts, positions, the journal of round trips, and the equity curve."""

import uuid
from datetime import time
from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField, choices
from core.models import OwnedManager, OwnedModel
from domain.orders import OrderSide
from domain.portfolio import TradingState
from users.models import validate_timezone

ZERO = Decimal(0)


class Environment(models.TextChoices):
    """Play money or real money."""

    PAPER = "paper"
    LIVE = "live"


class Account(OwnedModel):
    """One user's account at one broker. ``epoch`` counts resets: what belongs to an older one is history.

    ``equity`` is cash and the marked value of all positions; ``session_start_equity`` is what it was when the loss
    session of ``session_date`` began (``session_start_time`` in ``session_timezone``). ``market_at`` never goes back.
    """

    name = models.CharField(max_length=64)
    broker = models.CharField(max_length=32, default="paper")
    environment = models.CharField(max_length=8, choices=Environment, default=Environment.PAPER)
    currency = models.CharField(max_length=8, default="USD")
    starting_cash = ExactDecimalField()
    cash = ExactDecimalField()
    equity = ExactDecimalField()
    gross_exposure = ExactDecimalField(default=ZERO)
    session_timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    session_start_time = models.TimeField(default=time(0))
    session_date = models.DateField(null=True, blank=True)
    session_start_equity = ExactDecimalField()
    peak_equity = ExactDecimalField()
    trading_state = models.CharField(max_length=8, choices=choices(TradingState), default=TradingState.ACTIVE)
    trading_state_reason = models.CharField(max_length=300, blank=True, default="")
    fees = models.JSONField(default=dict, blank=True)
    slippage = models.JSONField(default=dict, blank=True)
    market_at = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    reset_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock of the last reset.")
    is_archived = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(is_archived=False), name="account_name_once_a_user"
            ),
            models.CheckConstraint(
                condition=Q(trading_state__in=[s.value for s in TradingState]), name="account_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def buying_power(self) -> Decimal:
        """What can be bought without borrowing: equity that no position ties up."""
        return max(ZERO, self.equity - self.gross_exposure)

    @property
    def day_pnl(self) -> Decimal:
        """P&L since the loss session began."""
        return self.equity - self.session_start_equity


class Position(OwnedModel):
    """Net quantity of one instrument per account and strategy (null: placed by hand); always the sum of its fills.

    The last fill folded in (``last_fill_at``, ``last_fill_id``) tells whether a new one can be added on top or comes
    late. ``stop_*`` and ``target_*`` are its protection plan while it is open.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="positions")
    epoch = models.PositiveIntegerField(default=0)
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy_id = models.UUIDField(null=True, blank=True)
    quantity = ExactDecimalField(default=ZERO)
    average_price = ExactDecimalField(default=ZERO)
    cost = ExactDecimalField(default=ZERO)
    realized_pnl = ExactDecimalField(default=ZERO)
    fees = ExactDecimalField(default=ZERO)
    cash_change = ExactDecimalField(default=ZERO)
    is_open = models.BooleanField(default=False)
    last_mark = ExactDecimalField(null=True, blank=True)
    last_mark_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    last_fill_at = models.DateTimeField(null=True, blank=True)
    last_fill_id = models.CharField(max_length=128, blank=True, default="")
    stop_price = ExactDecimalField(null=True, blank=True)
    stop_percent = ExactDecimalField(null=True, blank=True)
    target_price = ExactDecimalField(null=True, blank=True)
    target_percent = ExactDecimalField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "epoch", "instrument", "strategy_id"],
                condition=Q(strategy_id__isnull=False),
                name="position_once_a_strategy",
            ),
            models.UniqueConstraint(
                fields=["account", "epoch", "instrument"],
                condition=Q(strategy_id__isnull=True),
                name="position_once_by_hand",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "epoch"], condition=Q(is_open=True), name="position_open"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.instrument_id}"

    @property
    def mark(self) -> Decimal:
        """The price it is valued at: the last mark, before the first one what it cost."""
        return self.average_price if self.last_mark is None else self.last_mark

    @property
    def value(self) -> Decimal:
        """Signed market value at the mark."""
        return self.quantity * self.mark

    @property
    def unrealized_pnl(self) -> Decimal:
        """P&L if it were closed at the mark."""
        return self.value - (self.cost if self.quantity > 0 else -self.cost)


class Trade(OwnedModel):
    """One round trip of a position, flat to flat; ``closed_at`` is null while it is open.

    Its identity is the fill that opened it, so that notes stay with it when a late fill changes the rest. ``lowest``
    and ``highest`` are the extreme prices that the market showed while it was open.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="trades")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="trades")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy_id = models.UUIDField(null=True, blank=True)
    entry_fill = models.CharField(max_length=128)
    side = models.CharField(max_length=4, choices=choices(OrderSide), help_text="The side that opened it.")
    entry_at = models.DateTimeField()
    entry_quantity = ExactDecimalField()
    entry_value = ExactDecimalField()
    exit_at = models.DateTimeField(null=True, blank=True)
    exit_quantity = ExactDecimalField(default=ZERO)
    exit_value = ExactDecimalField(default=ZERO)
    closed_at = models.DateTimeField(null=True, blank=True)
    pnl = ExactDecimalField(default=ZERO)
    pnl_net = ExactDecimalField(default=ZERO)
    fees = ExactDecimalField(default=ZERO)
    lowest = ExactDecimalField(null=True, blank=True)
    highest = ExactDecimalField(null=True, blank=True)
    initial_stop = ExactDecimalField(null=True, blank=True)
    signal_price = ExactDecimalField(null=True, blank=True)
    notes = models.TextField(blank=True, default="")
    tags = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["position", "entry_fill"], name="trade_once")]
        indexes = [
            models.Index(fields=["user", "-entry_at"], name="trade_user"),
            models.Index(fields=["account", "closed_at"], name="trade_account"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.entry_quantity} at {self.entry_at:%Y-%m-%d}"

    @property
    def quantity(self) -> Decimal:
        """The quantity that went in (and, once closed, out)."""
        return self.entry_quantity

    @property
    def entry_price(self) -> Decimal:
        """Average price of going in."""
        return self.entry_value / self.entry_quantity

    @property
    def exit_price(self) -> Decimal | None:
        """Average price of going out so far."""
        return self.exit_value / self.exit_quantity if self.exit_quantity else None

    @property
    def direction(self) -> int:
        """+1 for a long trade, -1 for a short one."""
        return OrderSide(self.side).sign

    @property
    def return_fraction(self) -> Decimal:
        """Net P&L as a fraction of what went in."""
        return self.pnl_net / self.entry_value

    @property
    def mae(self) -> Decimal | None:
        """Largest fall against the trade, as a fraction of the entry price (zero or negative)."""
        return self._excursion(self.lowest if self.direction > 0 else self.highest, worst=True)

    @property
    def mfe(self) -> Decimal | None:
        """Largest rise in favour of the trade, as a fraction of the entry price (zero or positive)."""
        return self._excursion(self.highest if self.direction > 0 else self.lowest, worst=False)

    def _excursion(self, price: Decimal | None, *, worst: bool) -> Decimal | None:
        if price is None:
            return None
        moved = (price - self.entry_price) / self.entry_price * self.direction
        return min(ZERO, moved) if worst else max(ZERO, moved)

    @property
    def r_multiple(self) -> Decimal | None:
        """Net P&L in units of what was at risk at the entry (entry to first stop); None without a stop."""
        if self.initial_stop is None:
            return None
        risk = abs(self.entry_price - self.initial_stop) * self.entry_quantity
        return self.pnl_net / risk if risk else None

    @property
    def slippage(self) -> Decimal | None:
        """How much worse the entry was than the signal's price, per unit; None without a signal."""
        return None if self.signal_price is None else (self.entry_price - self.signal_price) * self.direction


class EquityPoint(models.Model):
    """An account's equity and cash at one market time; only ever added (a mark repeated at one time replaces it)."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="equity_points")
    epoch = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    equity = ExactDecimalField()
    cash = ExactDecimalField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "epoch", "at"], name="equity_point_once")]

    def __str__(self) -> str:
        return f"{self.equity} at {self.at:%Y-%m-%d %H:%M}"
