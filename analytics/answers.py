"""A performance as the API answers it: plain columns and exact money."""

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np

from analytics.charts.curves import rebased
from analytics.charts.picture import thinned
from analytics.metrics.catalogue import METRICS, Unit
from analytics.metrics.drawdowns import Drawdown, drawdown_series
from analytics.selectors import GroupResult, Performance
from domain.bars import Floats, Ints

_PLACES = 8


def answer(found: Performance, *, max_points: int) -> dict[str, Any]:
    """Return the values of `PerformanceOutput`."""
    sheet = found.sheet
    return {
        "account": found.asked.account,
        "strategy": found.asked.strategy,
        "currency": found.currency,
        "start": found.start,
        "end": found.end,
        "benchmark": found.benchmark_symbol,
        "message": found.message,
        "curve_note": found.basis_note,
        "basis": sheet.basis,
        "metrics": metrics(found),
        "series": _series(found, max_points),
        "monthly": sheet.months,
        "drawdowns": [_fall(each) for each in sheet.drawdowns],
        "rolling": _rolling(found),
        "by_strategy": [_group(each) for each in found.by_strategy],
        "by_symbol": [each.statistics for each in found.by_symbol],
    }


def metrics(found: Performance) -> dict[str, Any]:
    """Return every figure; money is exact where the books know it (fees, and means of trades)."""
    exact = {name: getattr(found.total, name) for name in ("expectancy", "average_win", "average_loss")}
    return {
        each.name: _money(exact.get(each.name) or found.sheet.figures[each.name])
        if each.unit is Unit.MONEY
        else found.sheet.figures[each.name]
        for each in METRICS
    }


def _money(value: Any) -> Decimal | None:
    if value is None:
        return None
    return round(value if isinstance(value, Decimal) else Decimal(repr(float(value))), _PLACES)


def _series(found: Performance, max_points: int) -> dict[str, Any]:
    curve = found.curve
    rows = _rows(curve.equity, max_points)
    equity, fall = curve.equity[rows], drawdown_series(curve.equity)[rows]
    other = None if found.benchmark is None else rebased(found.benchmark, curve.start)
    return {
        "t": curve.t[rows].tolist(),
        "equity": [_money(each) for each in equity.tolist()],
        "pnl": [_money(each) for each in (equity - curve.start).tolist()],
        "drawdown": fall.tolist(),
        "benchmark": [] if other is None else _plain(other[rows]),
    }


def _rows(equity: Floats, max_points: int) -> Ints:
    """Return at most ``max_points`` rows: the extremes of even stretches where there is room, first and last always."""
    rows = thinned(equity, max_points - 2) if len(equity) > max_points >= 8 else np.arange(len(equity))
    return rows if len(rows) <= max_points else rows[np.linspace(0, len(rows) - 1, max_points).round().astype(np.int64)]


def _plain(values: Floats) -> list[float | None]:
    return [float(each) if np.isfinite(each) else None for each in values.tolist()]


def _fall(fall: Drawdown) -> dict[str, Any]:
    return {
        "depth": fall.depth,
        "peak_at": datetime.fromtimestamp(fall.peak_t, UTC),
        "trough_at": datetime.fromtimestamp(fall.trough_t, UTC),
        "recovered_at": None if fall.recovered_t is None else datetime.fromtimestamp(fall.recovered_t, UTC),
        "days": fall.days,
    }


def _rolling(found: Performance) -> dict[str, Any] | None:
    rolled = found.sheet.rolling
    if rolled is None:
        return None
    return {
        "window": rolled.window,
        "t": rolled.t.tolist(),
        "sharpe": _plain(rolled.sharpe),
        "volatility": _plain(rolled.volatility),
        "beta": [] if rolled.beta is None else _plain(rolled.beta),
    }


def _group(each: GroupResult) -> SimpleNamespace:
    return SimpleNamespace(**asdict(each.statistics), strategy=each.strategy, name=each.name)
