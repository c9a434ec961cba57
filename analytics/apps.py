"""The Django app `analytics`."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
