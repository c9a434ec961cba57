"""What speaks for and against luck, measured on a sweep or on one run: the material of a verdict. Pure; seeded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.metrics.series import known
from backtesting.robustness.bootstrap import Interval, intervals
from backtesting.robustness.overfitting import pbo
from backtesting.robustness.sharpe import (
    deflated_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_facts,
    sharpes_of,
    without_best_stretch,
)
from backtesting.robustness.snooping import snooping
from backtesting.search.trials import mean_correlation
from domain.bars import Floats

MAX_VARIANTS = 1_000
MIN_RETURNS = 60
_MIN_ROWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Measurements; None: could not be measured, or does not apply (a single run has no overfitting to measure).

    sharpe, expected_maximum_sharpe : a year; the latter is what the best of ``n_trials`` without skill shows
    probabilistic_sharpe : chance that the true Sharpe is above 0; deflated_sharpe : above expected_maximum_sharpe
    minimum_track_record : returns needed for 95 % confidence that the true Sharpe is above 0
    without_best_tenth : the probabilistic Sharpe of what is left without the best tenth of the time
    overfitting, overfitting_loss : CSCV's probability of overfitting, and of a loss out of sample
    reality_check, spa : p-values of the best variant against the rest of the sweep
    out_of_sample_efficiency : of a walk-forward; stability : of the parameter plateau
    """

    n_returns: int
    n_trials: int
    n_trades: int | None
    sharpe: float | None
    probabilistic_sharpe: float | None
    deflated_sharpe: float | None
    expected_maximum_sharpe: float | None
    minimum_track_record: float | None
    sharpe_interval: Interval | None
    without_best_tenth: float | None = None
    overfitting: float | None = None
    overfitting_loss: float | None = None
    reality_check: float | None = None
    spa: float | None = None
    n_variants_tested: int = 1
    out_of_sample_efficiency: float | None = None
    stability: float | None = None
    is_against_market: bool = False


def without_market(matrix: Floats, market: Floats) -> Floats:
    """Take from every column what the market gave: ``r - beta m``, beta of each column over the whole time.

    A long strategy in a rising market earns without any skill; what is left is Jensen's alpha (1968) and its noise.

    Parameters
    ----------
    matrix : float64[n_obs, n_variants], returns; market : float64[n_obs], returns of just holding the instruments
    """
    moved = np.nan_to_num(market, nan=0.0)
    if len(moved) == 0:
        return matrix
    centred = moved - moved.mean()
    square = float(np.dot(centred, centred))
    if square <= 0:
        return matrix
    beta = centred @ matrix / square
    return matrix - np.outer(moved, beta)


def sweep_evidence(
    matrix: Floats,
    *,
    periods_per_year: float,
    n_trials: int | None = None,
    best: int | None = None,
    market: Floats | None = None,
    n_trades: int | None = None,
    n_samples: int = 1_000,
    seed: int = 0,
    stability: float | None = None,
    out_of_sample_efficiency: float | None = None,
) -> Evidence:
    """Measure a sweep.

    Parameters
    ----------
    matrix : float64[n_obs, n_variants], returns of one period of every variant over the same periods
    periods_per_year : of the returns
    n_trials : different trials ever made for the idea; at least the number of variants
    best : column that was chosen; None: the one with the highest Sharpe ratio
    market : float64[n_obs], returns of just holding the instruments; what they explain is taken off
    n_trades : closed trades of the chosen variant
    """
    clean = np.nan_to_num(matrix, nan=0.0)
    clean = clean if market is None else without_market(clean, market)
    sharpes = sharpes_of(clean) if len(clean) >= _MIN_ROWS else np.zeros(clean.shape[1])
    chosen = int(np.argmax(sharpes)) if best is None else best
    variance = _luck_variance(clean, sharpes) if len(sharpes) > 1 and len(clean) >= _MIN_ROWS else None
    split = pbo(clean) if clean.shape[1] > 1 else None
    tested = snooping(clean, n_samples=n_samples, seed=seed) if clean.shape[1] > 1 else None
    alone = run_evidence(
        clean[:, chosen],
        periods_per_year=periods_per_year,
        n_trials=max(n_trials or 1, clean.shape[1]),
        trial_variance=variance,
        n_trades=n_trades,
        n_samples=n_samples,
        seed=seed,
    )
    return _with(
        alone,
        overfitting=None if split is None else split.probability,
        overfitting_loss=None if split is None else split.probability_of_loss,
        reality_check=None if tested is None else tested.reality_check,
        spa=None if tested is None else tested.consistent,
        n_variants_tested=clean.shape[1],
        stability=stability,
        out_of_sample_efficiency=out_of_sample_efficiency,
        is_against_market=market is not None,
    )


def _luck_variance(matrix: Floats, sharpes: Floats) -> float:
    """Return the variance of the variants' Sharpe ratios (of one period) that luck explains.

    Bailey & Lopez de Prado take the variance seen across trials. Where variants truly differ that counts skill as luck,
    so it is bounded by what trials without skill would show: ``(1 - rho) / (n - 1)``, rho their mean correlation.
    """
    seen = float(np.var(sharpes, ddof=1))
    return min(seen, (1.0 - mean_correlation(matrix)) / (len(matrix) - 1))


def run_evidence(
    returns: Floats,
    *,
    periods_per_year: float,
    n_trials: int = 1,
    trial_variance: float | None = None,
    market: Floats | None = None,
    n_trades: int | None = None,
    n_samples: int = 1_000,
    seed: int = 0,
    out_of_sample_efficiency: float | None = None,
) -> Evidence:
    """Measure one run: the same without what only a sweep can tell.

    Parameters
    ----------
    returns : float64[n_obs], of one period
    trial_variance : variance of the Sharpe ratios (of one period) of all trials; None: that of trials without skill
    """
    if market is not None:
        returns = without_market(np.nan_to_num(returns, nan=0.0)[:, None], market)[:, 0]
    values = known(returns)
    facts = sharpe_facts(values)
    year = math.sqrt(periods_per_year)
    deflated = None if facts is None else deflated_sharpe(facts, n_trials=n_trials, variance=trial_variance)
    record = math.inf if facts is None else minimum_track_record(facts)
    rest = None if facts is None else sharpe_facts(without_best_stretch(values))
    return Evidence(
        n_returns=len(values),
        n_trials=n_trials,
        n_trades=n_trades,
        sharpe=None if facts is None else facts.value * year,
        probabilistic_sharpe=None if facts is None else probabilistic_sharpe(facts),
        deflated_sharpe=None if deflated is None else deflated.probability,
        expected_maximum_sharpe=None if deflated is None else deflated.expected_maximum * year,
        minimum_track_record=record if math.isfinite(record) else None,
        sharpe_interval=intervals(values, periods=periods_per_year, n_samples=n_samples, seed=seed).get("sharpe"),
        without_best_tenth=None if rest is None else probabilistic_sharpe(rest),
        out_of_sample_efficiency=out_of_sample_efficiency,
        is_against_market=market is not None,
    )


def chosen_columns(n_variants: int, best: int, max_variants: int = MAX_VARIANTS) -> Sequence[int]:
    """Return which variants of a large sweep to measure: evenly spread, the best one among them, ascending."""
    if n_variants <= max_variants:
        return range(n_variants)
    spread = np.linspace(0, n_variants - 1, max_variants - 1).round().astype(int).tolist()
    return sorted({*spread, best})


def _with(evidence: Evidence, **changes: object) -> Evidence:
    told = {name: getattr(evidence, name) for name in Evidence.__dataclass_fields__}
    return Evidence(**{**told, **changes})
