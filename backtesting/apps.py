"""The Django app `backtesting`."""

from django.apps import AppConfig


class BacktestingConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "backtesting"
    default_auto_field = "django.db.models.BigAutoField"
