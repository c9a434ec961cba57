"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV). Pure.

Source: Bailey, Borwein, Lopez de Prado & Zhu (2016), "The Probability of Backtest Overfitting", Journal of
Computational Finance 20(4).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from domain.bars import Floats

DEFAULT_BLOCKS = 16
MIN_BLOCK = 4
_BATCH_CELLS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What choosing the best in one half of the time gives in the other half, over all ways to halve it.

    ``probability`` : share of the splits in which the best in sample is in the lower half out of sample
    ``logits`` : float64[n_splits], log odds of its relative rank out of sample (0: the median)
    ``probability_of_loss`` : share of the splits in which it loses out of sample
    ``slope`` : of its Sharpe out of sample on that in sample; below 0: the better it looked, the worse it did
    """

    probability: float
    probability_of_loss: float
    slope: float
    logits: Floats
    n_splits: int
    n_blocks: int


def pbo(matrix: Floats, n_blocks: int = DEFAULT_BLOCKS) -> Overfitting | None:
    """Measure the overfitting of a sweep with the Sharpe ratio as what is chosen by.

    Parameters
    ----------
    matrix : float64[n_obs, n_variants], returns of every variant over the same periods
    n_blocks : even number of blocks of time; fewer are taken where a block would hold under 4 returns

    Returns
    -------
    Overfitting, or None below two variants or too few returns for four blocks. Rows that do not fill the blocks
    evenly are left out at the start.
    """
    n_obs, n_variants = matrix.shape
    n_blocks = min(n_blocks, n_obs // MIN_BLOCK) // 2 * 2
    if n_variants < 2 or n_blocks < 4:
        return None
    length = n_obs // n_blocks
    blocks = matrix[n_obs - length * n_blocks :].reshape(n_blocks, length, n_variants)
    sums, squares = blocks.sum(axis=1), (blocks**2).sum(axis=1)
    halves = _halves(n_blocks)
    size = max(1, _BATCH_CELLS // n_variants)
    parts = [_chosen(halves[i : i + size], sums, squares, length) for i in range(0, len(halves), size)]
    ranks, inside, outside = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    logits = np.log(ranks / (1.0 - ranks))
    return Overfitting(
        probability=float(np.mean(logits <= 0)),
        probability_of_loss=float(np.mean(outside < 0)),
        slope=_slope(inside, outside),
        logits=logits,
        n_splits=len(logits),
        n_blocks=n_blocks,
    )


def _halves(n_blocks: int) -> Floats:
    """Return every way to halve the blocks as rows of 0 and 1, the first block in one; the other half is the rest."""
    chosen = np.array([(0, *rest) for rest in combinations(range(1, n_blocks), n_blocks // 2 - 1)])
    found = np.zeros((len(chosen), n_blocks))
    np.put_along_axis(found, chosen, 1.0, axis=1)
    return found


def _chosen(halves: Floats, sums: Floats, squares: Floats, length: int) -> tuple[Floats, Floats, Floats]:
    """Return for each split, and each with its halves exchanged, what `_ranked` does."""
    n = length * sums.shape[0] // 2
    one = _sharpe(halves @ sums, halves @ squares, n)
    other = 1.0 - halves
    two = _sharpe(other @ sums, other @ squares, n)
    ranks, inside, outside = zip(_ranked(one, two), _ranked(two, one), strict=True)
    return np.concatenate(ranks), np.concatenate(inside), np.concatenate(outside)


def _ranked(inside: Floats, outside: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the relative rank out of sample of the best in sample, and its Sharpe ratio in and out of it."""
    rows = np.arange(len(inside))
    top = inside.argmax(axis=1)
    value = outside[rows, top]
    below = np.count_nonzero(outside < value[:, None], axis=1)
    equal = np.count_nonzero(outside == value[:, None], axis=1)
    rank = (below + (equal + 1) / 2.0) / (inside.shape[1] + 1)
    return rank, inside[rows, top], value


def _sharpe(total: Floats, square: Floats, n: int) -> Floats:
    mean = total / n
    variance = np.maximum((square - n * mean**2) / (n - 1), 0.0)
    found = np.zeros_like(mean)
    np.divide(mean, np.sqrt(variance), out=found, where=variance > 1e-26)
    return found


def _slope(inside: Floats, outside: Floats) -> float:
    centred = inside - inside.mean()
    square = float(np.dot(centred, centred))
    return float(np.dot(centred, outside)) / square if square > 0 else 0.0
