"""Everything that a report on one equity curve shows: figures, table of months, worst drawdowns, pictures. Pure.

A page, the self-contained HTML report and the exports all take it from here.
"""

from collections.abc import Callable, Iterable, Mapping
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
PICTURES = ("equity", "months", "distribution", "rolling", "trades")
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
    drawn = Drawn(curve, closed, basis, benchmark, benchmark_name)
    falls = worst_drawdowns(curve.t, curve.equity, N_DRAWDOWNS) if len(curve.t) else ()
    return TearSheet(figures, basis, months, falls, rolled, pictures_of(drawn), benchmark_name)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the pictures of a sheet are drawn from; ``benchmark`` : its price at the curve's moments.

    ``currency`` : of the curve, named at its axis where it is known
    """

    curve: Curve
    closed: TradeColumns
    basis: Basis
    benchmark: Floats | None = None
    benchmark_name: str = ""
    currency: str = ""


def pictures_of(drawn: Drawn, names: Iterable[str] = PICTURES) -> dict[str, Picture]:
    """Draw the named pictures of a curve and its trades; one for which there is too little is left out."""
    found = {name: _DRAWERS[name](drawn) for name in names}
    return {name: picture for name, picture in found.items() if picture is not None}


def _equity(drawn: Drawn) -> Picture:
    return equity_picture(
        drawn.curve.t,
        drawn.curve.equity,
        benchmark=drawn.benchmark,
        benchmark_name=drawn.benchmark_name,
        currency=drawn.currency,
    )


def _months(drawn: Drawn) -> Picture:
    curve = drawn.curve
    return monthly_picture(monthly_table(curve.t, curve.equity, curve.starting_equity))


def _distribution(drawn: Drawn) -> Picture:
    return distribution_picture(drawn.curve.returns(drawn.basis), name=f"{drawn.basis.name.capitalize()} returns")


def _rolling(drawn: Drawn) -> Picture | None:
    rolled = rolling_columns(drawn.curve, drawn.basis, drawn.benchmark)
    return None if rolled is None else _rolling_picture(rolled)


def _excursions(drawn: Drawn) -> Picture | None:
    return excursions_picture(drawn.closed) if len(drawn.closed) else None


_DRAWERS: Mapping[str, Callable[[Drawn], Picture | None]] = {
    "equity": _equity,
    "months": _months,
    "distribution": _distribution,
    "rolling": _rolling,
    "trades": _excursions,
}


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
