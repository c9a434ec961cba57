"""The Django app `apikeys`."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "apikeys"
    default_auto_field = "django.db.models.BigAutoField"
