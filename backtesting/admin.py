"""Backtests in the operators' admin: what waits and runs, and which worker holds what; only canceling changes rows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backtesting.models import Backtest, Chunk, JobNote, ResultFile, Sweep, Trial, WalkForward
from backtesting.services import settling
from core.admin import LedgerAdmin
from domain.errors import IllegalState


class JobAdmin(LedgerAdmin):
    """Jobs of one kind; an action cancels those that wait or run."""

    list_display = ("created_at", "user", "type", "symbols", "timeframe", "status", "progress", "n_runs", "seconds")
    list_filter = ("status", "type", "timeframe")
    search_fields = ("name", "type", "user__username", "id", "error", "fingerprint")
    list_select_related = ("user",)
    ordering = ("-created_at",)
    actions = ("stop",)

    @admin.action(description="Cancel those that wait or run")
    def stop(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Cancel the chosen ones that have not ended."""
        stopped = 0
        for job in queryset:
            try:
                settling.cancel(job, at=timezone.now())
                stopped += 1
            except IllegalState:
                continue
        self.message_user(request, f"{stopped} cancelled.")


admin.site.register(Backtest, JobAdmin)
admin.site.register(Sweep, JobAdmin)
admin.site.register(WalkForward, JobAdmin)


@admin.register(Chunk)
class ChunkAdmin(LedgerAdmin):
    """Parts of jobs: who holds which, until when."""

    list_display = ("job", "number", "status", "holder", "fence", "attempts", "lease_until", "progress", "seconds")
    list_filter = ("status", "is_final")
    search_fields = ("job__id", "holder")
    list_select_related = ("job",)
    ordering = ("-created_at",)
    exclude = ("answer", "task")


@admin.register(ResultFile)
class ResultFileAdmin(LedgerAdmin):
    """Stored tables of results."""

    list_display = ("created_at", "job", "name", "n_rows")
    list_filter = ("name",)
    search_fields = ("job__id", "name")
    list_select_related = ("job",)
    ordering = ("-created_at",)
    exclude = ("data",)


@admin.register(JobNote)
class JobNoteAdmin(LedgerAdmin):
    """What users wrote beside jobs."""

    list_display = ("created_at", "user", "job", "text")
    search_fields = ("text", "user__username", "job__id")
    list_select_related = ("user", "job")
    ordering = ("-created_at",)


@admin.register(Trial)
class TrialAdmin(LedgerAdmin):
    """Different combinations that users had calculated."""

    list_display = ("user", "type", "key")
    list_filter = ("type",)
    search_fields = ("key", "type", "user__username")
    list_select_related = ("user",)
    ordering = ("-pk",)
