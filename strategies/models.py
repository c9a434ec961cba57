"""The table of strategies: a user's configured strategy types."""

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField, choices
from core.models import OwnedModel
from domain.bars import Timeframe
from domain.sizing import SizingMethod
from marketdata.models import Instrument


class StrategyMode(models.TextChoices):
    """Play money or real money; the account's environment must be the same."""

    PAPER = "paper"
    LIVE = "live"


class StrategyState(models.TextChoices):
    """What a strategy does. Paused: no new entries, its exits and stops go on."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE_STATES = (StrategyState.RUNNING, StrategyState.PAUSED)


class Strategy(OwnedModel):
    """A user's configured strategy type; the identity of its signals, orders, positions and P&L.

    Without a sizing of its own it takes the user's preference. ``causality`` holds the reports of the last check by
    symbol, ``fingerprint`` is that of the code which was checked.
    """

    name = models.CharField(max_length=64)
    type = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict, blank=True)
    instruments = models.ManyToManyField(Instrument, related_name="strategies")
    timeframe = models.CharField(max_length=4, choices=choices(Timeframe), default=Timeframe.D1.value)
    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="strategies")
    sizing_method = models.CharField(max_length=20, choices=choices(SizingMethod), blank=True, default="")
    sizing_value = ExactDecimalField(null=True, blank=True)
    allow_short = models.BooleanField(default=False)
    mode = models.CharField(max_length=5, choices=StrategyMode, default=StrategyMode.PAPER)
    state = models.CharField(max_length=8, choices=StrategyState, default=StrategyState.DRAFT)
    failure_reason = models.CharField(max_length=500, blank=True, default="")
    causality = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock of the last start.")

    class Meta:
        verbose_name_plural = "strategies"
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="strategy_name_once_a_user"),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in StrategyState]), name="strategy_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sizing_method="", sizing_value__isnull=True)
                | (~Q(sizing_method="") & Q(sizing_value__isnull=False)),
                name="strategy_sizing_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["account", "state"], name="strategy_account_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """True while it is running or paused: then its settings stay as they are."""
        return self.state in ACTIVE_STATES

    @property
    def symbols(self) -> list[str]:
        """The symbols it trades, in their order."""
        return sorted(row.symbol for row in self.instruments.all())
