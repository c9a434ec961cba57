"""Value at risk and expected shortfall (pure): historical, parametric, Cornish-Fisher; what each position adds to it.

Losses are positive numbers in the unit of the P&L that is handed in; a negative one is a gain.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from domain.bars import Floats

LEVELS = (0.95, 0.99)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class TailRisk:
    """Value at risk and expected shortfall of one method at one confidence level."""

    method: str
    level: float
    value_at_risk: float
    expected_shortfall: float


def historical(pnl: Floats, level: float) -> TailRisk:
    """Return the loss at the (1 - level) quantile of past P&L and the mean of the losses from there on.

    Parameters
    ----------
    pnl : float64[n_days], P&L of each day (currency)
    level : confidence, 0.99 for the loss of one day in a hundred

    Notes
    -----
    The quantile is interpolated linearly (Hyndman & Fan 1996, type 7); the shortfall is the mean of the
    ``floor((n - 1) (1 - level)) + 1`` worst days, all that are at or beyond the quantile.
    """
    share = 1 - level
    worst = np.sort(pnl)[: int((len(pnl) - 1) * share + 1e-9) + 1]
    return TailRisk("historical", level, -float(np.quantile(pnl, share)), -float(worst.mean()))


def parametric(pnl: Floats, level: float) -> TailRisk:
    """Return both for normally distributed P&L with the sample's mean and deviation (n - 1); RiskMetrics 1996.

    VaR = -mean + z s; ES = -mean + s density(z) / (1 - level), where z is the normal quantile of the level.
    """
    mean, deviation = float(pnl.mean()), float(pnl.std(ddof=1))
    z = _NORMAL.inv_cdf(level)
    shortfall = deviation * _NORMAL.pdf(z) / (1 - level)
    return TailRisk("parametric", level, deviation * z - mean, shortfall - mean)


def cornish_fisher(pnl: Floats, level: float) -> TailRisk:
    """Return both with the quantile corrected for skew S and excess kurtosis K (Cornish & Fisher 1938; Maillard 2012).

    With z the normal quantile of 1 - level: w = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36 and
    VaR = -mean - s w. ES is the mean of the same expansion over the tail, by the normal's truncated moments
    E[z] = -f/p, E[z^2] = 1 - z f/p, E[z^3] = -(z^2 + 2) f/p. S and K are the sample's central moments over n.
    """
    mean, deviation = float(pnl.mean()), float(pnl.std(ddof=1))
    skew, kurtosis = _moments(pnl)
    share = 1 - level
    z = _NORMAL.inv_cdf(share)
    ratio = _NORMAL.pdf(z) / share
    quantile = _expanded(z, z * z, z**3, skew, kurtosis)
    tail = _expanded(-ratio, 1 - z * ratio, -(z * z + 2) * ratio, skew, kurtosis)
    return TailRisk("cornish_fisher", level, -mean - deviation * quantile, -mean - deviation * tail)


def _expanded(first: float, second: float, third: float, skew: float, kurtosis: float) -> float:
    return (
        first
        + (second - 1) * skew / 6
        + (third - 3 * first) * kurtosis / 24
        - (2 * third - 5 * first) * skew * skew / 36
    )


def _moments(pnl: Floats) -> tuple[float, float]:
    """Skew and excess kurtosis; both 0 where nothing moved."""
    moved = pnl - pnl.mean()
    variance = float((moved**2).mean())
    if variance <= 0:
        return 0.0, 0.0
    return float((moved**3).mean()) / variance**1.5, float((moved**4).mean()) / variance**2 - 3


def all_tails(pnl: Floats) -> list[TailRisk]:
    """Return every method at 95 and 99 %."""
    return [method(pnl, level) for method in (historical, parametric, cornish_fisher) for level in LEVELS]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """What each position adds to the parametric value at risk.

    ``marginal`` is the loss added by one more unit of value, ``component`` the position's share; components add up to
    the whole (Euler; Jorion 2007, chapter 7).
    """

    total: float
    marginal: Floats
    component: Floats


def contributions(values: Floats, returns: Floats, level: float) -> Contributions:
    """Return marginal and component value at risk.

    Parameters
    ----------
    values : float64[n], signed position values (currency)
    returns : float64[n_days, n], daily returns as fractions
    """
    covariance = np.atleast_2d(np.cov(returns, rowvar=False, ddof=1))
    means = returns.mean(axis=0)
    moved = covariance @ values
    deviation = float(np.sqrt(max(float(values @ moved), 0.0)))
    z = _NORMAL.inv_cdf(level)
    marginal = (moved / deviation * z if deviation > 0 else np.zeros_like(values)) - means
    component = values * marginal
    return Contributions(float(component.sum()), marginal, component)
