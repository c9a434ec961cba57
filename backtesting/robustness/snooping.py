"""Is the best of many variants better than nothing, or just the best of many? Reality check and SPA. Pure; seeded.

Sources: White (2000), "A Reality Check for Data Snooping", Econometrica 68(5); Hansen (2005), "A Test for Superior
Predictive Ability", Journal of Business & Economic Statistics 23(4).
"""

import math
from dataclasses import dataclass

import numpy as np

from backtesting.robustness.bootstrap import batches, optimal_block
from domain.bars import Floats

DEFAULT_SAMPLES = 1_000
MIN_OBS = 20


@dataclass(frozen=True, slots=True)
class Snooping:
    """Probabilities of a best variant as good as this one if none were better than the benchmark.

    ``reality_check`` : White's; ``lower``, ``consistent``, ``upper`` : Hansen's, liberal to conservative
    """

    reality_check: float
    lower: float
    consistent: float
    upper: float
    n_variants: int
    n_samples: int
    mean_block: float


def snooping(
    matrix: Floats, *, n_samples: int = DEFAULT_SAMPLES, mean_block: float | None = None, seed: int = 0
) -> Snooping | None:
    """Test the best column of a sweep against a benchmark of 0 (take the benchmark's returns off beforehand).

    Parameters
    ----------
    matrix : float64[n_obs, n_variants], returns (or returns above a benchmark) over the same periods
    n_samples : resamples of the stationary bootstrap; p-values come in steps of one by this
    mean_block : mean block length; None: the optimal one of the best column

    Returns
    -------
    Snooping, or None below twenty returns or where no variant moves.

    Notes
    -----
    With f the mean of each column, w its standard error times sqrt(n) (over the resamples) and f* of a resample:
    White's statistic is ``max sqrt(n) f``, resampled ``max sqrt(n) (f* - f)``. Hansen's is ``max(0, max sqrt(n) f/w)``,
    resampled ``max(0, max sqrt(n) (f* - g(f)) / w)`` where g is ``max(f, 0)`` (lower), f itself unless it is below
    ``-w sqrt(2 log log n / n)``, then 0 (consistent), and f (upper).
    """
    n_obs = len(matrix)
    columns = matrix[:, matrix.std(axis=0) > 1e-13] if n_obs else matrix
    n_variants = int(columns.shape[1])
    if n_obs < MIN_OBS or n_variants == 0:
        return None
    mean = columns.mean(axis=0)
    block = optimal_block(columns[:, int(np.argmax(mean))]) if mean_block is None else mean_block
    means = _resampled_means(columns, n_samples, block, seed)
    root = math.sqrt(n_obs)
    deviation = np.maximum(root * means.std(axis=0), 1e-15)
    threshold = -deviation * math.sqrt(2.0 * math.log(math.log(n_obs)) / n_obs)
    observed = max(0.0, float((root * mean / deviation).max()))
    centres = (np.maximum(mean, 0.0), np.where(mean >= threshold, mean, 0.0), mean)
    lower, consistent, upper = (_p_value(root * (means - centre) / deviation, observed) for centre in centres)
    white = float(np.mean((root * (means - mean)).max(axis=1) >= root * mean.max()))
    return Snooping(white, lower, consistent, upper, n_variants, n_samples, block)


def _p_value(resampled: Floats, observed: float) -> float:
    if observed <= 0:
        return 1.0
    return float(np.mean(np.maximum(resampled.max(axis=1), 0.0) >= observed))


def _resampled_means(columns: Floats, n_samples: int, block: float, seed: int) -> Floats:
    """Return the column means of every resample, float64[n_samples, n_variants], by how often each row is drawn."""
    n = len(columns)
    found = []
    for rows in batches(n, n_samples, block, seed):
        offset = rows + np.arange(len(rows))[:, None] * n
        counts = np.bincount(offset.ravel(), minlength=len(rows) * n).reshape(len(rows), n)
        found.append(counts.astype(np.float64) @ columns / n)
    return np.concatenate(found)
