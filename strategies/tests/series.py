"""Bars for the tests of strategies: a seeded random walk, and hand-written closes."""

import numpy as np

from domain.bars import BarArrays

DAY = 86_400


def walk(n: int = 600, *, seed: int = 7) -> BarArrays:
    """Return daily bars whose closes walk at random around 100."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    opened = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(opened, close) * 1.005, np.minimum(opened, close) * 0.995
    volume = rng.integers(1_000, 9_000, n).astype(np.float64)
    return BarArrays(np.arange(n, dtype=np.int64) * DAY, opened, top, bottom, close, volume)


def of_closes(*closes: float) -> BarArrays:
    """Return bars that stand still at each close."""
    column = np.array(closes, dtype=np.float64)
    return BarArrays(np.arange(len(column), dtype=np.int64) * DAY, column, column, column, column, column * 0 + 1)
