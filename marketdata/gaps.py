"""Bars that the calendar expects and that are missing. Pure."""

from dataclasses import dataclass

import numpy as np

from domain.bars import Ints, Timeframe
from marketdata.calendars import ALWAYS, DAY, is_trading_day, sessions

_FRIDAY, _SUNDAY = 4, 6
_FX_CLOSE, _FX_OPEN = 21 * 3600, 22 * 3600  # Friday and Sunday, UTC; an hour of daylight saving is not called a gap


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of missing bars: the open times (unix seconds) of the first and the last, and how many."""

    first: int
    last: int
    missing: int


def find_gaps(t: Ints, timeframe: Timeframe, *, calendar: str) -> list[Gap]:
    """Return the gaps between the first and the last of rising open times, oldest first."""
    if len(t) < 2:
        return []
    step = timeframe.seconds
    holes = np.flatnonzero(np.diff(t) > step)
    if len(holes) == 0:
        return []
    gaps: list[Gap] = []
    for hole in holes.tolist():
        expected = _expected(int(t[hole]) + 1, int(t[hole + 1]), timeframe, calendar)
        if len(expected):
            gaps.append(Gap(int(expected[0]), int(expected[-1]), len(expected)))
    return gaps


def _expected(after: int, before: int, timeframe: Timeframe, calendar: str) -> Ints:
    """Return the open times that are expected in `after <= t < before`."""
    step = timeframe.seconds
    found = sessions(calendar) if timeframe is not Timeframe.W1 else None
    if found is not None and timeframe.is_intraday:
        return _session_grid(after, before, step, found.opens, found.closes)
    if found is not None:
        return found.dates[np.searchsorted(found.dates, after) : np.searchsorted(found.dates, before)]
    first = after - 1 + step
    grid = np.arange(first, before, step, dtype=np.int64)
    if calendar == ALWAYS or timeframe is Timeframe.W1:
        return grid
    if not timeframe.is_intraday:
        return np.asarray(grid[is_trading_day(grid - grid % DAY, calendar)])
    weekday, second = (grid // DAY + 3) % 7, grid % DAY
    shut = (weekday == _FRIDAY) & (second >= _FX_CLOSE) | (weekday == _FRIDAY + 1)
    shut |= (weekday == _SUNDAY) & (second < _FX_OPEN)
    return np.asarray(grid[~shut])


def _session_grid(after: int, before: int, step: int, opens: Ints, closes: Ints) -> Ints:
    first = int(np.searchsorted(closes, after, side="right"))
    last = int(np.searchsorted(opens, before, side="left"))
    parts = [np.arange(opens[row], closes[row], step, dtype=np.int64) for row in range(first, last)]
    grid = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    return np.asarray(grid[(grid >= after) & (grid < before)])
