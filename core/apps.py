"""The Django app `core`."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "core"
    default_auto_field = "django.db.models.BigAutoField"
