"""Tables of risk: rules, decisions of the gate, breaches, kill switches; what watching keeps: risk.watch_models."""

import uuid

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField, choices
from core.models import OwnedManager, OwnedModel, UuidModel
from risk.decisions import Action, Scope, Source, Verdict
from risk.rules.table import RULE_TYPES
from risk.watch_models import HeadroomSample, ProtectionWaiver, StressScenario, UnprotectedEpisode

__all__ = [
    "BreachLevel",
    "HeadroomSample",
    "KillScope",
    "KillSwitch",
    "ProtectionWaiver",
    "RiskBreach",
    "RiskDecision",
    "RiskRule",
    "StressScenario",
    "UnprotectedEpisode",
]


class RiskRule(OwnedModel):
    """A limit that a user set, for one account or (null) for all of them. The unit of ``limit`` belongs to the type."""

    name = models.CharField(max_length=80)
    type = models.CharField(max_length=32, choices=[(name, name.replace("_", " ")) for name in RULE_TYPES])
    account = models.ForeignKey(
        "portfolio.Account", null=True, blank=True, on_delete=models.CASCADE, related_name="risk_rules"
    )
    scope = models.CharField(max_length=10, choices=choices(Scope), default=Scope.ACCOUNT)
    strategy_id = models.UUIDField(null=True, blank=True)
    instrument = models.ForeignKey(
        "marketdata.Instrument", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sector = models.CharField(max_length=64, blank=True, default="")
    limit = ExactDecimalField()
    parameters = models.JSONField(default=dict, blank=True)
    warning_at = models.FloatField(default=0.8, validators=[MinValueValidator(0.01), MaxValueValidator(1)])
    action = models.CharField(max_length=16, choices=choices(Action), default=Action.REJECT)
    latched = models.BooleanField(default=False)
    cool_down_seconds = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="risk_rule_name_once_a_user"),
            models.CheckConstraint(
                condition=Q(scope=Scope.ACCOUNT)
                | Q(scope=Scope.STRATEGY, strategy_id__isnull=False)
                | Q(scope=Scope.INSTRUMENT, instrument__isnull=False)
                | (Q(scope=Scope.SECTOR) & ~Q(sector="")),
                name="risk_rule_scope_is_named",
            ),
        ]
        indexes = [models.Index(fields=["user", "enabled"], name="risk_rule_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What names the rule in decisions and breaches."""
        return f"rule:{self.pk}"


class RiskDecision(models.Model):
    """The gate's answer on one order with everything that it was given. Only ever added."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="risk_decisions")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy_id = models.UUIDField(null=True, blank=True)
    side = models.CharField(max_length=4)
    requested = ExactDecimalField(null=True)
    quantity = ExactDecimalField()
    verdict = models.CharField(max_length=8, choices=choices(Verdict))
    message = models.TextField(blank=True, default="")
    reasons = models.JSONField(encoder=DjangoJSONEncoder)
    inputs = models.JSONField(encoder=DjangoJSONEncoder)
    preferences_version = models.PositiveIntegerField(null=True)
    decided_at = models.DateTimeField(help_text="Market time.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedManager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "-seq"], name="risk_decision_user"),
            models.Index(fields=["account", "-seq"], name="risk_decision_account"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.side} {self.requested}"


class BreachLevel(models.TextChoices):
    """How bad it is."""

    WARNING = "warning"
    BREACH = "breach"


class RiskBreach(OwnedModel):
    """A limit of an account that is near (warning) or broken (breach), from when it was raised until it recovered.

    A latched one holds until somebody releases it; ``holds_until`` is the end of its cool-down. ``subject`` is the
    position that a rule on positions is about. While nobody has acknowledged it, it escalates at ``escalates_at`` (wall
    clock): people are told again, more urgently.
    """

    account = models.ForeignKey("portfolio.Account", on_delete=models.PROTECT, related_name="risk_breaches")
    rule_key = models.CharField(max_length=80)
    subject = models.CharField(max_length=36, blank=True, default="")
    symbol = models.CharField(max_length=32, blank=True, default="")
    rule_name = models.CharField(max_length=100)
    type = models.CharField(max_length=32)
    source = models.CharField(max_length=12, choices=choices(Source))
    strategy_id = models.UUIDField(null=True, blank=True)
    level = models.CharField(max_length=8, choices=BreachLevel)
    action = models.CharField(max_length=16, choices=choices(Action))
    value = ExactDecimalField(null=True)
    worst_value = ExactDecimalField(null=True)
    limit = ExactDecimalField()
    message = models.CharField(max_length=500)
    raised_at = models.DateTimeField(help_text="Market time.")
    broken_at = models.DateTimeField(null=True, blank=True, help_text="Market time at which the limit broke.")
    recovered_at = models.DateTimeField(null=True, blank=True)
    is_latched = models.BooleanField(default=False)
    holds_until = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey("users.User", null=True, on_delete=models.PROTECT, related_name="+")
    escalation = models.PositiveSmallIntegerField(default=0)
    escalates_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock.")

    class Meta:
        verbose_name_plural = "risk breaches"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "rule_key", "subject"],
                condition=Q(recovered_at__isnull=True),
                name="risk_breach_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="risk_breach_user"),
            models.Index(fields=["account", "holds_until"], name="risk_breach_holding"),
            models.Index(
                fields=["escalates_at"], condition=Q(escalates_at__isnull=False), name="risk_breach_escalating"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.rule_name}"


class KillScope(models.TextChoices):
    """What a kill switch stops: everything, one person's trading, one account, one strategy."""

    PLATFORM = "platform"
    USER = "user"
    ACCOUNT = "account"
    STRATEGY = "strategy"


class KillSwitch(UuidModel):
    """One engagement of a kill switch: latched from ``engaged_at`` until a person rearms it. Rows stay as history.

    While it holds, nothing in its scope sends an order that adds risk; with ``forbid_all`` nothing at all. ``flatten``
    asks that what is held be closed. ``user`` is whose trading it stops (null: everybody's).
    """

    scope = models.CharField(max_length=8, choices=KillScope)
    target_id = models.UUIDField(null=True, blank=True, help_text="User, account or strategy; null for the platform.")
    user = models.ForeignKey("users.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    forbid_all = models.BooleanField(default=False)
    flatten = models.BooleanField(default=False)
    engaged_at = models.DateTimeField()
    engaged_by = models.CharField(max_length=150)
    rearmed_at = models.DateTimeField(null=True, blank=True)
    rearmed_by = models.CharField(max_length=150, blank=True, default="")
    rearm_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name_plural = "kill switches"
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "target_id"],
                condition=Q(rearmed_at__isnull=True, target_id__isnull=False),
                name="kill_switch_once_a_target",
            ),
            models.UniqueConstraint(
                fields=["scope"],
                condition=Q(rearmed_at__isnull=True, target_id__isnull=True),
                name="kill_switch_once_the_platform",
            ),
            models.CheckConstraint(
                condition=Q(scope=KillScope.PLATFORM, target_id__isnull=True)
                | (~Q(scope=KillScope.PLATFORM) & Q(target_id__isnull=False)),
                name="kill_switch_has_its_target",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.target_id or ''}".strip()

    @property
    def is_engaged(self) -> bool:
        """Tell whether it holds."""
        return self.rearmed_at is None
