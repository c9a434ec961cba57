"""How instruments move together (pure): aligned daily returns, beta, correlations shrunk by Ledoit-Wolf, clusters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.bars import Floats, Ints

CLUSTER_AT = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Closes:
    """Daily closes of one instrument: when each bar opened, and its close."""

    t: Ints
    close: Floats


def aligned_returns(series: Sequence[Closes], n_days: int) -> Floats:
    """Return the last ``n_days`` daily returns of the days that all series have, float64[up to n_days, n_series].

    A return runs from one common day to the next. Days on which one of them has no bar are left out for all.
    """
    if not series:
        return np.empty((0, 0))
    days = series[0].t[-(n_days + 1) :]
    if all(np.array_equal(each.t[-(n_days + 1) :], days) for each in series[1:]):  # the usual case, much faster
        prices = np.column_stack([each.close[-(n_days + 1) :] for each in series])
    else:
        days = _common_days(series)[-(n_days + 1) :]
        prices = np.column_stack([each.close[np.searchsorted(each.t, days)] for each in series])
    if len(days) < 2:
        return np.empty((0, len(series)))
    found: Floats = prices[1:] / prices[:-1] - 1
    return found


def _common_days(series: Sequence[Closes]) -> Ints:
    days = series[0].t
    for each in series[1:]:
        days = np.intersect1d(days, each.t, assume_unique=True)
    return days


def beta(returns: Floats, benchmark: Floats) -> float | None:
    """Return covariance / variance of the benchmark (Sharpe 1964); None where the benchmark does not move."""
    moved = benchmark - benchmark.mean()
    variance = float(moved @ moved)
    return float((returns - returns.mean()) @ moved) / variance if variance > 0 else None


def correlation(one: Floats, two: Floats) -> float | None:
    """Return Pearson's correlation, within -1 and 1; None where one of them does not move."""
    first, second = one - one.mean(), two - two.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return max(-1.0, min(1.0, float(first @ second) / scale)) if scale > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A correlation matrix drawn towards the identity by ``shrinkage`` (0..1)."""

    matrix: Floats
    shrinkage: float


def shrunk_correlation(returns: Floats) -> Shrunk:
    """Return the correlation matrix shrunk towards the identity by the share that Ledoit & Wolf (2004) find best.

    "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Analysis 88, applied to
    standardised returns, whose covariance is their correlation. What does not move is correlated with nothing.

    Parameters
    ----------
    returns : float64[n_days, n]
    """
    n_days, n = returns.shape
    moved = returns - returns.mean(axis=0)
    deviation = moved.std(axis=0)
    standard = np.divide(moved, deviation, out=np.zeros_like(moved), where=deviation > 0)
    sample = standard.T @ standard / n_days
    scale = float(np.trace(sample)) / n
    distance = float(((sample - scale * np.eye(n)) ** 2).sum()) / n
    squares = standard**2
    noise = (float((squares.T @ squares).sum()) / n_days - float((sample**2).sum())) / (n * n_days)
    share = 0.0 if distance <= 0 else max(0.0, min(noise, distance) / distance)
    matrix = (1 - share) * sample
    np.fill_diagonal(matrix, 1.0)
    return Shrunk(matrix, share)


def clusters(matrix: Floats, *, at_least: float = CLUSTER_AT) -> list[list[int]]:
    """Return groups of rows that are chained together by correlations of at least ``at_least``, the largest first."""
    left = set(range(len(matrix)))
    groups: list[list[int]] = []
    while left:
        group, edge = [], [min(left)]
        left.discard(edge[0])
        while edge:
            row = edge.pop()
            group.append(row)
            near = [other for other in sorted(left) if matrix[row, other] >= at_least]
            left.difference_update(near)
            edge += near
        groups.append(sorted(group))
    return sorted(groups, key=lambda each: (-len(each), each))
