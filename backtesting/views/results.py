"""Pages of jobs: the list, one while it runs and when it has ended, its rows, and what can be done with it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from backtesting import selectors
from backtesting.models import Job, JobKind
from backtesting.sections import section_of
from backtesting.services import deploying, notes, preparing, settling
from backtesting.services.paper_differences import differences_of
from backtesting.views import contents
from core.pages import carry_out, page

LISTED = 100
KINDS = ((JobKind.BACKTEST, "Runs"), (JobKind.SWEEP, "Sweeps"), (JobKind.WALK_FORWARD, "Walk-forwards"))


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the user's jobs, newest first."""
    return render(request, "backtesting/list.html", _listed(request))


@page
@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Show the table of jobs alone."""
    return render(request, "backtesting/_jobs.html", _listed(request))


def _listed(request: HttpRequest) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    found = selectors.jobs_of(request.user, JobKind(kind) if kind in JobKind.values else None)
    jobs = list(selectors.with_verdict(found).defer("settings", "summary").order_by("-created_at")[:LISTED])
    return {"jobs": jobs, "kind": kind, "kinds": KINDS, "has_open": any(job.is_open for job in jobs)}


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one job: its progress, or its end."""
    job = selectors.job_for(request.user, pk)
    if not job.is_completed:
        return render(request, "backtesting/running.html", _progress(job))
    section = section_of(job.kind, request.GET.get("section", ""))
    context = {"job": job, "section": section, **contents.frame(job), **contents.of_section(request, job, section.name)}
    return render(request, "backtesting/result.html", context)


@page
@require_GET
def progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show how far a job is; a page that waits for its end is told to load again."""
    job = selectors.job_for(request.user, pk)
    answer = render(request, "backtesting/_progress.html", _progress(job))
    if not job.is_open:
        answer.headers["HX-Refresh"] = "true"
    return answer


def _progress(job: Job) -> dict[str, Any]:
    remaining = None
    if job.status == "running" and job.started_at is not None and job.progress > 0.02:
        elapsed = (timezone.now() - job.started_at).total_seconds()
        remaining = max(1, elapsed * (1 - job.progress) / job.progress)
    waits = job.is_open and not job.progress
    is_preparing = waits and preparing.is_preparing()
    return {"job": job, "remaining": remaining, "n_chunks": job.chunks.count(), "is_preparing": is_preparing}


@page
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a job."""
    job = selectors.job_for(request.user, pk)
    carry_out(request, lambda: settling.cancel(job, at=timezone.now()), done="It is canceled; nothing of it is kept.")
    return redirect("backtesting:detail", pk)


@page
@require_POST
def deploy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a paper strategy of a job."""
    job = selectors.job_for(request.user, pk)
    made = carry_out(
        request,
        lambda: deploying.deploy(job, at=timezone.now()),
        done=lambda row: " ".join(
            (f"{row.name} is a draft on a new paper account; start it when you are ready.", *differences_of(job, row))
        ),
    )
    return redirect("strategies:detail", made.pk) if made is not None else redirect("backtesting:detail", pk)


@page
@require_POST
def note(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep a note beside a job."""
    job = selectors.job_for(request.user, pk)
    carry_out(request, lambda: notes.add_note(job, request.POST.get("text", "")[: notes.MAX_LENGTH]), done="Noted.")
    return redirect(f"{reverse('backtesting:detail', args=[pk])}?section=settings")
