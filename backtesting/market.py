"""What a run would have earned without any skill: holding its instruments, and what cash earns by itself. Pure.

The verdict on luck takes both off, whatever benchmark the run is shown beside.
"""

from dataclasses import replace

import numpy as np

from analytics.metrics.annual import Basis
from analytics.metrics.series import period_ends, returns_of
from backtesting.assignments import Assignment, benchmark_of
from backtesting.spec import Dividend
from domain.bars import BarArrays, Floats, Ints

_YEAR_SECONDS = 365 * 86_400


def holding(assignment: Assignment, t: Ints) -> Floats:
    """Return the value of holding the instruments in equal parts at each moment, float64[n]; NaN before any price.

    Dividends are put back into what paid them, where the run credits them.
    """
    bars = {
        symbol: _with_dividends(series, [each for each in assignment.settings.dividends if each.symbol == symbol])
        for symbol, series in assignment.bars.items()
    }
    return benchmark_of(replace(assignment, bars=bars, benchmark=None), t)[1]


def _with_dividends(bars: BarArrays, dividends: list[Dividend]) -> BarArrays:
    grown = np.ones(len(bars))
    for each in dividends:
        row = int(np.searchsorted(bars.t, each.t))
        if 0 < row < len(bars):
            grown[row:] *= 1.0 + float(each.amount) / bars.c[row - 1]
    return replace(bars, c=bars.c * grown)


def cash(assignment: Assignment, t: Ints) -> Floats:
    """Return what one unit of cash, lent at the run's rate from the first moment on, is worth at each: float64[n]."""
    rate = float(assignment.settings.financing.cash_percent) / 100.0 / _YEAR_SECONDS
    return np.asarray(np.cumprod(1.0 + rate * np.diff(t, prepend=t[:1])), dtype=np.float64)


def without_cash(returns: Floats, assignment: Assignment, t: Ints, basis: Basis) -> Floats:
    """Take from the returns of the periods of some moments what cash alone would have earned in them."""
    return returns - _of_periods(cash(assignment, t), t, basis)


def returns_of_holding(assignment: Assignment, t: Ints, basis: Basis) -> Floats | None:
    """Return what holding gave above cash in the periods of some moments, 0 in the first; None without any price."""
    values = holding(assignment, t)
    if not np.isfinite(values).any():
        return None
    return np.nan_to_num(without_cash(_of_periods(values, t, basis), assignment, t, basis), nan=0.0)


def _of_periods(values: Floats, t: Ints, basis: Basis) -> Floats:
    ends = values[period_ends(t, basis.seconds)]
    return np.concatenate(([0.0], returns_of(ends))) if len(ends) else ends
