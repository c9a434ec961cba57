"""The platform's own tables in the operators' admin: facts, failed deliveries, audit head, idempotency records."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import audit, outbox
from core.models import AuditHead, FailedDelivery, IdempotencyRecord, OutboxEvent


class LedgerAdmin(admin.ModelAdmin):
    """Rows that can be read and searched; nobody adds, changes or deletes them by hand."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are made by the platform alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a row changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is removed by hand."""
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(LedgerAdmin):
    """Durable facts, which are also the audit log."""

    list_display = ("seq", "at", "name", "user_id", "account_id", "delivered_at", "chain_seq")
    list_filter = ("name", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "event_id", "user_id", "account_id")
    ordering = ("-seq",)
    exclude = ("payload",)
    readonly_fields = ("what",)

    @admin.display(description="payload")
    def what(self, row: OutboxEvent) -> SafeString:
        """Show the payload as indented JSON."""
        return format_html("<pre>{}</pre>", json.dumps(row.payload, indent=2, ensure_ascii=False))


@admin.register(FailedDelivery)
class FailedDeliveryAdmin(LedgerAdmin):
    """Handlers that failed on a fact; a dead one is tried again when an operator sends it."""

    list_display = ("created_at", "event", "handler", "attempts", "next_try_at", "dead", "resolved_at", "last_error")
    list_filter = ("dead", ("resolved_at", admin.EmptyFieldListFilter), "handler")
    search_fields = ("event__name", "event__event_id", "handler", "last_error")
    list_select_related = ("event",)
    ordering = ("-created_at",)
    actions = ("send_again",)

    @admin.action(description="Send again: tried at the next sweep, within seconds")
    def send_again(self, request: HttpRequest, queryset: QuerySet[FailedDelivery]) -> None:
        """Put the chosen ones back, unless they were delivered meanwhile."""
        chosen = list(queryset.filter(resolved_at=None))
        for failure in chosen:
            outbox.send_again(failure, at=timezone.now())
        self.message_user(request, f"{len(chosen)} deliveries are tried again.")


@admin.register(AuditHead)
class AuditHeadAdmin(LedgerAdmin):
    """The newest link of the audit chain; the action checks the whole chain."""

    list_display = ("chain_seq", "hash", "updated_at")
    search_fields = ("hash",)
    ordering = ("-chain_seq",)
    actions = ("verify",)

    @admin.action(description="Verify the whole audit log")
    def verify(self, request: HttpRequest, queryset: QuerySet[AuditHead]) -> None:
        """Check every link and say what is wrong first, if anything is."""
        finding = audit.verify()
        words = f"{finding.message} {finding.checked} rows checked, {finding.unsealed} wait for the sealer."
        self.message_user(request, words, level="success" if finding.ok else "error")


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(LedgerAdmin):
    """Which keyed requests were answered; the answers themselves stay out of sight."""

    list_display = ("created_at", "user_id", "path", "status", "location", "is_sealed")
    list_filter = ("status", "is_sealed")
    search_fields = ("path", "user_id", "location")
    ordering = ("-created_at",)
    exclude = ("body", "key_digest", "request_digest")
