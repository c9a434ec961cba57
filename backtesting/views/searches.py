"""What the pages of sweeps and walk-forwards show beyond a run's tear sheet."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from django.http import HttpRequest

from backtesting import pictures, result_tables, selectors
from backtesting.models import Job
from backtesting.result_rows import moment
from backtesting.search.objectives import OBJECTIVES
from backtesting.selectors import EquityColumns
from backtesting.templatetags.backtests import parameter_titles

MAX_TRIALS_SHOWN = 200
WINDOW_TIMES = ("train_start", "train_end", "test_start", "test_end")


def sweep_content(request: HttpRequest, job: Job, names: Iterable[str] = pictures.SWEEP_PICTURES) -> dict[str, Any]:
    """Return what a sweep's first view shows of its combinations: the best, the named pictures, how to turn them."""
    trials = result_tables.arrays(selectors.file_of(job, "trials"))
    parameters = [name.removeprefix("parameters.") for name in trials if name.startswith("parameters.")]
    x, y = pictures.axes_of(parameters, request.GET.get("x", ""), request.GET.get("y", ""))
    titles = parameter_titles(job)
    return {
        "pictures": pictures.sweep_pictures(trials, job.settings["objective"], names, x=x, y=y, titles=titles),
        "columns_of_trials": trials,
        "names": parameters,
        "x": x,
        "y": y,
        "n_trials": len(trials["number"]),
        "best": job.summary["best"],
        "steadiest": job.summary.get("steadiest"),
        "objective_title": OBJECTIVES[job.settings["objective"]].title,
    }


def trials_content(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return the best combinations as rows, and all of them as parallel coordinates."""
    found = sweep_content(request, job, ("parallel",))
    shown = _best_trials(found["columns_of_trials"], found["names"])
    return {**found, "trials": shown, "n_trials_shown": len(shown)}


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


def walk_content(job: Job, columns: EquityColumns, names: Iterable[str] = pictures.WALK_PICTURES) -> dict[str, Any]:
    """Return the windows, the paths, and the named pictures of the stitched curve."""
    windows = job.summary.get("windows", [])
    shown = [
        {**window, "number": window["index"] + 1, **{name: moment(window[name]) for name in WINDOW_TIMES}}
        for window in windows
    ]
    return {
        "pictures": pictures.walk_pictures(
            job.summary, columns, names, titles=parameter_titles(job), currency=job.settings["currency"]
        ),
        "windows": windows,
        "shown_windows": shown,
        "paths": _path_words(job),
    }


def _path_words(job: Job) -> dict[str, Any] | None:
    """Return what the paths of a cross-validation say together; None where there are none."""
    paths = job.summary.get("paths")
    if not paths:
        return None
    sharpes = [path["sharpe"] for path in paths if path["sharpe"] is not None]
    return {
        "n": len(paths),
        "n_splits": job.summary.get("n_splits"),
        "lowest": min(sharpes, default=None),
        "highest": max(sharpes, default=None),
        "loss": job.summary.get("probability_of_loss"),
    }
