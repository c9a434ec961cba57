"""All figures of one equity curve and its trades under the API's names. Pure.

Figures of returns use one return for each day (or week: the basis); drawdowns use every mark, so that a fall within
a day is seen. What cannot be measured (no trades, no benchmark, no variation, infinite) is None.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from analytics.metrics import benchmark as against
from analytics.metrics import drawdowns, performance, ratios, tails, trades
from analytics.metrics.annual import DAY_SECONDS, YEAR_DAYS, Basis
from analytics.metrics.catalogue import METRICS, Unit
from analytics.metrics.series import known, period_ends, period_values, returns_of
from analytics.metrics.trades import TradeColumns
from domain.bars import Floats, Ints

Figures = dict[str, float | int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Equity (float64[n]) at moments (int64[n], unix seconds, ascending), and what there was before the first."""

    t: Ints
    equity: Floats
    starting_equity: float | None = None

    @property
    def start(self) -> float:
        """Equity before the first mark, or at it where the former is not known; NaN for an empty curve."""
        if self.starting_equity is not None:
            return self.starting_equity
        return float(self.equity[0]) if len(self.equity) else math.nan

    def returns(self, basis: Basis) -> Floats:
        """Return the simple returns of the basis' periods, the first one from the starting equity where it is known."""
        _, values = period_values(self.t, self.equity, basis.seconds)
        return returns_of(values, self.starting_equity)


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What curves over the same moments have in common, worked out once for as many of them as there are.

    ``ends`` are the rows of the last mark of each period; ``others`` the benchmark's returns from one to the next.
    """

    basis: Basis
    t: Ints
    ends: Ints
    others: Floats | None
    benchmark_return: float

    @classmethod
    def of(cls, t: Ints, basis: Basis, benchmark: Floats | None = None) -> Self:
        """Return the yardstick for moments and the benchmark's price at each (see `summarize`)."""
        ends = period_ends(t, basis.seconds)
        if benchmark is None or len(benchmark) == 0:
            return cls(basis, t, ends, None, math.nan)
        priced = known(benchmark)
        has_return = len(priced) > 1 and priced[0] > 0
        whole = float(priced[-1] / priced[0] - 1.0) if has_return else math.nan
        return cls(basis, t, ends, returns_of(benchmark[ends]), whole)


def summarize(
    curve: Curve,
    closed: TradeColumns,
    *,
    basis: Basis,
    benchmark: Floats | None = None,
    exposure: Floats | None = None,
    risk_free: float = 0.0,
    fees_paid: float | None = None,
    traded_value: float | None = None,
) -> Figures:
    """Return every figure of analytics.metrics.catalogue.

    Parameters
    ----------
    curve, closed : what the equity was, and the closed trades
    basis : length of a return and returns of a year
    benchmark : float64[n], the benchmark's price at each mark of the curve; NaN where there is none yet
    exposure : float64[n], gross exposure by equity at each mark; NaN where something is held and no equity is left
    risk_free : fraction a year, taken off each return in equal parts
    fees_paid, traded_value : of all fills, open positions included; without them those of the closed trades
    """
    yardstick = Yardstick.of(curve.t, basis, benchmark)
    costs = Costs(exposure, fees_paid, traded_value)
    return measured(yardstick, curve, closed, costs, risk_free=risk_free)


class Costs(NamedTuple):
    """What a run held and paid at each mark and in all; None where it is not known (see `summarize`)."""

    exposure: Floats | None = None
    fees_paid: float | None = None
    traded_value: float | None = None


def measured(
    yardstick: Yardstick, curve: Curve, closed: TradeColumns, costs: Costs, *, risk_free: float = 0.0
) -> Figures:
    """Return every figure of a curve over the yardstick's moments; see `summarize`."""
    basis = yardstick.basis
    returns = returns_of(curve.equity[yardstick.ends], curve.starting_equity)
    figures = {
        **_of_returns(returns, basis.periods_per_year, risk_free / basis.periods_per_year),
        **_of_curve(curve),
        **_of_benchmark(yardstick, curve),
        **_of_trades(closed),
        **_of_costs(curve, closed, costs),
        "periods_per_year": float(basis.periods_per_year),
        "n_returns": float(len(known(returns))),
    }
    deepest = figures.get("max_drawdown", math.nan)
    figures["calmar"] = figures["annual_return"] / -deepest if deepest < 0 else math.nan
    return {each.name: plain(figures.get(each.name, math.nan), is_count=each.unit is Unit.COUNT) for each in METRICS}


def plain(value: float, *, is_count: bool = False) -> float | int | None:
    """Return a number as JSON knows it: None for what is not finite, whole for counts."""
    if not math.isfinite(value):
        return None
    return round(value) if is_count else float(value)


