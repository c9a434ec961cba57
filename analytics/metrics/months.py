"""The table of returns by month and year. Pure."""

from dataclasses import dataclass

import numpy as np

from analytics.metrics.series import aggregated, month_numbers, returns_of
from domain.bars import Floats, Ints

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class YearRow:
    """A year's twelve returns (None: no values in that month) and what they compound to."""

    year: int
    months: tuple[float | None, ...]
    total: float


def monthly_table(t: Ints, equity: Floats, starting_equity: float | None = None) -> tuple[YearRow, ...]:
    """Return a row for each year, the oldest first.

    Parameters
    ----------
    t : int64[n], unix seconds (UTC) at which the equity held; equity : float64[n]
    starting_equity : what there was before the first value; without it the first value itself
    """
    if len(t) == 0:
        return ()
    start = float(equity[0]) if starting_equity is None else starting_equity
    names, fractions = aggregated(month_numbers(t), returns_of(equity, start))
    found = dict(zip(names.tolist(), fractions.tolist(), strict=True))
    years = range(int(names[0]) // 12, int(names[-1]) // 12 + 1)
    return tuple(_row(year, tuple(found.get(year * 12 + month) for month in range(12))) for year in years)


def _row(year: int, months: tuple[float | None, ...]) -> YearRow:
    total = float(np.prod([1.0 + each for each in months if each is not None]) - 1.0)
    return YearRow(year + 1970, months, total)
