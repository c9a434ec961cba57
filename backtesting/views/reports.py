"""The report of a job as a page of its own, and its tables as files."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from backtesting import exports, selectors
from backtesting.models import Job
from backtesting.reporting import report_of
from backtesting.views import contents
from core.api.render import dumps
from core.pages import page


@page
@require_GET
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the self-contained report; `?download` sends it as a file."""
    return answered(request, selectors.job_for(request.user, pk), is_file="download" in request.GET)


def answered(request: HttpRequest, job: Job, *, is_file: bool = False) -> HttpResponse:
    """Return a job's report with a policy that lets its own scripts run and nothing else."""
    selectors.check_completed(job)
    made = report_of(job, contents.whole(request, job))
    answer = HttpResponse(made.html, content_type="text/html; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    if is_file:
        answer.headers["Content-Disposition"] = f'attachment; filename="{job.kind}-{job.pk}.html"'
    policed: Any = answer
    policed._csp_replace = made.policy  # read by django-csp
    return answer


@page
@require_GET
def export(request: HttpRequest, pk: UUID, name: str) -> Any:
    """Send a table as CSV, or everything as JSON (`name` json)."""
    job = selectors.job_for(request.user, pk)
    if name == "json":
        answer = HttpResponse(dumps(exports.whole(job)), content_type="application/json")
        answer.headers["Content-Disposition"] = f'attachment; filename="{job.kind}-{job.pk}.json"'
        return answer
    if name not in exports.TABLES:
        raise Http404(name)
    selectors.file_of(job, name)  # refused before anything is sent
    return exports.csv_answer(job, name)
