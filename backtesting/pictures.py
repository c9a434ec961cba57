"""The pictures and figures of result pages and of the report, made from stored columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from analytics.charts.curves import bands_picture, equity_picture
from analytics.charts.distributions import excursions_picture, outcomes_picture
from analytics.charts.picture import SERIES, Picture, layout, line, moments, numbers, percent_axis, thinned, written
from analytics.charts.sweeps import parallel_picture, parameters_picture, response_picture, surface_picture
from analytics.metrics.annual import basis_for
from analytics.metrics.catalogue import METRICS
from analytics.metrics.summary import Curve
from analytics.metrics.trades import TradeColumns
from analytics.tearsheet import PICTURES, Drawn, pictures_of
from analytics.wording import TONED
from backtesting.search.objectives import OBJECTIVES
from backtesting.selectors import EquityColumns
from backtesting.single import trade_columns
from domain.bars import Timeframe

MAX_DIMENSIONS_SHOWN = 8
HEADLINE = (
    *("total_return", "annual_return", "sharpe", "max_drawdown", "win_rate", "profit_factor", "trades"),
    *("exposure", "final_equity", "fees_paid"),
)
HEADLINE_OF_PATHS = ("total_return", "annual_return", "sharpe", "max_drawdown", "final_equity")
"""Of a cross-validation: what a curve says that has no trades of its own."""


def closed_of(trades: Mapping[str, Any] | None) -> TradeColumns:
    """Return stored trades as columns of the closed ones."""
    if not trades or not len(trades["is_closed"]):
        return TradeColumns.empty()
    return trade_columns(trades)


def sheet_pictures(
    columns: EquityColumns,
    trades: Mapping[str, Any] | None,
    names: Iterable[str] = PICTURES,
    *,
    timeframe: str,
    always_open: bool,
    starting_cash: float,
    benchmark_name: str,
    currency: str,
) -> dict[str, Picture]:
    """Return the named pictures of a stored result's curve and trades."""
    drawn = Drawn(
        Curve(columns.t, columns.equity, starting_cash),
        closed_of(trades),
        basis_for(Timeframe(timeframe), always_open=always_open),
        benchmark=columns.benchmark if np.isfinite(columns.benchmark).any() else None,
        benchmark_name=benchmark_name or "Benchmark",
        currency=currency,
    )
    return pictures_of(drawn, names)


def excursions(trades: Mapping[str, Any] | None) -> Picture | None:
    """Return each closed trade's worst and best on the way; None without one."""
    closed = closed_of(trades)
    return excursions_picture(closed) if len(closed) else None


def luck_pictures(luck: Mapping[str, Any] | None, currency: str = "") -> dict[str, Picture]:
    """Return what chance could have given: resampled equity, and the trades drawn again."""
    found: dict[str, Picture] = {}
    if not luck:
        return found
    if luck.get("bands"):
        bands = luck["bands"]
        quantiles = np.array(bands["quantiles"], dtype=np.float64)
        found["bands"] = bands_picture(bands["steps"], bands["levels"], quantiles, step="Returns", currency=currency)
    if luck.get("trades"):
        bands = luck["trades"]["bands"]
        quantiles = np.array(bands["quantiles"], dtype=np.float64)
        found["redrawn"] = bands_picture(bands["steps"], bands["levels"], quantiles, step="Trades", currency=currency)
    return found


SWEEP_PICTURES = ("parallel", "surface", "response")
WALK_PICTURES = ("equity", "parameters", "paths")


