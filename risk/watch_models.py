"""Tables of watching: how near each limit was, positions without protection, waivers, and users' own crises."""

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField
from core.models import OwnedManager, OwnedModel


class HeadroomSample(models.Model):
    """How much of every limit of an account was used at one moment; old ones are thinned, so that it stays small.

    ``at`` is market time. ``limits`` holds [value, limit, used] as text by the key of the rule.
    """

    seq = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="headroom_samples")
    epoch = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    sampled_at = models.DateTimeField(help_text="Wall clock.")
    nearest = models.FloatField(help_text="The largest share of a limit that was used.")
    limits = models.JSONField()

    objects = OwnedManager()

    class Meta:
        indexes = [models.Index(fields=["account", "epoch", "seq"], name="headroom_account")]

    def __str__(self) -> str:
        return f"{self.nearest * 100:.0f} % at {self.at:%Y-%m-%d %H:%M}"


class UnprotectedEpisode(OwnedModel):
    """One stretch of time in which a position, or a part of it, had nothing that would close it at a loss.

    ``value_seconds`` adds up the unprotected value over market time. ``alarmed_at`` is when somebody was told (wall
    clock); once an episode.
    """

    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="unprotected_episodes")
    epoch = models.PositiveIntegerField(default=0)
    position_id = models.UUIDField()
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    strategy_id = models.UUIDField(null=True, blank=True)
    quantity = ExactDecimalField(help_text="What nothing protects, without its sign.")
    value = ExactDecimalField()
    worst_value = ExactDecimalField()
    value_seconds = ExactDecimalField(default=0)
    reason = models.CharField(max_length=200)
    began_at = models.DateTimeField(help_text="Market time.")
    measured_at = models.DateTimeField(help_text="Market time.")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=100, blank=True, default="")
    alarmed_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["position_id"], condition=Q(ended_at__isnull=True), name="unprotected_once_a_position"
            )
        ]
        indexes = [models.Index(fields=["account", "-created_at"], name="unprotected_account")]

    def __str__(self) -> str:
        return f"{self.value} unprotected since {self.began_at:%Y-%m-%d %H:%M}"


class ProtectionWaiver(OwnedModel):
    """A person's signature that one position needs no stop; it ends with the position, or when it is taken back."""

    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="+")
    position_id = models.UUIDField()
    opened_at = models.DateTimeField(null=True, help_text="When the position that it is for was opened.")
    reason = models.CharField(max_length=300)
    signed_by = models.CharField(max_length=150)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["position_id"], condition=Q(revoked_at__isnull=True), name="waiver_once_a_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signed_by}: {self.reason}"


class StressScenario(OwnedModel):
    """A user's own crisis: moves in per cent by symbol, sector or asset class, and of everything else."""

    name = models.CharField(max_length=80)
    default_percent = ExactDecimalField()
    shocks = models.JSONField(default=dict, blank=True, help_text="Per cent as text by word.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="stress_scenario_name_once_a_user")]

    def __str__(self) -> str:
        return self.name
