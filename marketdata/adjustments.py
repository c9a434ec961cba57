"""Splits in series of bars: prices before a split are put on the scale of today. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.bars import BarArrays, Floats, Ints

PLACES = 6  # of an adjusted price


@dataclass(frozen=True, slots=True)
class Split:
    """A split: from `t` on (unix seconds, 00:00Z of the ex-date) there are `ratio` shares for one (0.05: 1 for 20)."""

    t: int
    ratio: float


def factors(t: Ints, splits: Sequence[Split]) -> Floats:
    """Return how many shares of today each bar's one share has become: the product of the later splits' ratios.

    t : int64[n], open times of bars
    Returns float64[n]; 1 after the last split. ``factors([day 1, day 3], [Split(day 2, 2.0)])`` is ``[2, 1]``.
    """
    found = np.ones(len(t))
    for split in splits:
        found[t < split.t] *= split.ratio
    return found


def adjusted(bars: BarArrays, splits: Sequence[Split]) -> BarArrays:
    """Return bars as if every split had been there from the first: prices divided, volume multiplied by `factors`."""
    if not splits or not len(bars):
        return bars
    factor = factors(bars.t, splits)
    if (factor == 1.0).all():
        return bars
    opened, high, low, close = (np.round(column / factor, PLACES) for column in (bars.o, bars.h, bars.l, bars.c))
    return BarArrays(bars.t, opened, high, low, close, bars.v * factor)
