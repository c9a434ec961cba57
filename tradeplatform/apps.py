"""The Django app `tradeplatform`."""

from importlib import import_module

from django.apps import AppConfig


class TradeplatformConfig(AppConfig):
    """Names the app and registers its system checks."""

    name = "tradeplatform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks and make the Celery application the current one."""
        import_module("tradeplatform.checks")
        import_module("tradeplatform.celery")
