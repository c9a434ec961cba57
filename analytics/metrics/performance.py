"""What was earned and how bumpy it was: returns, growth a year, volatility, stability. Pure.

Returns are fractions a period; ``periods`` is how many a year has (analytics.metrics.annual). Formulas as in
empyrical-reloaded 0.7.1 unless a function says otherwise; too little to measure is NaN.
"""

import math

import numpy as np

from analytics.metrics.annual import DAY_SECONDS, YEAR_DAYS
from analytics.metrics.series import known
from domain.bars import Floats

_FLAT = 1e-13


def total_return(returns: Floats) -> float:
    """Return the compounded return as a fraction; NaN without returns."""
    values = known(returns)
    return float(np.prod(1.0 + values) - 1.0) if len(values) else math.nan


def annual_return(returns: Floats, periods: float) -> float:
    """Return the geometric return a year: ``prod(1 + r) ** (periods / n) - 1``; all lost is -1, NaN without returns.

    NaN returns are not part of the product but of n, as in empyrical.
    """
    if len(known(returns)) == 0:
        return math.nan
    growth = float(np.prod(np.maximum(1.0 + known(returns), 0.0)))  # two losses of more than all are no gain
    return powered(growth, periods / len(returns))


def cagr(start: float, final: float, seconds: float) -> float:
    """Return the compound growth a year of calendar time (365.25 days): ``(final / start) ** (1 / years) - 1``.

    NaN when nothing was there or no time passed. Less than a year is extrapolated.
    """
    if start <= 0 or seconds <= 0:
        return math.nan
    return powered(final / start, YEAR_DAYS * DAY_SECONDS / seconds)


def powered(growth: float, exponent: float) -> float:
    """Return ``growth ** exponent - 1``: -1 for growth of 0 or less, infinity where it is too large for a float."""
    if growth <= 0:
        return -1.0
    try:
        return float(growth**exponent - 1.0)
    except OverflowError:
        return math.inf


def deviation(values: Floats) -> float:
    """Return the standard deviation (n - 1) of values; exactly 0 where they are all the same but for rounding."""
    if len(values) < 2:
        return math.nan
    found = float(np.std(values, ddof=1))
    return 0.0 if found <= _FLAT * max(1.0, abs(float(values.mean()))) else found


def annual_volatility(returns: Floats, periods: float) -> float:
    """Return ``std(r, n - 1) * sqrt(periods)``; NaN below two returns."""
    return deviation(known(returns)) * math.sqrt(periods)


def compounded_volatility(returns: Floats, periods: float) -> float:
    """Return the volatility a year of compounded returns.

    ``sqrt((var + (1 + g)^2)^p - (1 + g)^(2 p))`` with g the geometric mean return and var over n - 1: the deviation of
    a product of p independent returns. Source: backtesting.py 0.6.6, "Volatility (Ann.)" (kernc, compute_stats).
    """
    values = known(returns)
    if len(values) < 2:
        return math.nan
    square = (1.0 + powered(float(np.prod(1.0 + values)), 1 / len(values))) ** 2
    try:
        return math.sqrt(max(0.0, (float(np.var(values, ddof=1)) + square) ** periods - square**periods))
    except OverflowError:
        return math.inf


def stability(returns: Floats) -> float:
    """Return R squared of a straight line through the cumulated log returns (empyrical `stability_of_timeseries`).

    1 is growth along a line, 0 none that a line explains. NaN below two returns or after a total loss.
    """
    values = known(returns)
    if len(values) < 2 or bool(np.any(values <= -1)):
        return math.nan
    path = np.cumsum(np.log1p(values))
    spread = float(np.ptp(path))
    if spread == 0:
        return math.nan
    return float(np.corrcoef(np.arange(len(path), dtype=np.float64), path)[0, 1] ** 2)


def skew(returns: Floats) -> float:
    """Return the skewness: the third central moment over n by the cube of the deviation over n."""
    return _standard_moment(returns, 3)


def kurtosis(returns: Floats) -> float:
    """Return the kurtosis (3 for a normal distribution): fourth central moment by the squared variance, over n."""
    return _standard_moment(returns, 4)


def _standard_moment(returns: Floats, power: int) -> float:
    values = known(returns)
    if len(values) < 2 or deviation(values) == 0:
        return math.nan
    centred = values - values.mean()
    return float(np.mean(centred**power) / np.mean(centred**2) ** (power / 2))
