"""Keys: tokens that open the platform itself to scripts."""

from django.db import models

from core.models import OwnedModel


class AccessToken(OwnedModel):
    """One bearer token of a user. Only its SHA-256 is kept (of 256 random bits: it needs no salt and no slow hash)."""

    name = models.CharField(max_length=100, default="", blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False)
    scopes = models.JSONField(default=list)
    ip_networks = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "created_at"], name="access_token_user")]

    def __str__(self) -> str:
        return f"{self.name or 'token'} …{self.hint}"
