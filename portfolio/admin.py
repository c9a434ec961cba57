"""What is held in the operators' admin: to look at and to search; only fills change it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portfolio.models import Account, EquityPoint, Position, Trade


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows; adds, changes and deletes none."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows by hand."""
        return False


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts with their money."""

    list_display = ("name", "user", "broker", "environment", "currency", "cash", "equity", "trading_state")
    list_filter = ("broker", "environment", "trading_state", "is_archived")
    search_fields = ("name", "user__username", "id")
    list_select_related = ("user",)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """Positions, open and flat."""

    list_display = ("instrument", "account", "strategy_id", "quantity", "average_price", "realized_pnl", "is_open")
    list_filter = ("is_open",)
    search_fields = ("instrument__symbol", "account__name", "user__username", "strategy_id")
    list_select_related = ("instrument", "account")


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    """The journal."""

    list_display = ("instrument", "account", "side", "entry_quantity", "entry_at", "closed_at", "pnl_net")
    list_filter = ("side",)
    search_fields = ("instrument__symbol", "account__name", "user__username", "notes")
    list_select_related = ("instrument", "account")
    ordering = ("-entry_at",)


@admin.register(EquityPoint)
class EquityPointAdmin(ReadOnlyAdmin):
    """Equity curves."""

    list_display = ("account", "at", "equity", "cash")
    search_fields = ("account__name", "user__username")
    list_select_related = ("account",)
    ordering = ("-seq",)
