"""Pictures of how results are spread: the histogram of returns, excursions of trades, results of simulations. Pure."""

import math

import numpy as np

from analytics.charts.picture import GAIN, LOSS, QUIET, SERIES, Figure, Picture, layout, line, numbers, written
from analytics.charts.picture import percent_axis as percent
from analytics.metrics import performance, tails
from analytics.metrics.series import known
from analytics.metrics.trades import TradeColumns
from domain.bars import Floats

MAX_BINS = 60
MAX_TRADES = 2_000


def distribution_picture(returns: Floats, *, name: str = "Returns") -> Picture:
    """Draw a histogram of returns with the normal curve of the same mean and deviation, and the 95 % value at risk."""
    values = known(returns)
    if len(values) < 2:
        return Picture({"data": [], "layout": layout()}, f"{name}: too few to draw.")
    counts, edges = np.histogram(values, bins=_n_bins(values))
    middles, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    bars: Figure = {
        "type": "bar",
        "x": numbers(middles),
        "y": counts.tolist(),
        "width": [width * 0.94] * len(counts),
        "marker": {"color": [GAIN if middle >= 0 else LOSS for middle in middles]},
        "name": name,
        "showlegend": False,
        "hovertemplate": "%{x:.2%}: %{y}<extra></extra>",
    }
    data = [bars]
    spread = performance.deviation(values)
    if spread > 0:
        x = np.linspace(edges[0], edges[-1], 80)
        bell = np.exp(-0.5 * ((x - values.mean()) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
        data.append(line(numbers(x), numbers(bell * len(values) * width), "Normal", QUIET, hoverinfo="skip"))
    risk = tails.value_at_risk(values)
    return Picture(
        {
            "data": data,
            "layout": layout(
                xaxis=percent(tickformat=f".{_digits(edges)}%", title={"text": name}),
                yaxis={"title": {"text": "How many"}},
                hovermode="closest",
                shapes=[_mark(risk)],
            ),
        },
        _words(values, risk),
    )


def _digits(edges: Floats) -> int:
    """Return with how many digits neighbouring ticks (about six on the axis) differ in per cent."""
    step = float(edges[-1] - edges[0]) * 100 / 6
    return min(4, max(0, math.ceil(-math.log10(step)))) if step > 0 else 0


def _words(values: Floats, risk: float) -> str:
    shown = [written(float(each), 2) for each in (values.mean(), risk, values.min(), values.max())]
    skew = f"{performance.skew(values):.2f}".replace("-", "−")
    return (
        f"{len(values):,} returns: mean {shown[0]}, one in twenty worse than {shown[1]}, worst {shown[2]}, "
        f"best {shown[3]}, skewness {skew}, kurtosis {performance.kurtosis(values):.1f}."
    )


def _n_bins(values: Floats) -> int:
    """Freedman & Diaconis (1981): width 2 IQR n^(-1/3)."""
    low, high = np.percentile(values, [25, 75])
    width = 2 * float(high - low) / len(values) ** (1 / 3)
    return min(MAX_BINS, max(10, math.ceil(float(np.ptp(values)) / width))) if width > 0 else 10


def _mark(x: float) -> Figure:
    place = {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
    return {**place, "line": {"color": LOSS, "dash": "dash", "width": 1}}


def excursions_picture(closed: TradeColumns) -> Picture:
    """Draw each trade by how far it went against (x) and for itself (y), won and lost ones apart (Sweeney 1996)."""
    rows = np.flatnonzero(np.isfinite(closed.mae) & np.isfinite(closed.mfe))[-MAX_TRADES:]
    if len(rows) == 0:
        return Picture({"data": [], "layout": layout()}, "No trade whose excursions are known.")
    mae, mfe, pnl = closed.mae[rows], closed.mfe[rows], closed.pnl[rows]
    groups = (("Won", pnl > 0, GAIN, "circle"), ("Lost", pnl <= 0, LOSS, "x"))
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(mae[which]),
            "y": numbers(mfe[which]),
            "name": name,
            "marker": {"color": colour, "size": 7, "opacity": 0.7, "symbol": symbol},
            "hovertemplate": "against %{x:.2%}, for %{y:.2%}",
        }
        for name, which, colour, symbol in groups
    ]
    titles = ({"title": {"text": text}} for text in ("Largest fall against the trade", "Largest rise for the trade"))
    x, y = (percent(**title) for title in titles)
    words = (
        f"{len(rows):,} trades went {written(float(mae.mean()))} against and {written(float(mfe.mean()))} for "
        "themselves on average."
    )
    return Picture({"data": data, "layout": layout(xaxis=x, yaxis=y, hovermode="closest")}, words)


def outcomes_picture(values: Floats, *, name: str, is_fraction: bool = True, real: float | None = None) -> Picture:
    """Draw a histogram of a figure over simulations or cross-validation paths, with the real one as a line."""
    known_values = known(values)
    if len(known_values) == 0:
        return Picture({"data": [], "layout": layout()}, f"{name}: nothing to draw.")
    counts, edges = np.histogram(known_values, bins=min(40, max(5, len(known_values) // 10)))
    trace: Figure = {
        "type": "bar",
        "x": numbers((edges[1:] + edges[:-1]) / 2),
        "y": counts.tolist(),
        "width": [float(edges[1] - edges[0]) * 0.94] * len(counts),
        "marker": {"color": SERIES[0]},
        "name": name,
        "showlegend": False,
    }
    shapes = [] if real is None else [_mark(real)]
    low, middle, high = np.quantile(known_values, [0.05, 0.5, 0.95])
    shown = [written(float(each)) if is_fraction else f"{each:,.2f}" for each in (low, middle, high)]
    words = f"{name}: median {shown[1]}, nine in ten between {shown[0]} and {shown[2]}."
    axis = percent(title={"text": name}) if is_fraction else {"title": {"text": name}}
    count = {"title": {"text": "How many"}}
    return Picture(
        {"data": [trace], "layout": layout(xaxis=axis, yaxis=count, hovermode="closest", shapes=shapes)}, words
    )
