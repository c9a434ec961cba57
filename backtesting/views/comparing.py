"""The page that puts several completed runs side by side."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from backtesting import comparison, pictures, selectors
from backtesting.models import Job
from core.pages import page
from domain.errors import PlatformError

MAX_TRADES_SHOWN = 50


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
    drawn = pictures.compared_picture([(titles[job.pk][0], selectors.equity_of(job)) for job in jobs])
    context = {
        "jobs": [(titles[job.pk], job) for job in jobs],
        "picture": drawn,
        "first": jobs[0],
        "differences": comparison.differences(jobs),
        "trades": [
            {
                **each,
                "name": titles[each["id"]][0],
                "title": f"Trades of {titles[each['id']][0]} against those of A",
                "rows": [
                    *(("A", row) for row in each["only_first"][:MAX_TRADES_SHOWN]),
                    *((titles[each["id"]][0], row) for row in each["only_here"][:MAX_TRADES_SHOWN]),
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
