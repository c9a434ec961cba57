"""Bars of a higher timeframe inside a strategy, seen only once they are complete. Pure.

A strategy gets the bars of its own timeframe. `higher_bars` makes larger ones of them and tells, for each row, which of
the larger ones had closed by the close of that row, so that the answer at a row never depends on a later one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.bars import BarArrays, Floats, Ints

_MONDAY = 4 * 86_400  # 1970-01-05; weeks begin on Mondays
_WEEK = 7 * 86_400
SECONDS = {"1h": 3600, "4h": 4 * 3600, "1d": 86_400, "1w": _WEEK}
"""Lengths of higher timeframes by name, in seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class HigherBars:
    """Complete larger bars, and the newest of them that each row of the small ones may see.

    bars : the larger bars, oldest first; t is when each period began (UTC)
    newest : int64[n_bars], the row of the newest complete larger bar at the close of each small one; -1: none yet
    """

    bars: BarArrays
    newest: Ints

    def at_rows(self, column: Floats) -> Floats:
        """Return a column of the larger bars at each row of the small ones.

        column : float64[n_larger]
        Returns float64[n_bars]; NaN before the first larger bar is complete.
        """
        found = np.full(len(self.newest), np.nan)
        known = self.newest >= 0
        found[known] = column[self.newest[known]]
        return found

    def indicator(self, work: Callable[[Floats], Floats]) -> Floats:
        """Return an indicator of the larger closes at each row: ``higher.indicator(lambda c: sma(c, 10))``."""
        return self.at_rows(work(self.bars.c))


def higher_bars(bars: BarArrays, seconds: int) -> HigherBars:
    """Put bars together to periods of so many seconds, aligned to UTC (weeks to Monday 00:00).

    A period is complete at the first row that lies in a later one: the larger bar is seen one small bar after it
    ended, never before (a small bar of a session may be the last of its period, and nobody knows that at its close).
    The first larger bar is left out where the bars begin inside it, so that a longer history changes nothing.

    bars : float64[n_bars] columns, oldest first
    seconds : length of a period, above 0
    Returns larger bars: first open, highest high, lowest low, last close, summed volume. Raises ValueError for a length
    that is not above 0.
    """
    if seconds <= 0:
        raise ValueError(f"a period of {seconds} seconds is none")
    n = len(bars)
    offset = _MONDAY if seconds == _WEEK else 0
    period = (bars.t - offset) // seconds
    starts = np.flatnonzero(np.concatenate(([True], period[1:] != period[:-1]))) if n else np.empty(0, dtype=np.int64)
    if len(starts) < 3:  # the first may have begun before the bars, the last is not complete
        return HigherBars(BarArrays.empty(), np.full(n, -1, dtype=np.int64))
    first, last = starts[1:-1], starts[2:] - 1
    whole = slice(int(first[0]), int(starts[-1]))
    inside = first - int(first[0])
    larger = BarArrays(
        period[first] * seconds + offset,
        bars.o[first],
        np.maximum.reduceat(bars.h[whole], inside),
        np.minimum.reduceat(bars.l[whole], inside),
        bars.c[last],
        np.add.reduceat(bars.v[whole], inside),
    )
    newest = np.searchsorted(last, np.arange(n), side="left") - 1
    return HigherBars(larger, newest.astype(np.int64))
