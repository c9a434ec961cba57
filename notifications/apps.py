"""The Django app `notifications`."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"
