"""The platform's one table of its own: how each user arranged the home page."""

from django.conf import settings
from django.db import models

from core.models import UuidModel


class HomeLayout(UuidModel):
    """The order of a user's home panels, and which of them are hidden, both as names of panels."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    order = models.JSONField(default=list)
    hidden = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"home of {self.user_id}"
