"""Figures over a moving window of returns. Pure. The first ``window - 1`` values are NaN; NaN returns count as 0."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analytics.metrics.series import divided
from domain.bars import Floats


def rolling_sharpe(returns: Floats, window: int, periods: float) -> Floats:
    """Return ``mean / std(n - 1) * sqrt(periods)`` of the last ``window`` returns; NaN where none varies."""
    mean, spread = _mean_deviation(returns, window)
    return divided(mean, spread) * float(np.sqrt(periods))


def rolling_volatility(returns: Floats, window: int, periods: float) -> Floats:
    """Return ``std(n - 1) * sqrt(periods)`` of the last ``window`` returns, float64[n]."""
    return _mean_deviation(returns, window)[1] * float(np.sqrt(periods))


def rolling_return(returns: Floats, window: int) -> Floats:
    """Return the compounded return of the last ``window`` returns, float64[n]."""
    views = _views(returns, window)
    return _led(np.prod(1.0 + views, axis=1) - 1.0, len(returns))


def rolling_beta(returns: Floats, benchmark: Floats, window: int) -> Floats:
    """Return beta to the benchmark over the last ``window`` returns, float64[n]; NaN where the benchmark rests."""
    own, other = _views(returns, window), _views(benchmark, window)
    centred = other - other.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred)
    return _led(divided(np.einsum("ij,ij->i", own, centred), variance), len(returns))


def rolling_drawdown(equity: Floats, window: int) -> Floats:
    """Return the fall from the highest of the last ``window`` values, float64[n]."""
    if len(equity) < window:
        return np.full(len(equity), np.nan)
    peaks = sliding_window_view(equity, window).max(axis=1)
    return _led(equity[window - 1 :] / peaks - 1.0, len(equity))


def _mean_deviation(returns: Floats, window: int) -> tuple[Floats, Floats]:
    views = _views(returns, window)
    mean = views.mean(axis=1)
    spread = views.std(axis=1, ddof=1)
    spread = np.where(spread <= 1e-13 * np.maximum(1.0, np.abs(mean)), 0.0, spread)
    return _led(mean, len(returns)), _led(spread, len(returns))


def _views(values: Floats, window: int) -> Floats:
    if window < 2:
        raise ValueError(f"a rolling window needs 2 returns at least, not {window}")
    filled = np.nan_to_num(values, nan=0.0)
    return sliding_window_view(filled, window) if len(filled) >= window else np.empty((0, window))


def _led(values: Floats, n: int) -> Floats:
    """Put NaN before the values so that there are n."""
    return np.concatenate((np.full(n - len(values), np.nan), values))
