"""The pictures and figures of result pages and of the report, made from stored columns."""

from collections.abc import Mapping, Sequence
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
from analytics.tearsheet import TearSheet, tear_sheet
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


def sheet_of(
    columns: EquityColumns,
    trades: Mapping[str, Any] | None,
    *,
    timeframe: str,
    always_open: bool,
    starting_cash: float,
    benchmark_name: str,
) -> TearSheet:
    """Return the tear sheet of a stored result."""
    has_benchmark = bool(np.isfinite(columns.benchmark).any())
    return tear_sheet(
        Curve(columns.t, columns.equity, starting_cash),
        closed_of(trades),
        basis=basis_for(Timeframe(timeframe), always_open=always_open),
        benchmark=columns.benchmark if has_benchmark else None,
        benchmark_name=benchmark_name or "Benchmark",
        exposure=columns.exposure if np.isfinite(columns.exposure).all() else None,
    )


def excursions(trades: Mapping[str, Any] | None) -> Picture | None:
    """Return each closed trade's worst and best on the way; None without one."""
    closed = closed_of(trades)
    return excursions_picture(closed) if len(closed) else None


def luck_pictures(luck: Mapping[str, Any] | None) -> dict[str, Picture]:
    """Return what chance could have given: resampled equity, and the trades drawn again."""
    found: dict[str, Picture] = {}
    if not luck:
        return found
    if luck.get("bands"):
        bands = luck["bands"]
        quantiles = np.array(bands["quantiles"], dtype=np.float64)
        found["bands"] = bands_picture(bands["steps"], bands["levels"], quantiles, name="Resampled equity")
    if luck.get("trades"):
        bands = luck["trades"]["bands"]
        quantiles = np.array(bands["quantiles"], dtype=np.float64)
        found["redrawn"] = bands_picture(bands["steps"], bands["levels"], quantiles, name="Trades drawn again")
    return found


def sweep_pictures(
    trials: Mapping[str, Any], objective: str, *, x: str = "", y: str = "", titles: Mapping[str, str] | None = None
) -> dict[str, Picture]:
    """Return the surface over two parameters (of one the curve) and the parallel coordinates; ``titles`` name them."""
    shown = titles or {}
    names = [name.removeprefix("parameters.") for name in trials if name.startswith("parameters.")]
    named = [shown.get(name, name) for name in names]
    columns = [trials[f"parameters.{name}"].tolist() for name in names]
    combos = [dict(zip(named, values, strict=True)) for values in zip(*columns, strict=True)]
    scores = np.array([np.nan if v is None else v for v in trials["score"].tolist()], dtype=np.float64)
    goal = OBJECTIVES[objective]
    found = {"parallel": parallel_picture(combos, scores, objective=goal.title, is_maximized=goal.is_maximized)}
    if len(names) >= 2:
        across, up = (x if x in names else names[0]), (y if y in names and y != x else "")
        up = up or next(name for name in names if name != across)
        found["surface"] = surface_picture(
            combos,
            scores,
            x=shown.get(across, across),
            y=shown.get(up, up),
            objective=goal.title,
            is_maximized=goal.is_maximized,
        )
    elif names:
        name = shown.get(names[0], names[0])
        values = [combo[name] for combo in combos]
        found["response"] = response_picture(
            values, scores, x=name, objective=goal.title, is_maximized=goal.is_maximized
        )
    return found


def walk_pictures(
    summary: Mapping[str, Any], columns: EquityColumns, *, titles: Mapping[str, str] | None = None
) -> dict[str, Picture]:
    """Return the stitched curve with its windows, and the parameters over them; ``titles`` name the parameters."""
    windows = summary.get("windows") or []
    starts = [window["test_start"] for window in windows]
    has_benchmark = bool(np.isfinite(columns.benchmark).any())
    found = {
        "equity": equity_picture(
            columns.t,
            columns.equity,
            benchmark=columns.benchmark if has_benchmark else None,
            benchmark_name=summary.get("benchmark") or "Benchmark",
            name="Out of sample",
            windows=starts,
        )
    }
    if windows and summary.get("parameters"):
        labels = [str(window["index"] + 1) for window in windows]
        named = {(titles or {}).get(name, name): values for name, values in summary["parameters"].items()}
        found["parameters"] = parameters_picture(labels, named)
    if summary.get("paths"):
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
    return Picture({"data": data, "layout": layout(yaxis=percent_axis())}, "Growth: " + "; ".join(words) + ".")


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
