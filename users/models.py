"""The people who use the platform."""

import uuid
from typing import ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models


def validate_timezone(name: str) -> None:
    """Refuse a name that is not in the time zone database."""
    if name not in available_timezones():
        raise ValidationError(f"'{name}' is not a time zone; write a name such as Europe/Berlin.", code="invalid")


class User(AbstractUser):
    """One person who signs in, and the time zone that person reads times in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta(AbstractUser.Meta):
        """Adds nothing to Django's own options but a stable order for the admin."""

        ordering = ("username",)
