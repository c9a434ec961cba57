"""Everything that a report on one equity curve shows: figures, table of months, worst drawdowns, pictures. Pure.

A page, the self-contained HTML report and the exports all take it from here.
"""

from dataclasses import dataclass

import numpy as np

from analytics.charts.cells import monthly_picture
from analytics.charts.curves import equity_picture, rolling_picture
from analytics.charts.distributions import distribution_picture, excursions_picture
from analytics.charts.picture import Picture
from analytics.metrics.annual import Basis
from analytics.metrics.catalogue import METRICS, MetricInfo
from analytics.metrics.drawdowns import Drawdown, worst_drawdowns
from analytics.metrics.months import YearRow, monthly_table
from analytics.metrics.rolling import rolling_beta, rolling_sharpe, rolling_volatility
from analytics.metrics.series import period_values, returns_of
from analytics.metrics.summary import Curve, Figures, summarize
from analytics.metrics.trades import TradeColumns
from domain.bars import Floats, Ints

N_DRAWDOWNS = 5
_SHARE_OF_YEAR = 2  # rolling figures look back half a year, or a quarter of what there is
_MIN_WINDOW = 10


@dataclass(frozen=True, slots=True)
class RollingColumns:
    """Figures over a moving window at each period: t int64[n], the rest float64[n], NaN before the window is full."""

    window: int
    t: Ints
    sharpe: Floats
    volatility: Floats
    beta: Floats | None


@dataclass(frozen=True, slots=True)
class TearSheet:
    """A report's content. ``pictures`` by name: equity, months, distribution; rolling and trades if any."""

    figures: Figures
    basis: Basis
    months: tuple[YearRow, ...]
    drawdowns: tuple[Drawdown, ...]
    rolling: RollingColumns | None
    pictures: dict[str, Picture]
    benchmark_name: str = ""

    def rows(self) -> list[tuple[MetricInfo, float | int | None]]:
        """Return every figure with what is known of it, in the catalogue's order."""
        return [(info, self.figures[info.name]) for info in METRICS]


def tear_sheet(
    curve: Curve,
    closed: TradeColumns,
    *,
    basis: Basis,
    benchmark: Floats | None = None,
    benchmark_name: str = "",
    exposure: Floats | None = None,
    risk_free: float = 0.0,
    fees_paid: float | None = None,
    traded_value: float | None = None,
) -> TearSheet:
    """Measure a curve and its trades and draw them; parameters as `analytics.metrics.summary.summarize`."""
    figures = summarize(
        curve,
        closed,
        basis=basis,
        benchmark=benchmark,
        exposure=exposure,
        risk_free=risk_free,
        fees_paid=fees_paid,
        traded_value=traded_value,
    )
    months = monthly_table(curve.t, curve.equity, curve.starting_equity)
    rolled = rolling_columns(curve, basis, benchmark)
    pictures = {
        "equity": equity_picture(curve.t, curve.equity, benchmark=benchmark, benchmark_name=benchmark_name),
        "months": monthly_picture(months),
        "distribution": distribution_picture(curve.returns(basis), name=f"{basis.name.capitalize()} returns"),
    }
    if rolled is not None:
        pictures["rolling"] = _rolling_picture(rolled)
    if len(closed):
        pictures["trades"] = excursions_picture(closed)
    falls = worst_drawdowns(curve.t, curve.equity, N_DRAWDOWNS) if len(curve.t) else ()
    return TearSheet(figures, basis, months, falls, rolled, pictures, benchmark_name)


def rolling_columns(
    curve: Curve, basis: Basis, benchmark: Floats | None = None, window: int | None = None
) -> RollingColumns | None:
    """Return Sharpe ratio, volatility and beta over a moving window; None where there are not two windows of returns.

    Parameters
    ----------
    window : returns looked back over; None: half a year, at most a quarter of the history, at least ten
    """
    t, equity = period_values(curve.t, curve.equity, basis.seconds)
    returns = returns_of(equity)
    size = window or max(_MIN_WINDOW, min(basis.periods_per_year // _SHARE_OF_YEAR, len(returns) // 4))
    if size < 2 or len(returns) < 2 * size:
        return None
    beta = None
    if benchmark is not None:
        _, prices = period_values(curve.t, benchmark, basis.seconds)
        beta = rolling_beta(returns, returns_of(prices), size)
    return RollingColumns(
        window=size,
        t=t[1:],
        sharpe=rolling_sharpe(returns, size, basis.periods_per_year),
        volatility=rolling_volatility(returns, size, basis.periods_per_year),
        beta=beta,
    )


def _rolling_picture(rolled: RollingColumns) -> Picture:
    series = {f"Sharpe ratio, {rolled.window} returns": rolled.sharpe}
    if rolled.beta is not None and np.isfinite(rolled.beta).any():
        series["Beta"] = rolled.beta
    return rolling_picture(rolled.t, series)
