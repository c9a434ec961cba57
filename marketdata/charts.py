"""What a price chart draws: windows of bars with indicators that are settled by the bars before the window."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.bars import BarArrays, Floats, Timeframe
from marketdata import selectors
from marketdata.calendars import session_of, sessions
from marketdata.indicators.catalogue import Request, compute
from marketdata.models import Instrument

DEFAULT_BARS = 500
MAX_BARS = 50_000


@dataclass(frozen=True, slots=True)
class Window:
    """Bars that a chart asked for, with a column for each output of each indicator."""

    bars: BarArrays
    indicators: dict[str, Floats]


def bar_window(
    row: Instrument,
    timeframe: Timeframe,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    indicators: tuple[Request, ...] = (),
    session_only: bool = False,
) -> Window:
    """Return the newest `limit` bars before `end`, or the first ones after `start`; at most 50,000.

    Without `end`, bars that have not closed at the instrument's market time are hidden; an explicit `end` shows all
    that is stored. ``session_only`` leaves out intraday bars before and after the session.
    """
    as_of = selectors.visible_until(row) if end is None else None
    n_bars = min(limit or (DEFAULT_BARS if start is None else MAX_BARS), MAX_BARS)
    bars = selectors.bar_series(row, timeframe, start=start, end=end, limit=n_bars, as_of=as_of)
    if session_only:
        bars = _of_sessions(row, timeframe, bars)
    if not indicators or len(bars) == 0:
        empty = {key: np.empty(0) for request in indicators for key in request.keys}
        return Window(bars, empty)
    before = _before(row, timeframe, bars, indicators)
    columns = compute(indicators, BarArrays.join([before, bars]) if len(before) else bars)
    return Window(bars, {key: column[len(before) :] for key, column in columns.items()})


def _of_sessions(row: Instrument, timeframe: Timeframe, bars: BarArrays) -> BarArrays:
    if not timeframe.is_intraday or sessions(row.calendar) is None:
        return bars
    inside = session_of(bars.t, row.calendar) >= 0
    return bars.take(inside)


def _before(row: Instrument, timeframe: Timeframe, bars: BarArrays, indicators: tuple[Request, ...]) -> BarArrays:
    memories = [request.memory for request in indicators]
    end = datetime.fromtimestamp(int(bars.t[0]), tz=UTC)
    if None in memories:
        return selectors.bar_series(row, timeframe, end=end)
    return selectors.bar_series(row, timeframe, end=end, limit=max(memory or 0 for memory in memories) + 1)


def as_json(row: Instrument, timeframe: Timeframe, window: Window) -> dict[str, Any]:
    """Return a window as JSON columns; values before warm-up are null."""
    return {
        "symbol": row.symbol,
        "timeframe": timeframe.value,
        **selectors.as_columns(window.bars),
        "indicators": {key: nullable(column) for key, column in window.indicators.items()},
    }


def nullable(column: Floats) -> list[float | None]:
    """Return a column with None for NaN."""
    values: list[float | None] = column.tolist()
    for i in np.flatnonzero(~np.isfinite(column)).tolist():
        values[i] = None
    return values
