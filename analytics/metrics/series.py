"""From equity to returns and back; the last value of each day, week, month. Pure.

Returns are simple (`equity[i] / equity[i-1] - 1`). Functions of returns skip NaN ones, as empyrical does.
"""

import numpy as np

from analytics.metrics.annual import DAY_SECONDS
from domain.bars import Floats, Ints

MONDAY_OFFSET = 3 * DAY_SECONDS  # 1970-01-01 was a Thursday


def known(returns: Floats) -> Floats:
    """Return the returns without NaN."""
    return returns[~np.isnan(returns)]


def returns_of(equity: Floats, starting_equity: float | None = None) -> Floats:
    """Return simple returns.

    Parameters
    ----------
    equity : float64[n], quote currency
    starting_equity : what there was before the first value; with it there are n returns, without it n - 1

    Returns
    -------
    float64[n] or float64[n - 1], fractions; after equity of 0 or less there is nothing to measure against: NaN
    """
    before = equity[:-1] if starting_equity is None else np.concatenate(([starting_equity], equity[:-1]))
    after = equity[1:] if starting_equity is None else equity
    return divided(after, before) - 1.0


def divided(part: Floats, whole: Floats) -> Floats:
    """Return ``part / whole`` row by row; NaN where ``whole`` is not above 0."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def cumulative(returns: Floats, starting_value: float = 0.0) -> Floats:
    """Compound returns: the total fraction up to each one, or the value that ``starting_value`` becomes.

    A NaN return counts as 0 (empyrical, `cum_returns`). ``cumulative([0.1, -0.1])`` is ``[0.1, -0.01]``.
    """
    grown: Floats = np.cumprod(1.0 + np.nan_to_num(returns, nan=0.0), dtype=np.float64)
    return grown - 1.0 if starting_value == 0 else grown * starting_value


def period_values(t: Ints, values: Floats, seconds: int = DAY_SECONDS) -> tuple[Ints, Floats]:
    """Return the last value of every UTC day (or of every step of ``seconds``; a week begins on Monday).

    Parameters
    ----------
    t : int64[n], unix seconds, ascending: when each value holds (a bar's close; exactly midnight belongs to the day
        that ends there)
    values : float64[n]
    """
    last = period_ends(t, seconds)
    return t[last], values[last]


def period_ends(t: Ints, seconds: int = DAY_SECONDS) -> Ints:
    """Return the row of the last moment of every UTC day (or step of ``seconds``; see `period_values`)."""
    if len(t) == 0:
        return np.empty(0, dtype=np.int64)
    offset = MONDAY_OFFSET if seconds > DAY_SECONDS else 0
    step = (t - 1 + offset) // seconds
    return np.flatnonzero(np.append(step[1:] != step[:-1], True))


def month_numbers(t: Ints) -> Ints:
    """Return the months since January 1970 that moments lie in (midnight belongs to the day that ends there)."""
    stamps = (t - 1).astype("datetime64[s]")
    return stamps.astype("datetime64[M]").astype(np.int64)


def quarter_numbers(t: Ints) -> Ints:
    """Return the quarters since 1970 that moments lie in."""
    return month_numbers(t) // 3


def year_numbers(t: Ints) -> Ints:
    """Return the years that moments lie in."""
    return month_numbers(t) // 12 + 1970


def week_numbers(t: Ints) -> Ints:
    """Return the weeks (Monday to Sunday) that moments lie in."""
    return (t - 1 + MONDAY_OFFSET) // (7 * DAY_SECONDS)


def aggregated(groups: Ints, returns: Floats) -> tuple[Ints, Floats]:
    """Compound the returns of each group (ascending group numbers): (groups, fractions). More than all lost is -1."""
    names, first = np.unique(groups, return_index=True)
    if len(names) == 0:
        return names, returns
    return names, np.multiply.reduceat(np.maximum(1.0 + np.nan_to_num(returns, nan=0.0), 0.0), first) - 1.0
