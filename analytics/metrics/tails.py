"""Bad days: historical value at risk and expected shortfall of returns. Pure. Losses are negative fractions."""

import math

import numpy as np

from analytics.metrics.series import known
from domain.bars import Floats


def value_at_risk(returns: Floats, share: float = 0.05) -> float:
    """Return the quantile of the returns at ``share`` (linear interpolation), e.g. -0.021: one day in 20 is worse.

    Source: empyrical `value_at_risk` (Hyndman & Fan 1996, type 7). NaN without returns.
    """
    values = known(returns)
    return float(np.percentile(values, 100 * share)) if len(values) else math.nan


def expected_shortfall(returns: Floats, share: float = 0.05) -> float:
    """Return the mean of the worst ``floor((n - 1) share) + 1`` returns (empyrical `conditional_value_at_risk`)."""
    values = known(returns)
    if len(values) == 0:
        return math.nan
    n_worst = int((len(values) - 1) * share + 1e-9) + 1
    return float(np.partition(values, n_worst - 1)[:n_worst].mean())