def sweep_pictures(
    trials: Mapping[str, Any],
    objective: str,
    names: Iterable[str] = SWEEP_PICTURES,
    *,
    x: str = "",
    y: str = "",
    titles: Mapping[str, str] | None = None,
) -> dict[str, Picture]:
    """Return the surface over two parameters (of one the response) and the parallel coordinates; ``titles`` name them.

    x, y : parameters across and up the surface; the first ones where they are no two of its own
    """
    shown, goal = titles or {}, OBJECTIVES[objective]
    known = [name.removeprefix("parameters.") for name in trials if name.startswith("parameters.")]
    named = [shown.get(name, name) for name in known]
    columns = [trials[f"parameters.{name}"].tolist() for name in known]
    combos = [dict(zip(named, values, strict=True)) for values in zip(*columns, strict=True)]
    scores = np.array([np.nan if v is None else v for v in trials["score"].tolist()], dtype=np.float64)
    told: dict[str, Any] = {"objective": goal.title, "is_maximized": goal.is_maximized}
    found = {}
    if "parallel" in names:
        found["parallel"] = parallel_picture(combos, scores, **told)
    if "surface" in names and len(known) > 1:
        across, up = axes_of(known, x, y)
        found["surface"] = surface_picture(combos, scores, x=shown.get(across, across), y=shown.get(up, up), **told)
    if "response" in names and len(known) == 1:
        values = [combo[named[0]] for combo in combos]
        found["response"] = response_picture(values, scores, x=named[0], **told)
    return found


def axes_of(names: Sequence[str], x: str, y: str) -> tuple[str, str]:
    """Return the parameters across and up a surface: those that were asked for, else the first two (no up for one)."""
    across = x if x in names else names[0]
    up = y if y in names and y != across else next((name for name in names if name != across), "")
    return across, up


def walk_pictures(
    summary: Mapping[str, Any],
    columns: EquityColumns,
    names: Iterable[str] = WALK_PICTURES,
    *,
    titles: Mapping[str, str] | None = None,
    currency: str = "",
) -> dict[str, Picture]:
    """Return the stitched curve with its windows, and the parameters over them; ``titles`` name the parameters."""
    windows = summary.get("windows") or []
    found = {}
    if "equity" in names:
        found["equity"] = equity_picture(
            columns.t,
            columns.equity,
            benchmark=columns.benchmark if np.isfinite(columns.benchmark).any() else None,
            benchmark_name=summary.get("benchmark") or "Benchmark",
            name="Out of sample",
            windows=[window["test_start"] for window in windows],
            currency=currency,
        )
    if "parameters" in names and windows and summary.get("parameters"):
        labels = [str(window["index"] + 1) for window in windows]
        named = {(titles or {}).get(name, name): values for name, values in summary["parameters"].items()}
        found["parameters"] = parameters_picture(labels, named)
    if "paths" in names and summary.get("paths"):
        sharpes = np.array([path["sharpe"] or 0.0 for path in summary["paths"]], dtype=np.float64)
        found["paths"] = outcomes_picture(sharpes, name="Sharpe ratio of each path", is_fraction=False)
    return found


def compared_picture(curves: Sequence[tuple[str, EquityColumns]]) -> Picture:
    """Return several curves in one chart, each as growth of its own start."""

    data, words = [], []
    for (name, columns), colour in zip(curves, SERIES * 2, strict=False):
        grown = columns.equity / columns.equity[0] - 1.0
        rows = thinned(grown)
        data.append(line(moments(columns.t[rows]), numbers(grown[rows]), name, colour, hovertemplate="%{y:.1%}"))
        words.append(f"{name} {written(float(grown[-1]))}")
    return Picture(
        {"data": data, "layout": layout(yaxis=percent_axis(title={"text": "Growth since the start"}))},
        "Growth: " + "; ".join(words) + ".",
    )


def metric_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every figure with its title, unit and help, in the catalogue's order."""
    return [
        {
            "name": info.name,
            "title": info.title,
            "unit": info.unit.value,
            "help": info.help,
            "is_signed": info.name in TONED,
            "value": metrics.get(info.name),
        }
        for info in METRICS
        if info.name in metrics
    ]


def headline(metrics: Mapping[str, Any], *, is_of_paths: bool = False) -> list[dict[str, Any]]:
    """Return the figures that stand on top."""
    rows = {row["name"]: row for row in metric_rows(metrics)}
    return [rows[name] for name in (HEADLINE_OF_PATHS if is_of_paths else HEADLINE) if name in rows]
