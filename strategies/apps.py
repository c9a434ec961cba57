"""The Django app `strategies`."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "strategies"
    default_auto_field = "django.db.models.BigAutoField"
