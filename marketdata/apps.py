"""The Django app `marketdata`."""

from django.apps import AppConfig


class MarketDataConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "marketdata"
    default_auto_field = "django.db.models.BigAutoField"
