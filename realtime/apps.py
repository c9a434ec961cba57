"""The Django app `realtime`."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "realtime"
    default_auto_field = "django.db.models.BigAutoField"
