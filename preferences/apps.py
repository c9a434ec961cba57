"""The Django app `preferences`."""

from django.apps import AppConfig


class PreferencesConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "preferences"
    default_auto_field = "django.db.models.BigAutoField"
