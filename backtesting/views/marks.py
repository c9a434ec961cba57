"""What a run draws on the price chart: its fills, and the signals that came to nothing."""

from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from backtesting import result_tables, selectors
from backtesting.models import Job
from backtesting.result_rows import plain_text
from core.pages import page
from domain.bars import Timeframe
from domain.signals import SignalOutcome
from marketdata import selectors as market
from marketdata.calendars import close_times

MAX_MARKS = 2_000
EXECUTED = SignalOutcome.EXECUTED.value


@page
@require_GET
def marks(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer a run's newest marks in one instrument, each at the open time of the bar that it belongs to."""
    job = selectors.job_for(request.user, pk)
    symbol = request.GET.get("symbol", "") or job.symbols[0]
    found = [*_fills(job, symbol), *_refused(job, symbol)]
    opens = _opens(job, symbol, np.array([each["at"] for each in found], dtype=np.int64))
    placed = [{**each, "time": time} for each, time in zip(found, opens, strict=True) if time]
    return JsonResponse({"marks": [{k: v for k, v in each.items() if k != "at"} for each in placed], "lines": []})


def _of(job: Job, name: str, symbol: str) -> list[dict[str, Any]]:
    if not selectors.n_rows(job, name):
        return []
    table = result_tables.arrays(selectors.file_of(job, name))
    rows = np.flatnonzero(np.asarray(table["symbol"]) == symbol)[-MAX_MARKS:]
    return [{column: values[row] for column, values in table.items()} for row in rows.tolist()]


def _fills(job: Job, symbol: str) -> list[dict[str, Any]]:
    return [
        {"id": f"fill-{i}", "at": int(row["at"]), "kind": f"fill_{row['side']}", "text": plain_text(row["quantity"])}
        for i, row in enumerate(_of(job, "fills", symbol))
    ]


def _refused(job: Job, symbol: str) -> list[dict[str, Any]]:
    rows = [row for row in _of(job, "signals", symbol) if row["outcome"] != EXECUTED]
    return [
        {"id": f"signal-{i}", "at": int(row["at"]), "kind": "refused", "text": str(row["code"] or row["outcome"])}
        for i, row in enumerate(rows)
    ]


def _opens(job: Job, symbol: str, at: Any) -> list[int]:
    """Return the open time of the bar in which each moment lies (its close included); 0 where there is no bar."""
    row = market.instrument(symbol)
    bars = market.bar_series(row, job.timeframe, start=job.start_at, end=job.end_at)
    closes = close_times(bars.t, Timeframe(job.timeframe), row.calendar)
    found = np.searchsorted(closes, at, side="left")
    return [int(bars.t[index]) if index < len(bars) else 0 for index in found.tolist()]
