"""Pages of jobs: the list, one while it runs and when it has ended, its rows, and what can be done with it."""

from typing import Any
from uuid import UUID

import numpy as np
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from backtesting import comparison, exports, pictures, result_tables, selectors
from backtesting.models import Job, JobKind
from backtesting.result_rows import moment, order_row, trade_row
from backtesting.services import deploying, notes, settling
from core.pages import carry_out, page
from domain.errors import PlatformError
from marketdata.calendars import ALWAYS
from marketdata.models import Instrument

PAGE = 100
LISTED = 100
TEMPLATES = {
    JobKind.BACKTEST.value: "backtesting/backtest.html",
    JobKind.SWEEP.value: "backtesting/sweep.html",
    JobKind.WALK_FORWARD.value: "backtesting/walk_forward.html",
}
ROWS = {"trades": trade_row, "orders": order_row}
KINDS = ((JobKind.BACKTEST, "Runs"), (JobKind.SWEEP, "Sweeps"), (JobKind.WALK_FORWARD, "Walk-forwards"))
MAX_TRIALS_SHOWN = 300
MAX_TRADES_SHOWN = 50
WINDOW_TIMES = ("train_start", "train_end", "test_start", "test_end")


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
    jobs = list(found.defer("settings", "summary", "request").order_by("-created_at")[:LISTED])
    return {"jobs": jobs, "kind": kind, "kinds": KINDS, "has_open": any(job.is_open for job in jobs)}


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one job: its progress, or its end."""
    job = selectors.job_for(request.user, pk)
    if not job.is_completed:
        return render(request, "backtesting/running.html", _progress(job))
    context = {"job": job, "notes": selectors.notes_of(job).order_by("created_at"), **CONTENTS[job.kind](request, job)}
    return render(request, TEMPLATES[job.kind], context)


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
    return {"job": job, "remaining": remaining, "n_chunks": job.chunks.count()}


def _sheet(job: Job) -> dict[str, Any]:
    """What all completed jobs show: figures, curve, months, drawdowns."""
    columns = selectors.equity_of(job)
    trades = _columns(job, "trades")
    calendars = set(Instrument.objects.filter(symbol__in=job.symbols).values_list("calendar", flat=True))
    sheet = pictures.sheet_of(
        columns,
        trades,
        timeframe=job.timeframe,
        always_open=calendars == {ALWAYS},
        starting_cash=float(job.settings["starting_cash"]),
        benchmark_name=job.summary.get("benchmark", ""),
    )
    luck = job.summary.get("luck") or {}
    return {
        "columns": columns,
        "sheet": sheet,
        "drawdowns": [_fall(each) for each in sheet.drawdowns],
        "pictures": {**sheet.pictures, **pictures.luck_pictures(luck)},
        "headline": pictures.headline(job.metrics),
        "metrics": pictures.metric_rows(job.metrics),
        "luck": luck,
        "verdict": job.summary.get("verdict") or luck.get("verdict"),
        "evidence": job.summary.get("evidence") or luck.get("evidence"),
        "tables": [name for name in exports.OF_KIND[job.kind] if selectors.n_rows(job, name)],
        "n_trades": selectors.n_rows(job, "trades"),
        "n_orders": selectors.n_rows(job, "orders"),
    }


def _fall(each: Any) -> dict[str, Any]:
    return {
        "depth": each.depth,
        "peak": moment(each.peak_t),
        "trough": moment(each.trough_t),
        "recovered": moment(each.recovered_t) if each.recovered_t else None,
        "days": each.days,
    }


def _columns(job: Job, name: str) -> dict[str, Any] | None:
    return result_tables.arrays(selectors.file_of(job, name)) if selectors.n_rows(job, name) else None


def _backtest(request: HttpRequest, job: Job) -> dict[str, Any]:
    return {**_sheet(job), "marks_url": reverse("backtesting:marks", args=[job.pk])}


def _sweep(request: HttpRequest, job: Job) -> dict[str, Any]:
    trials = result_tables.arrays(selectors.file_of(job, "trials"))
    names = [name.removeprefix("parameters.") for name in trials if name.startswith("parameters.")]
    drawn = pictures.sweep_pictures(
        trials, job.settings["objective"], x=request.GET.get("x", ""), y=request.GET.get("y", "")
    )
    found = _sheet(job)
    return {
        **found,
        "pictures": {**found["pictures"], **drawn},
        "names": names,
        "x": request.GET.get("x") or names[0],
        "y": request.GET.get("y") or (names[1] if len(names) > 1 else ""),
        "trials": _best_trials(trials, names),
        "n_trials": len(trials["number"]),
        "best": job.summary["best"],
        "steadiest": job.summary.get("steadiest"),
    }


def _best_trials(trials: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    scores = np.array([np.nan if v is None else v for v in trials["score"].tolist()], dtype=np.float64)
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")[:MAX_TRIALS_SHOWN]
    shown = ("total_return", "sharpe", "max_drawdown", "trades", "profit_factor")
    return [
        {
            "number": int(trials["number"][row]),
            "parameters": [(name, trials[f"parameters.{name}"][row]) for name in names],
            "score": None if np.isnan(scores[row]) else float(scores[row]),
            "error": trials["error"][row],
            **{name: _shown(trials.get(f"metrics.{name}"), row) for name in shown},
        }
        for row in order.tolist()
    ]


def _shown(column: Any, row: int) -> float | None:
    value = None if column is None else column[row]
    return None if value is None or value != value else float(value)


def _walk(request: HttpRequest, job: Job) -> dict[str, Any]:
    found = _sheet(job)
    drawn = pictures.walk_pictures(job.summary, found["columns"])
    windows = job.summary.get("windows", [])
    shown = [
        {**window, "number": window["index"] + 1, **{name: moment(window[name]) for name in WINDOW_TIMES}}
        for window in windows
    ]
    return {**found, "pictures": {**found["pictures"], **drawn}, "windows": windows, "shown_windows": shown}


CONTENTS = {JobKind.BACKTEST.value: _backtest, JobKind.SWEEP.value: _sweep, JobKind.WALK_FORWARD.value: _walk}


@page
@require_GET
def table(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Show one page of trades or orders."""
    job = selectors.job_for(request.user, pk)
    if name not in ROWS:
        raise Http404(name)
    n_rows = selectors.n_rows(job, name)
    number = max(1, int(request.GET["page"])) if request.GET.get("page", "").isdecimal() else 1
    offset = min((number - 1) * PAGE, max(0, n_rows - 1) // PAGE * PAGE)
    found = selectors.rows_of(job, name, offset=offset, limit=PAGE) if n_rows else []
    context = {
        "job": job,
        "name": name,
        "rows": [ROWS[name](row) for row in found],
        "n_rows": n_rows,
        "page": offset // PAGE + 1,
        "n_pages": max(1, -(-n_rows // PAGE)),
    }
    return render(request, f"backtesting/_{name}.html", context)


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
        done=lambda row: f"{row.name} is a draft on a new paper account; start it when you are ready.",
    )
    return redirect("strategies:detail", made.pk) if made is not None else redirect("backtesting:detail", pk)


@page
@require_POST
def note(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep a note beside a job."""
    job = selectors.job_for(request.user, pk)
    carry_out(request, lambda: notes.add_note(job, request.POST.get("text", "")[: notes.MAX_LENGTH]), done="Noted.")
    return redirect("backtesting:detail", pk)


@page
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Show several runs side by side."""
    ids = []
    for text in request.GET.getlist("id"):
        try:
            ids.append(UUID(text))
        except ValueError as error:
            raise Http404(text) from error
    try:
        jobs = selectors.compared(request.user, ids)
    except PlatformError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
        return redirect("backtesting:list")
    titles = _titles(jobs)
    drawn = pictures.compared_picture([(titles[job.pk], selectors.equity_of(job)) for job in jobs])
    context = {
        "jobs": [(titles[job.pk], job) for job in jobs],
        "picture": drawn,
        "first": jobs[0],
        "differences": comparison.differences(jobs),
        "trades": [
            {
                **each,
                "title": f"Trades of {titles[each['id']]} against the first",
                "rows": [
                    *(("first", row) for row in each["only_first"][:MAX_TRADES_SHOWN]),
                    *(("here", row) for row in each["only_here"][:MAX_TRADES_SHOWN]),
                ],
            }
            for each in comparison.trade_differences(jobs)
        ],
        "metrics": _metric_table(jobs),
    }
    return render(request, "backtesting/compare.html", context)


def _titles(jobs: list[Job]) -> dict[UUID, str]:
    return {job.pk: f"{chr(65 + number)}: {job}" for number, job in enumerate(jobs)}


def _metric_table(jobs: list[Job]) -> list[dict[str, Any]]:
    columns = [{row["name"]: row for row in pictures.metric_rows(job.metrics)} for job in jobs]
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        {
            **next(column[name] for column in columns if name in column),
            "cells": [column.get(name, {"value": None, "unit": "ratio"}) for column in columns],
        }
        for name in names
    ]
