"""Notifications in the operators' admin: searchable; ledger rows can be read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from notifications.models import Delivery, Mailbox, Mute, Notification, RoutingDecision, ThrottleWindow


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


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What users were told."""

    list_display = ("happened_at", "user", "type", "priority", "title", "read_at", "acknowledged_at")
    list_filter = ("type", "priority")
    search_fields = ("title", "body", "subject", "user__username", "event_id")
    list_select_related = ("user",)
    ordering = ("-created_at",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """How notifications went on each channel."""

    list_display = ("created_at", "user", "channel", "state", "attempts", "next_try_at", "last_error")
    list_filter = ("channel", "state")
    search_fields = ("notification__title", "user__username", "last_error")
    list_select_related = ("user", "notification")
    ordering = ("-created_at",)


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(ReadOnlyAdmin):
    """Why somebody was or was not told."""

    list_display = ("decided_at", "user", "event_name", "type", "subject", "outcome", "round")
    list_filter = ("outcome", "type", "event_name")
    search_fields = ("event_id", "subject", "user__username")
    list_select_related = ("user",)
    ordering = ("-seq",)


@admin.register(ThrottleWindow)
class ThrottleWindowAdmin(ReadOnlyAdmin):
    """What throttles hold back now."""

    list_display = ("user", "type", "subject", "opened_at", "closes_at", "n_suppressed")
    list_filter = ("type",)
    search_fields = ("subject", "user__username")
    list_select_related = ("user",)
    ordering = ("-closes_at",)


@admin.register(Mute)
class MuteAdmin(admin.ModelAdmin):
    """What users do not want to hear for a while; an operator may end a mute."""

    list_display = ("user", "type", "subject", "until")
    list_filter = ("type",)
    search_fields = ("subject", "user__username")
    list_select_related = ("user",)
    ordering = ("-until",)


@admin.register(Mailbox)
class MailboxAdmin(ReadOnlyAdmin):
    """How many notifications each user was shown."""

    list_display = ("user", "last_seq", "updated_at")
    search_fields = ("user__username",)
    list_select_related = ("user",)
    ordering = ("user__username",)
