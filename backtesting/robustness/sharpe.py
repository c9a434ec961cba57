"""How much a Sharpe ratio proves: probabilistic and deflated Sharpe ratio, minimum track record length. Pure.

Every Sharpe ratio here is of one period (a day), NOT annualised: divide an annual one by the root of the periods.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from analytics.metrics import performance, ratios
from domain.bars import Floats

EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class SharpeFacts:
    """A Sharpe ratio of one period with what its precision depends on: count, skewness, kurtosis (3: normal)."""

    value: float
    n: int
    skew: float
    kurtosis: float

    @property
    def spread(self) -> float:
        """``1 - skew S + (kurtosis - 1) / 4 S^2``: (n - 1) times the variance of the estimate (Mertens 2002)."""
        return max(1e-12, 1.0 - self.skew * self.value + (self.kurtosis - 1.0) / 4.0 * self.value**2)


@dataclass(frozen=True, slots=True)
class Deflated:
    """The deflated Sharpe ratio: chance that the true Sharpe is above what the best of ``n_trials`` shows by luck."""

    probability: float
    sharpe: float
    expected_maximum: float
    n_trials: int


def sharpe_facts(returns: Floats) -> SharpeFacts | None:
    """Measure the Sharpe ratio of one period; None below three returns or where they never vary."""
    value = ratios.sharpe(returns, 1)
    if len(returns) < 3 or not math.isfinite(value):
        return None
    return SharpeFacts(value, len(returns), performance.skew(returns), performance.kurtosis(returns))


def probabilistic_sharpe(facts: SharpeFacts, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark (both of one period).

    Notes
    -----
    ``Z((S - S*) sqrt(n - 1) / sqrt(1 - skew S + (kurtosis - 1) / 4 S^2))``. Source: Bailey & Lopez de Prado (2012),
    "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2). 24 months of S = 0.458, skew -2.448 and kurtosis
    10.164 give 0.913.
    """
    return _NORMAL.cdf((facts.value - benchmark) * math.sqrt(facts.n - 1) / math.sqrt(facts.spread))


def minimum_track_record(facts: SharpeFacts, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Return how many returns are needed to be ``confidence`` sure of a Sharpe ratio above the benchmark.

    Infinite where the ratio is not above it. Source: Bailey & Lopez de Prado (2012), as above, eq. 13.
    """
    if facts.value <= benchmark:
        return math.inf
    return 1.0 + facts.spread * (_NORMAL.inv_cdf(confidence) / (facts.value - benchmark)) ** 2


def expected_maximum_sharpe(n_trials: float, variance: float) -> float:
    """Return the best Sharpe ratio that ``n_trials`` without any skill are expected to show.

    ``sqrt(V) ((1 - g) Z^-1(1 - 1/N) + g Z^-1(1 - 1/(N e)))`` with g Euler's constant and V the variance of the trials'
    Sharpe ratios. Source: Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", eq. 1. One trial: 0.
    """
    if n_trials <= 1:
        return 0.0
    high = _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    higher = _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * high + EULER_GAMMA * higher)


def deflated_sharpe(facts: SharpeFacts, *, n_trials: int, variance: float | None = None) -> Deflated:
    """Return the deflated Sharpe ratio of the best of many trials.

    Parameters
    ----------
    facts : of the best trial
    n_trials : how many different trials there ever were for the idea
    variance : of the trials' Sharpe ratios (of one period); None: that of trials without skill, 1 / (n - 1)

    Notes
    -----
    The probabilistic Sharpe ratio against `expected_maximum_sharpe`. Source as there. The paper's example (S = 2.5 a
    year of 250 days, 1250 days, skew -3, kurtosis 10, V = 1/2 a year, 100 trials) gives 0.9004.
    """
    expected = expected_maximum_sharpe(n_trials, 1.0 / (facts.n - 1) if variance is None else variance)
    return Deflated(probabilistic_sharpe(facts, expected), facts.value, expected, n_trials)


def without_best_stretch(returns: Floats, share: float = 0.1) -> Floats:
    """Return the returns but for the stretch of this share of the time that gained most: float64[n - round(n share)].

    What a single event made is gone then; what was earned all along loses about its share.
    """
    n_out = min(len(returns), max(1, round(len(returns) * share)))
    total = np.concatenate(([0.0], np.cumsum(returns)))
    first = int(np.argmax(total[n_out:] - total[: len(total) - n_out]))
    return np.delete(returns, slice(first, first + n_out))


def sharpes_of(matrix: Floats) -> Floats:
    """Return the Sharpe ratio of one period of every column, float64[n_variants]; 0 where a column never moves."""
    mean, spread = matrix.mean(axis=0), matrix.std(axis=0, ddof=1)
    found = np.zeros(matrix.shape[1])
    np.divide(mean, spread, out=found, where=spread > 1e-13)
    return found
