"""Statistics of closed trades (round trips). Pure. P&L is net and in quote currency, returns are fractions.

A trade of exactly 0 is neither won nor lost, and counts as a trade. Too little to measure is NaN.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.metrics.annual import DAY_SECONDS
from analytics.metrics.performance import deviation, powered
from domain.bars import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TradeColumns:
    """Closed trades as columns of one length: net P&L, return on what went in, times, costs, excursions, side.

    pnl, fees, entry_value : float64[n], quote currency; returns, mae, mfe : float64[n], fractions (NaN: not known)
    entry_t, exit_t : int64[n], unix seconds; direction : float64[n], +1 long, -1 short
    """

    pnl: Floats
    returns: Floats
    entry_t: Ints
    exit_t: Ints
    fees: Floats
    entry_value: Floats
    mae: Floats
    mfe: Floats
    direction: Floats

    @classmethod
    def empty(cls) -> Self:
        """No trades."""
        none, times = np.empty(0), np.empty(0, dtype=np.int64)
        return cls(
            pnl=none,
            returns=none,
            entry_t=times,
            exit_t=times,
            fees=none,
            entry_value=none,
            mae=none,
            mfe=none,
            direction=none,
        )

    def __len__(self) -> int:
        return len(self.pnl)


def win_rate(pnl: Floats) -> float:
    """Return the share of trades with a gain."""
    return float(np.mean(pnl > 0)) if len(pnl) else math.nan


def average_win(pnl: Floats) -> float:
    """Return the mean of the gains."""
    return _mean(pnl[pnl > 0])


def average_loss(pnl: Floats) -> float:
    """Return the mean of the losses (negative)."""
    return _mean(pnl[pnl < 0])


def payoff(pnl: Floats) -> float:
    """Return the average gain by the size of the average loss."""
    return average_win(pnl) / -average_loss(pnl)


def profit_factor(values: Floats) -> float:
    """Return the sum of gains by the size of the sum of losses (of P&L, or of returns); NaN without a loss."""
    lost = -float(values[values < 0].sum())
    return float(values[values > 0].sum()) / lost if lost > 0 else math.nan


def expectancy(pnl: Floats) -> float:
    """Return the mean P&L of a trade: win rate times average gain plus loss rate times average loss (Tharp 1998)."""
    return _mean(pnl)


def expectancy_ratio(pnl: Floats) -> float:
    """Return ``(1 + average win / average loss) * win rate - 1`` (freqtrade's expectancy ratio)."""
    return (1.0 + payoff(pnl)) * win_rate(pnl) - 1.0


def geometric_mean(returns: Floats) -> float:
    """Return the geometric mean of trade returns (backtesting.py, "Avg. Trade")."""
    return powered(float(np.prod(1.0 + returns)), 1 / len(returns)) if len(returns) else math.nan


def sqn(pnl: Floats) -> float:
    """Return the system quality number ``sqrt(n) mean / std(n - 1)``; Van K. Tharp (2008), "Definitive Guide"."""
    spread = deviation(pnl)
    return math.sqrt(len(pnl)) * float(pnl.mean()) / spread if spread > 0 else math.nan


def kelly(pnl: Floats) -> float:
    """Return Kelly's fraction ``W - (1 - W) / payoff`` with W the share of gains; Kelly (1956), Thorp (1997).

    W counts trades of 0 as not won (backtesting.py does too). NaN without both a gain and a loss.
    """
    won = win_rate(pnl)
    ratio = payoff(pnl)
    return won - (1.0 - won) / ratio if ratio > 0 else math.nan


def average_holding_days(entry_t: Ints, exit_t: Ints) -> float:
    """Return the mean time in a trade, in days."""
    return _mean((exit_t - entry_t) / DAY_SECONDS)


def longest_streak(pnl: Floats, *, losing: bool) -> int:
    """Return the longest run of losses (or of gains) one after the other."""
    hits = np.concatenate(([False], (pnl < 0) if losing else (pnl > 0), [False])).astype(np.int8)
    edges = np.diff(hits)
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(runs.max()) if len(runs) else 0


def average_known(values: Floats) -> float:
    """Return the mean of the values that are known (MAE, MFE, R multiples)."""
    return _mean(values[~np.isnan(values)])


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else math.nan
