"""Preferences in the admin: the versions are a ledger and read-only."""

from django.contrib import admin
from django.http import HttpRequest

from preferences.models import PreferenceHead, PreferenceVersion


class ReadOnlyAdmin(admin.ModelAdmin):
    """Looks, and changes nothing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Versions are made by preferences.services alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """A version never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """A version stays."""
        return False


@admin.register(PreferenceVersion)
class PreferenceVersionAdmin(ReadOnlyAdmin):
    """Who changed what, when and from where."""

    list_display = ("user", "version", "category", "author", "ip", "created_at", "restored_version")
    list_filter = ("category",)
    search_fields = ("user__username", "author__username", "ip", "reason")
    list_select_related = ("user", "author")


@admin.register(PreferenceHead)
class PreferenceHeadAdmin(ReadOnlyAdmin):
    """The version in force of each user."""

    list_display = ("user", "version")
    search_fields = ("user__username",)
    list_select_related = ("user",)
