"""The order road in the operators' admin: everything can be searched, nothing written; the paper venue's tables too.

Orders change through the platform alone, which checks, sends and records; ledger rows never change.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from trading.models import (
    AccountCursor,
    AccountLease,
    Fill,
    Order,
    OrderEvent,
    PaperBook,
    PaperFill,
    PaperOrder,
    Signal,
    StrategyRun,
    WebhookToken,
)


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


class OrderEventInline(admin.TabularInline):
    """An order's history on its page."""

    model = OrderEvent
    extra = 0
    can_delete = False
    fields = ("seq", "from_status", "to_status", "source", "message", "anomaly", "at")
    readonly_fields = fields
    ordering = ("seq",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds history."""
        return False


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    """What strategies wanted, and what became of it."""

    list_display = ("at", "user", "strategy", "instrument", "side", "outcome", "code", "source")
    list_filter = ("outcome", "side", "source", "code")
    search_fields = ("id", "instrument__symbol", "strategy__name", "user__username", "message")
    list_select_related = ("user", "strategy", "instrument")
    ordering = ("-created_at",)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders with their history."""

    list_display = (
        "created_at", "user", "account", "instrument", "side", "type", "role", "quantity", "filled_quantity", "status",
        "unresolved",
    )  # fmt: skip
    list_filter = ("status", "unresolved", "role", "type", "side", "order_class")
    search_fields = ("id", "client_order_id", "venue_order_id", "instrument__symbol", "account__name", "user__username")
    list_select_related = ("user", "account", "instrument")
    ordering = ("-created_at",)
    inlines = (OrderEventInline,)


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    """Every change of every order, and what fitted none."""

    list_display = ("seq", "order", "from_status", "to_status", "source", "anomaly", "message", "at")
    list_filter = ("anomaly", "source", "to_status")
    search_fields = ("order__client_order_id", "order__id", "message")
    list_select_related = ("order",)
    ordering = ("-seq",)


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    """Executions as they were booked."""

    list_display = ("seq", "user", "account", "instrument", "side", "quantity", "price", "fee", "at", "venue_fill_id")
    list_filter = ("side",)
    search_fields = ("id", "venue_fill_id", "order__client_order_id", "instrument__symbol", "user__username")
    list_select_related = ("user", "account", "instrument")
    ordering = ("-seq",)


@admin.register(AccountCursor)
class AccountCursorAdmin(ReadOnlyAdmin):
    """How far each account has come."""

    list_display = ("account", "instrument", "timeframe", "close_at", "updated_at")
    list_filter = ("timeframe",)
    search_fields = ("account__name", "instrument__symbol")
    list_select_related = ("account", "instrument")


@admin.register(AccountLease)
class AccountLeaseAdmin(ReadOnlyAdmin):
    """Who runs each account's pipeline."""

    list_display = ("account", "holder", "token", "until", "wanted")
    search_fields = ("account__name", "holder")
    list_select_related = ("account",)


@admin.register(StrategyRun)
class StrategyRunAdmin(ReadOnlyAdmin):
    """Since when each strategy decides."""

    list_display = ("strategy", "started_at", "decide_after", "n_signals")
    search_fields = ("strategy__name", "strategy__user__username")
    list_select_related = ("strategy",)


@admin.register(WebhookToken)
class WebhookTokenAdmin(ReadOnlyAdmin):
    """Addresses for alerts: who has one, never the address itself."""

    list_display = ("created_at", "user", "strategy", "hint", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("strategy__name", "user__username", "hint")
    list_select_related = ("user", "strategy")
    exclude = ("token_hash",)


@admin.register(PaperBook)
class PaperBookAdmin(ReadOnlyAdmin):
    """The paper venue: one book an account."""

    list_display = ("account", "n_orders", "n_fills")
    search_fields = ("account__name",)
    list_select_related = ("account",)


@admin.register(PaperOrder)
class PaperOrderAdmin(ReadOnlyAdmin):
    """The paper venue's orders."""

    list_display = (
        "created_at", "account", "sequence", "instrument", "side", "type", "quantity", "filled_quantity", "status"
    )  # fmt: skip
    list_filter = ("status", "type", "side")
    search_fields = ("client_order_id", "account__name", "instrument__symbol")
    list_select_related = ("account", "instrument")
    ordering = ("-created_at",)


@admin.register(PaperFill)
class PaperFillAdmin(ReadOnlyAdmin):
    """The paper venue's executions."""

    list_display = ("seq", "account", "venue_fill_id", "order", "quantity", "price", "fee", "at")
    search_fields = ("venue_fill_id", "order__client_order_id", "account__name")
    list_select_related = ("account", "order")
    ordering = ("-seq",)
