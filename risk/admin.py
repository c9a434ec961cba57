"""Risk in the operators' admin: to look at and to search. Rules are changed through the platform, which checks them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from risk.models import (
    HeadroomSample,
    KillSwitch,
    ProtectionWaiver,
    RiskBreach,
    RiskDecision,
    RiskRule,
    StressScenario,
    UnprotectedEpisode,
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


@admin.register(RiskRule)
class RiskRuleAdmin(ReadOnlyAdmin):
    """The limits that users set."""

    list_display = ("name", "user", "type", "scope", "limit", "action", "enabled")
    list_filter = ("type", "scope", "action", "enabled")
    search_fields = ("name", "user__username", "sector", "instrument__symbol")
    list_select_related = ("user",)


@admin.register(RiskDecision)
class RiskDecisionAdmin(ReadOnlyAdmin):
    """What the gate said of every order."""

    list_display = ("decided_at", "user", "account", "instrument", "side", "requested", "quantity", "verdict")
    list_filter = ("verdict", "side")
    search_fields = ("id", "user__username", "instrument__symbol", "message")
    list_select_related = ("user", "account", "instrument")
    ordering = ("-seq",)


@admin.register(RiskBreach)
class RiskBreachAdmin(ReadOnlyAdmin):
    """Limits that are near or broken, and were."""

    list_display = ("raised_at", "user", "account", "rule_name", "level", "value", "limit", "recovered_at")
    list_filter = ("level", "type", "action")
    search_fields = ("rule_name", "user__username", "account__name", "message")
    list_select_related = ("user", "account")
    ordering = ("-created_at",)


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    """Every engagement of a kill switch; to engage one: manage.py kill_switch, or PUT risk/kill-switch/."""

    list_display = ("scope", "target_id", "reason", "forbid_all", "flatten", "engaged_at", "engaged_by", "rearmed_at")
    list_filter = ("scope", "forbid_all", "flatten")
    search_fields = ("reason", "engaged_by", "target_id")
    ordering = ("-engaged_at",)


@admin.register(HeadroomSample)
class HeadroomSampleAdmin(ReadOnlyAdmin):
    """How much of their limits accounts used."""

    list_display = ("at", "user", "account", "nearest", "sampled_at")
    search_fields = ("user__username", "account__name")
    list_select_related = ("user", "account")
    ordering = ("-seq",)


@admin.register(UnprotectedEpisode)
class UnprotectedEpisodeAdmin(ReadOnlyAdmin):
    """Positions that nothing protected."""

    list_display = ("began_at", "user", "account", "instrument", "worst_value", "value_seconds", "ended_at")
    search_fields = ("user__username", "account__name", "instrument__symbol", "reason")
    list_select_related = ("user", "account", "instrument")
    ordering = ("-created_at",)


@admin.register(ProtectionWaiver)
class ProtectionWaiverAdmin(ReadOnlyAdmin):
    """Who signed that a position needs no stop."""

    list_display = ("created_at", "user", "account", "position_id", "signed_by", "reason", "revoked_at")
    search_fields = ("user__username", "signed_by", "reason")
    list_select_related = ("user", "account")
    ordering = ("-created_at",)


@admin.register(StressScenario)
class StressScenarioAdmin(ReadOnlyAdmin):
    """Users' own crises."""

    list_display = ("name", "user", "default_percent")
    search_fields = ("name", "user__username")
    list_select_related = ("user",)
