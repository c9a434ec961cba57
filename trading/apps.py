"""The Django app `trading`."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"