def _of_returns(returns: Floats, periods: int, risk_free: float) -> dict[str, float]:
    values = known(returns)
    return {
        "annual_return": performance.annual_return(returns, periods),
        "annual_volatility": performance.annual_volatility(returns, periods),
        "sharpe": ratios.sharpe(returns, periods, risk_free),
        "sortino": ratios.sortino(returns, periods, risk_free),
        "omega": ratios.omega(returns, periods, risk_free),
        "var_95": tails.value_at_risk(returns),
        "cvar_95": tails.expected_shortfall(returns),
        "tail_ratio": ratios.tail_ratio(returns),
        "stability": performance.stability(returns),
        "skew": performance.skew(returns),
        "kurtosis": performance.kurtosis(returns),
        "best_period": float(values.max()) if len(values) else math.nan,
        "worst_period": float(values.min()) if len(values) else math.nan,
        "winning_periods": float(np.mean(values > 0)) if len(values) else math.nan,
    }


def _of_curve(curve: Curve) -> dict[str, float]:
    if len(curve.t) == 0:
        return {}
    t, equity = curve.t, curve.equity
    if curve.starting_equity is not None:
        t, equity = np.concatenate((t[:1], t)), np.concatenate(([curve.starting_equity], equity))
    seconds, falls = float(t[-1] - t[0]), drawdowns.drawdown_series(equity)
    return {
        "total_return": float(equity[-1]) / curve.start - 1.0 if curve.start > 0 else math.nan,
        "cagr": performance.cagr(curve.start, float(equity[-1]), seconds),
        "max_drawdown": float(falls.min()),
        "max_drawdown_days": drawdowns.longest_of(t, falls),
        "average_drawdown": drawdowns.average_of(falls),
        "ulcer_index": drawdowns.ulcer_of(falls),
        "starting_equity": curve.start,
        "final_equity": float(equity[-1]),
        "peak_equity": float(equity.max()),
        "days": seconds / DAY_SECONDS,
    }


def _of_benchmark(yardstick: Yardstick, curve: Curve) -> dict[str, float]:
    other, periods = yardstick.others, yardstick.basis.periods_per_year
    if other is None:
        return {}
    own = returns_of(curve.equity[yardstick.ends])
    found = against.alpha_beta(own, other, periods)
    return {
        "alpha": found.alpha,
        "beta": found.beta,
        "correlation": against.correlation(own, other),
        "information_ratio": against.information_ratio(own, other, periods),
        "benchmark_return": yardstick.benchmark_return,
    }


def _of_trades(closed: TradeColumns) -> dict[str, float]:
    pnl, n = closed.pnl, len(closed)
    return {
        "trades": float(n),
        "wins": float(np.sum(pnl > 0)),
        "losses": float(np.sum(pnl < 0)),
        "win_rate": trades.win_rate(pnl),
        "profit_factor": trades.profit_factor(pnl),
        "expectancy": trades.expectancy(pnl),
        "expectancy_return": trades.average_known(closed.returns),
        "average_win": trades.average_win(pnl),
        "average_loss": trades.average_loss(pnl),
        "best_trade": float(closed.returns.max()) if n else math.nan,
        "worst_trade": float(closed.returns.min()) if n else math.nan,
        "payoff": trades.payoff(pnl),
        "sqn": trades.sqn(pnl),
        "kelly": trades.kelly(pnl),
        "average_holding_days": trades.average_holding_days(closed.entry_t, closed.exit_t),
        "longest_losing_streak": float(trades.longest_streak(pnl, losing=True)),
        "average_mae": trades.average_known(closed.mae),
        "average_mfe": trades.average_known(closed.mfe),
    }


def _of_costs(curve: Curve, closed: TradeColumns, costs: Costs) -> dict[str, float]:
    exposure, fees_paid, traded_value = costs
    fees = float(closed.fees.sum()) if fees_paid is None else fees_paid
    gross = closed.direction * (closed.pnl + closed.fees)
    value = float((2.0 * closed.entry_value + gross).sum()) if traded_value is None else traded_value
    years = float(curve.t[-1] - curve.t[0]) / (YEAR_DAYS * DAY_SECONDS) if len(curve.t) else 0.0
    mean = float(curve.equity.mean()) if len(curve.equity) else 0.0
    has_exposure = exposure is not None and len(exposure) > 0
    return {
        "exposure": float(np.mean(exposure != 0)) if exposure is not None and has_exposure else math.nan,
        "average_exposure": trades.average_known(exposure) if exposure is not None and has_exposure else math.nan,
        "turnover": value / mean / years if mean > 0 and years > 0 else math.nan,
        "fees_paid": fees,
    }
