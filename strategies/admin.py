"""Strategies in the admin: to look at and to search; they are changed through the platform, which checks them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from strategies.models import Strategy


@admin.register(Strategy)
class StrategyAdmin(admin.ModelAdmin):
    """Read-only: a change must pass validation and publish its fact."""

    list_display = ["name", "type", "user", "account", "timeframe", "mode", "state", "started_at"]
    list_filter = ["state", "mode", "type", "timeframe"]
    search_fields = ["name", "type", "user__username", "instruments__symbol"]
    list_select_related = ["user", "account"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody makes one here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one here."""
        return False
