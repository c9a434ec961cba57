"""Counting trials: every different combination ever run for an idea makes the best one look better by luck. Pure."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from analytics.metrics.performance import deviation
from backtesting.search.constraints import Combo
from domain.bars import Floats

_DIGITS = 32


def trial_key(*, code: str, combo: Combo, symbols: Sequence[str], timeframe: str, start: str, end: str) -> str:
    """Return the name of a trial: the same code, parameters and data give the same one, whichever run it was in.

    Count the different keys of a strategy type: repeating a run is not a new trial, another parameter is.
    """
    told = {
        "code": code,
        "parameters": dict(sorted(combo.items())),
        "symbols": sorted(symbols),
        "timeframe": timeframe,
        "start": start,
        "end": end,
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def mean_correlation(matrix: Floats) -> float:
    """Return the mean correlation of all pairs of columns, 0 at least; columns that never move are left out.

    Parameters
    ----------
    matrix : float64[n_obs, n_variants], returns
    """
    moving = np.array([deviation(column) > 0 for column in matrix.T], dtype=np.bool_)
    columns = matrix[:, moving]
    n = int(columns.shape[1])
    if n < 2:
        return 0.0
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    total = float(np.mean(standard.sum(axis=1) ** 2))
    return min(1.0, max(0.0, (total - n) / (n * (n - 1))))


def effective_trials(n_trials: int, correlation: float) -> float:
    """Return how many independent trials ``n_trials`` alike ones are worth: ``rho + (1 - rho) n``.

    Source: Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
    appendix A.3. Fifty variants that correlate by 0.8 are worth 10.8.
    """
    return correlation + (1.0 - correlation) * n_trials
