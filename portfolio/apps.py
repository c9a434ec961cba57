"""The Django app `portfolio`."""

from django.apps import AppConfig


class PortfolioConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "portfolio"
    default_auto_field = "django.db.models.BigAutoField"
