"""The tear sheet of a completed job, as its pages and its report show it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from analytics.charts.picture import Picture
from analytics.metrics.drawdowns import worst_drawdowns
from analytics.tearsheet import N_DRAWDOWNS, PICTURES
from backtesting import pictures, result_tables, selectors
from backtesting.models import Job
from backtesting.result_rows import moment
from backtesting.run_words import holding_words
from backtesting.selectors import EquityColumns
from marketdata.calendars import ALWAYS
from marketdata.models import Instrument


def sheet_of_job(job: Job, names: Iterable[str] = PICTURES) -> dict[str, Any]:
    """Return what the sections of completed jobs begin with: the curve, first figures, the named pictures."""
    columns = selectors.equity_of(job)
    held = _benchmark_return(columns)
    gained = job.metrics.get("total_return")
    return {
        "columns": columns,
        "pictures": _pictures(job, columns, tuple(names)),
        "headline": pictures.headline(job.metrics, is_of_paths=bool(job.summary.get("paths"))),
        "benchmark_return": held,
        "lead": None if held is None or gained is None else gained - held,
        "holding": "" if held is None or gained is None else holding_words(job.summary["benchmark"], gained, held),
    }


def _pictures(job: Job, columns: EquityColumns, names: tuple[str, ...]) -> dict[str, Picture]:
    if not names:
        return {}
    calendars = set(Instrument.objects.filter(symbol__in=job.symbols).values_list("calendar", flat=True))
    return pictures.sheet_pictures(
        columns,
        columns_of(job, "trades") if "trades" in names else None,
        names,
        timeframe=job.timeframe,
        always_open=calendars == {ALWAYS},
        starting_cash=float(job.settings["starting_cash"]),
        benchmark_name=job.summary.get("benchmark", ""),
        currency=job.settings["currency"],
    )


def drawdowns_of(columns: EquityColumns) -> list[dict[str, Any]]:
    """Return a curve's deepest drawdowns, the deepest first."""
    found = worst_drawdowns(columns.t, columns.equity, N_DRAWDOWNS) if len(columns.t) else ()
    return [_fall(each) for each in found]


def columns_of(job: Job, name: str) -> dict[str, Any] | None:
    """Return a stored table of a job as arrays; None where it has no rows."""
    return result_tables.arrays(selectors.file_of(job, name)) if selectors.n_rows(job, name) else None


def _benchmark_return(columns: EquityColumns) -> float | None:
    """Return what holding the benchmark gave from its first known price to its last; None without two."""
    known = columns.benchmark[np.isfinite(columns.benchmark) & (columns.benchmark > 0)]
    return float(known[-1] / known[0] - 1.0) if len(known) > 1 else None


def _fall(each: Any) -> dict[str, Any]:
    """Return a drawdown with its dates; a mark is a bar's close, and one at midnight belongs to the day that ended."""
    return {
        "depth": each.depth,
        "peak": moment(each.peak_t - 1),
        "trough": moment(each.trough_t - 1),
        "recovered": moment(each.recovered_t - 1) if each.recovered_t else None,
        "days": each.days,
    }
