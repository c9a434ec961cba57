"""Stationary block bootstrap: what else could have happened with returns like these. Pure; randomness is seeded.

Sources: Politis & Romano (1994), "The Stationary Bootstrap", JASA 89; block length by Politis & White (2004) with the
correction of Patton, Politis & White (2009), Econometric Reviews 28(4).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analytics.metrics.series import known
from domain.bars import Floats, Ints

DEFAULT_SAMPLES = 1_000
LEVEL = 0.90
_BATCH_CELLS = 2_000_000
MAX_POINTS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the interval that holds ``level`` of the samples, and the share of samples below 0."""

    estimate: float
    low: float
    high: float
    level: float
    share_below_zero: float


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Quantiles of equity paths at some steps: ``quantiles[i]`` is the path of ``levels[i]``. Step 0 is the start."""

    steps: Ints
    levels: tuple[float, ...]
    quantiles: Floats


def optimal_block(values: Floats) -> float:
    """Return the mean block length that suits how far a series remembers; 1 for one that does not."""
    n = len(values)
    if n < 8:
        return 1.0
    eps = values - values.mean()
    if not np.any(eps):
        return 1.0
    run = max(5, int(math.log10(n)))
    n_lags = min(math.ceil(math.sqrt(n)) + run, n - 2)
    covariance = np.array([np.dot(eps[k:], eps[: n - k]) / n for k in range(n_lags + 1)])
    m = _memory(np.abs(covariance / covariance[0]), run, 2.0 * math.sqrt(math.log10(n) / n), n_lags)
    lags = np.arange(1, m + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / m))
    spread = 2.0 * float(np.sum(weights * lags * covariance[1 : m + 1]))
    long_run = float(covariance[0] + 2.0 * np.sum(weights * covariance[1 : m + 1]))
    if long_run <= 0:
        return 1.0
    length = (spread**2 / long_run**2) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(1.0, length), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


def _memory(correlation: Floats, run: int, bound: float, n_lags: int) -> int:
    """Return twice the lag after which ``run`` correlations in a row are negligible."""
    for lag in range(1, n_lags + 1 - run):
        if bool(np.all(correlation[lag : lag + run] < bound)):
            return min(2 * max(lag - 1, 1), n_lags)
    return n_lags


def resampled_rows(n: int, n_samples: int, mean_block: float, rng: np.random.Generator) -> Ints:
    """Return rows of ``n_samples`` resamples, int64[n_samples, n]: blocks of geometric length, wrapped at the end."""
    starts = rng.random((n_samples, n)) < 1.0 / mean_block
    starts[:, 0] = True
    place = np.arange(n)
    last = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    origin = np.take_along_axis(rng.integers(0, n, (n_samples, n)), last, axis=1)
    return (origin + place - last) % n


def batches(n: int, n_samples: int, mean_block: float, seed: int) -> Iterator[Ints]:
    """Yield the resamples of `resampled_rows` in batches that fit in memory; the same for the same seed."""
    rng = np.random.default_rng(seed)
    size = max(1, min(n_samples, _BATCH_CELLS // max(1, n)))
    for start in range(0, n_samples, size):
        yield resampled_rows(n, min(size, n_samples - start), mean_block, rng)


Statistic = Callable[[Floats], Floats]


def statistics_of(periods: float) -> dict[str, Statistic]:
    """Return what is bootstrapped, by metric: functions from float64[n_samples, n_obs] to float64[n_samples]."""
    return {
        "sharpe": lambda paths: _sharpes(paths) * math.sqrt(periods),
        "annual_return": lambda paths: np.exp(np.log1p(np.maximum(paths, -0.999999)).mean(axis=1) * periods) - 1.0,
        "annual_volatility": lambda paths: paths.std(axis=1, ddof=1) * math.sqrt(periods),
        "max_drawdown": _drawdowns,
    }


def intervals(
    returns: Floats,
    *,
    periods: float,
    n_samples: int = DEFAULT_SAMPLES,
    mean_block: float | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Return percentile intervals of Sharpe ratio, annual return, volatility and deepest drawdown.

    Parameters
    ----------
    returns : float64[n_obs], simple returns of one period (NaN ones are left out)
    periods : periods a year
    mean_block : mean length of a block; None: the optimal one

    Returns
    -------
    dict of Interval by metric; empty below ten returns.
    """
    values = known(returns)
    if len(values) < 10:
        return {}
    block = optimal_block(values) if mean_block is None else mean_block
    functions = statistics_of(periods)
    samples: dict[str, list[Floats]] = {name: [] for name in functions}
    for rows in batches(len(values), n_samples, block, seed):
        paths = values[rows]
        for name, function in functions.items():
            samples[name].append(function(paths))
    return {
        name: _interval(float(functions[name](values[None, :])[0]), np.concatenate(found), level)
        for name, found in samples.items()
    }


def _interval(estimate: float, samples: Floats, level: float) -> Interval:
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level, float(np.mean(samples < 0)))


def equity_bands(
    returns: Floats,
    starting_equity: float,
    *,
    n_samples: int = DEFAULT_SAMPLES,
    mean_block: float | None = None,
    seed: int = 0,
    levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95),
) -> Bands:
    """Return quantiles of the equity that resampled returns would have given, at up to 200 steps."""
    values = np.nan_to_num(returns, nan=0.0)
    block = optimal_block(values) if mean_block is None else mean_block
    steps = sampled_steps(len(values))
    paths = [
        np.cumprod(1.0 + values[rows], axis=1)[:, steps[1:] - 1]
        for rows in batches(len(values), n_samples, block, seed)
    ]
    return bands_of(starting_equity * np.concatenate(paths), starting_equity, steps, levels)


def sampled_steps(n: int, max_points: int = MAX_POINTS) -> Ints:
    """Return up to ``max_points`` even steps from 0 to n, both among them."""
    return np.unique(np.linspace(0, n, min(n + 1, max_points)).round().astype(np.int64))


def bands_of(paths: Floats, start: float, steps: Ints, levels: tuple[float, ...]) -> Bands:
    """Return the quantiles of paths (float64[n_paths, n_steps - 1], without step 0) with the start before them."""
    found = np.quantile(paths, levels, axis=0)
    return Bands(steps, levels, np.column_stack((np.full(len(levels), start), found)))


def _sharpes(paths: Floats) -> Floats:
    spread = paths.std(axis=1, ddof=1)
    found = np.zeros(len(paths))
    np.divide(paths.mean(axis=1), spread, out=found, where=spread > 1e-13)
    return found


def _drawdowns(paths: Floats) -> Floats:
    equity = np.cumprod(1.0 + paths, axis=1)
    peak = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    found: Floats = (equity / peak - 1.0).min(axis=1)
    return np.minimum(found, 0.0)
