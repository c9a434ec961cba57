"""The Django app `risk`."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "risk"
    default_auto_field = "django.db.models.BigAutoField"
