"""The versions of each user's preferences: only ever added; a pointer says which one is in force."""

from django.conf import settings
from django.db import models

from core.models import OwnedModel


class PreferenceHead(models.Model):
    """Which version of a user's preferences is in force (0: the defaults). Its row is what writers lock."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    next_expiry_at = models.DateTimeField(null=True, help_text="When the first temporary value of it expires.")

    class Meta:
        indexes = [
            models.Index(
                fields=["next_expiry_at"], name="preference_expiry", condition=models.Q(next_expiry_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} v{self.version}"


class PreferenceVersion(OwnedModel):
    """One version: all lasting values, what holds for a while, what changed, who changed it, from where and why.

    ``acknowledgements`` are what each subsystem said of it before it came in force.
    """

    version = models.PositiveIntegerField()
    values = models.JSONField()
    overrides = models.JSONField(default=dict)
    definitions_version = models.PositiveSmallIntegerField()
    digest = models.CharField(max_length=64)
    category = models.CharField(max_length=32)
    changed = models.JSONField()
    is_critical = models.BooleanField(default=False)
    acknowledgements = models.JSONField(default=list)
    restored_version = models.PositiveIntegerField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, default="")
    reason = models.CharField(max_length=500, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "version"], name="preference_version_once")]

    def __str__(self) -> str:
        return f"{self.user_id} v{self.version} {self.category}"


class SuggestionState(models.TextChoices):
    """What became of a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class Suggestion(OwnedModel):
    """A value that the user's own history speaks for, with its evidence. Never applied but by the user's own word.

    ``strategy_id`` is set when it is a strategy's parameters that would change; ``field`` is then empty.
    """

    key = models.CharField(max_length=120)
    category = models.CharField(max_length=32)
    field = models.CharField(max_length=64, blank=True, default="")
    strategy_id = models.UUIDField(null=True, blank=True)
    present = models.JSONField()
    value = models.JSONField()
    title = models.CharField(max_length=200)
    evidence = models.JSONField()
    state = models.CharField(max_length=10, choices=SuggestionState, default=SuggestionState.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_version = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key"], condition=models.Q(state="open"), name="suggestion_open_once"
            )
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="suggestion_user")]

    def __str__(self) -> str:
        return self.title
