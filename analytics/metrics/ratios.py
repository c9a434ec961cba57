"""Return for risk: Sharpe, Sortino, Calmar, Omega and what they divide by. Pure.

Definitions of empyrical-reloaded 0.7.1; ``risk_free`` and ``required`` are fractions a period (or one for each
return). Nothing to measure is NaN; a gain without any risk is infinite.
"""

import math

import numpy as np

from analytics.metrics.drawdowns import max_drawdown_of_returns
from analytics.metrics.performance import annual_return, deviation
from analytics.metrics.series import known
from domain.bars import Floats


def sharpe(returns: Floats, periods: float, risk_free: float | Floats = 0.0) -> float:
    """Return ``mean(r - rf) / std(r - rf, n - 1) * sqrt(periods)``; Sharpe (1994), "The Sharpe Ratio"."""
    excess = known(returns - risk_free)
    if len(excess) < 2:
        return math.nan
    return _by(float(excess.mean()), deviation(excess)) * math.sqrt(periods)


def downside_risk(returns: Floats, periods: float, required: float | Floats = 0.0) -> float:
    """Return ``sqrt(mean(min(r - required, 0)^2)) * sqrt(periods)``; NaN without returns."""
    below = np.minimum(known(returns - required), 0.0)
    return float(np.sqrt(np.mean(below**2))) * math.sqrt(periods) if len(below) else math.nan


def sortino(returns: Floats, periods: float, required: float | Floats = 0.0) -> float:
    """Return ``mean(r - required) * periods / downside_risk``; Sortino & Price (1994)."""
    excess = known(returns - required)
    if len(excess) < 2:
        return math.nan
    return _by(float(excess.mean()) * periods, downside_risk(excess, periods))


def calmar(returns: Floats, periods: float) -> float:
    """Return the annual return by the deepest drawdown; NaN without a drawdown. Young (1991), "Calmar Ratio"."""
    deepest = max_drawdown_of_returns(returns)
    return annual_return(returns, periods) / -deepest if deepest < 0 else math.nan


def omega(returns: Floats, periods: float, risk_free: float | Floats = 0.0, required_annual: float = 0.0) -> float:
    """Return gains above by losses below a threshold; Keating & Shadwick (2002), "A Universal Performance Measure".

    ``required_annual`` is a fraction a year, put on one period by ``(1 + required) ** (1 / periods) - 1``. NaN below
    two returns, for a required loss of all (-1 or less) and where nothing lies below.
    """
    if len(returns) < 2 or required_annual <= -1:
        return math.nan
    threshold = (1.0 + required_annual) ** (1.0 / periods) - 1.0 if periods != 1 else required_annual
    beyond = known(returns - risk_free - threshold)
    losses = -float(beyond[beyond < 0].sum())
    return float(beyond[beyond > 0].sum()) / losses if losses > 0 else math.nan


def tail_ratio(returns: Floats) -> float:
    """Return the size of the 95th percentile by that of the 5th (empyrical): above 1 the good tail is the larger."""
    values = known(returns)
    if len(values) == 0:
        return math.nan
    low = abs(float(np.percentile(values, 5)))
    return abs(float(np.percentile(values, 95))) / low if low > 0 else math.nan


def _by(gain: float, risk: float) -> float:
    if math.isnan(risk) or math.isnan(gain):
        return math.nan
    if risk == 0:
        return math.copysign(math.inf, gain) if gain else math.nan
    return gain / risk
