"""The Django app `users`."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Names the app; has no side effects at start."""

    name = "users"
    default_auto_field = "django.db.models.BigAutoField"
