"""Falls from a peak: how deep, how long, how often. Pure. Depths are fractions, zero or negative."""

import math
from dataclasses import dataclass

import numpy as np

from analytics.metrics.annual import DAY_SECONDS
from analytics.metrics.series import cumulative
from domain.bars import Floats, Ints


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall: when the peak was, the lowest point, the return to the peak (None: not yet), peak to recovery in days.

    ``first`` and ``last`` are the rows of the peak and of the recovery (or of the last value).
    """

    depth: float
    peak_t: int
    trough_t: int
    recovered_t: int | None
    days: float
    first: int
    last: int


def drawdown_series(equity: Floats) -> Floats:
    """Return the fall from the highest value so far at every row: ``equity / cummax(equity) - 1``, float64[n]."""
    peak = np.maximum.accumulate(equity)
    if len(equity) and equity[0] > 0:  # and so is every peak after it
        return np.asarray(equity / peak - 1.0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(peak > 0, equity / peak - 1.0, 0.0)


def max_drawdown(equity: Floats) -> float:
    """Return the deepest fall, zero or negative; NaN without values. ``[100, 120, 90, 130]`` gives -0.25."""
    return float(drawdown_series(equity).min()) if len(equity) else math.nan


def max_drawdown_of_returns(returns: Floats) -> float:
    """Return the deepest fall of what compounded returns make of 1, the start included (empyrical `max_drawdown`)."""
    if len(returns) == 0:
        return math.nan
    return max_drawdown(np.concatenate(([1.0], cumulative(returns, 1.0))))


def drawdowns(t: Ints, equity: Floats) -> tuple[Drawdown, ...]:
    """Return every fall in the order of time.

    Parameters
    ----------
    t : int64[n], unix seconds; equity : float64[n], quote currency

    Notes
    -----
    A fall begins at the last value at its peak and ends at the first value that is as high again; its length is the
    time between the two (as backtesting.py counts). One that lasts is counted to the last value.
    """
    starts, stops = _edges(drawdown_series(equity))
    return tuple(_fall(t, equity, int(start), int(stop)) for start, stop in zip(starts, stops, strict=True))


def _edges(series: Floats) -> tuple[Ints, Ints]:
    """Return the first row of every fall, and the row after its last."""
    under = np.zeros(len(series) + 2, dtype=np.bool_)
    np.less(series, 0.0, out=under[1:-1])
    rows = np.flatnonzero(under[1:] != under[:-1])
    return rows[::2], rows[1::2]


def _fall(t: Ints, equity: Floats, start: int, stop: int) -> Drawdown:
    """Describe the fall of rows start..stop-1; the row before them is the peak."""
    has_recovered = stop < len(equity)
    peak, end = start - 1, stop if has_recovered else len(equity) - 1
    trough = start + int(np.argmin(equity[start:stop]))
    return Drawdown(
        depth=float(equity[trough] / equity[peak] - 1.0),
        peak_t=int(t[peak]),
        trough_t=int(t[trough]),
        recovered_t=int(t[end]) if has_recovered else None,
        days=float(t[end] - t[peak]) / DAY_SECONDS,
        first=peak,
        last=end,
    )


def worst_drawdowns(t: Ints, equity: Floats, n: int = 5) -> tuple[Drawdown, ...]:
    """Return the n deepest falls, the deepest first."""
    return tuple(sorted(drawdowns(t, equity), key=lambda fall: fall.depth)[:n])


def longest_days(t: Ints, equity: Floats) -> float:
    """Return the days of the longest fall, peak to recovery; 0 without one."""
    return longest_of(t, drawdown_series(equity))


def longest_of(t: Ints, series: Floats) -> float:
    """Return the days of the longest fall of a drawdown series (see `longest_days`)."""
    starts, stops = _edges(series)
    ends = np.minimum(stops, len(series) - 1)
    return float((t[ends] - t[starts - 1]).max()) / DAY_SECONDS if len(starts) else 0.0


def longest_under_water_days(t: Ints, equity: Floats) -> float:
    """Return the days of the longest fall from the peak to the last value below it (as pyalgotrade counts)."""
    ends = ((t[fall.last - 1] if fall.recovered_t is not None else t[fall.last], fall) for fall in drawdowns(t, equity))
    return max((float(end - fall.peak_t) / DAY_SECONDS for end, fall in ends), default=0.0)


def average_drawdown(equity: Floats) -> float:
    """Return the mean depth of all falls; 0 without one."""
    return average_of(drawdown_series(equity))


def average_of(series: Floats) -> float:
    """Return the mean depth of all falls of a drawdown series; 0 without one."""
    starts, _ = _edges(series)
    return float(np.mean(np.minimum.reduceat(series, starts))) if len(starts) else 0.0


def ulcer_index(equity: Floats) -> float:
    """Return the root mean square of the falls as a fraction (Martin & McCann 1989, "Investor's Guide to Fidelity")."""
    return ulcer_of(drawdown_series(equity))


def ulcer_of(series: Floats) -> float:
    """Return the root mean square of a drawdown series; NaN for an empty one."""
    return float(np.sqrt(np.mean(series**2))) if len(series) else math.nan
