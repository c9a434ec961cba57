"""Against a benchmark: alpha, beta, correlation, information ratio. Pure. Both return series have one length."""

import math
from dataclasses import dataclass

import numpy as np

from analytics.metrics.performance import deviation, powered
from domain.bars import Floats


@dataclass(frozen=True, slots=True)
class AlphaBeta:
    """Jensen's alpha (a fraction a year) and beta."""

    alpha: float
    beta: float


def beta(returns: Floats, benchmark: Floats, risk_free: float = 0.0) -> float:
    """Return ``cov(r - rf, b - rf) / var(b - rf)``; NaN below two pairs or for a benchmark that never moves."""
    own, other = paired(returns - risk_free, benchmark - risk_free)
    if len(own) < 2 or deviation(other) == 0:
        return math.nan
    centred = other - other.mean()
    return float(np.dot(own - own.mean(), centred) / np.dot(centred, centred))


def alpha_beta(returns: Floats, benchmark: Floats, periods: float, risk_free: float = 0.0) -> AlphaBeta:
    """Return alpha a year, ``(1 + mean(r - rf - beta (b - rf))) ** periods - 1``, and beta.

    Source: empyrical `alpha_beta_aligned`; Jensen (1968), "The Performance of Mutual Funds".
    """
    slope = beta(returns, benchmark, risk_free)
    if math.isnan(slope):
        return AlphaBeta(math.nan, math.nan)
    own, other = paired(returns - risk_free, benchmark - risk_free)
    rest = float(np.mean(own - slope * other))
    return AlphaBeta(powered(1.0 + rest, periods), slope)


def correlation(returns: Floats, benchmark: Floats) -> float:
    """Return Pearson's correlation; NaN below two pairs or where one never moves."""
    own, other = paired(returns, benchmark)
    if len(own) < 2 or deviation(own) == 0 or deviation(other) == 0:
        return math.nan
    return float(np.corrcoef(own, other)[0, 1])


def information_ratio(returns: Floats, benchmark: Floats, periods: float) -> float:
    """Return ``mean(r - b) / std(r - b, n - 1) * sqrt(periods)``; Goodwin (1998), "The Information Ratio"."""
    own, other = paired(returns, benchmark)
    spread = deviation(own - other)
    if math.isnan(spread) or spread == 0:
        return math.nan
    return float(np.mean(own - other)) / spread * math.sqrt(periods)


def paired(returns: Floats, benchmark: Floats) -> tuple[Floats, Floats]:
    """Return both series without the rows in which either is NaN. Raises ValueError for different lengths."""
    if len(returns) != len(benchmark):
        raise ValueError(f"{len(returns)} returns and {len(benchmark)} of the benchmark do not pair")
    both = ~(np.isnan(returns) | np.isnan(benchmark))
    return returns[both], benchmark[both]
