"""Pictures of curves over time: equity with drawdown and benchmark, rolling figures, bands of what could have been."""

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.charts.picture import (
    AMOUNTS,
    GAIN,
    LOSS,
    QUIET,
    SERIES,
    Figure,
    Picture,
    day,
    layout,
    line,
    mixed,
    moments,
    numbers,
    thinned,
    written,
)
from analytics.charts.picture import percent_axis as percent
from analytics.metrics.drawdowns import drawdown_series, worst_drawdowns
from domain.bars import Floats, Ints

_DWARFS = 12  # times as far
_EQUITY_DOMAIN, _DRAWDOWN_DOMAIN = [0.34, 1.0], [0.0, 0.26]


def equity_picture(
    t: Ints,
    equity: Floats,
    *,
    benchmark: Floats | None = None,
    benchmark_name: str = "Benchmark",
    name: str = "Equity",
    windows: Sequence[int] = (),
    currency: str = "",
) -> Picture:
    """Draw equity above its drawdown.

    Parameters
    ----------
    t : int64[n], unix seconds; equity : float64[n]
    benchmark : float64[n], its price at the same moments (NaN: none yet); drawn as what the same money in it would be
    windows : moments at which a vertical line is drawn (the windows of a walk-forward)
    currency : of the equity, named at its axis and in the summary
    """
    if len(t) == 0:
        return Picture({"data": [], "layout": layout()}, f"{name}: no marks yet.")
    rows = thinned(equity)
    x = moments(t[rows])
    fall = drawdown_series(equity)
    data = [line(x, numbers(equity[rows], 9), name, SERIES[0], hovertemplate="%{y:,.2f}")]
    other = None if benchmark is None else rebased(benchmark, float(equity[0]))
    if other is not None:
        colour = {"dash": "dot", "width": 1.2}
        seen: Figure = {"visible": "legendonly"} if _dwarfs(other, equity) else {}
        form = "%{y:,.2f}"
        data.append(line(x, numbers(other[rows], 9), benchmark_name, QUIET, line=colour, hovertemplate=form, **seen))
    under = thinned(fall)
    data.append(
        line(
            moments(t[under]),
            numbers(fall[under], 4),
            "Drawdown",
            LOSS,
            yaxis="y2",
            fill="tozeroy",
            showlegend=False,
            hovertemplate="%{y:.2%}",
        )
    )
    shapes = [_vertical(moments(np.array([moment]))[0]) for moment in windows]
    figure = {
        "data": data,
        "layout": layout(
            yaxis={
                "domain": _EQUITY_DOMAIN,
                **money_axis("Equity", currency),
                **_room(equity, 0.1 * abs(float(equity[0]))),
            },
            yaxis2=percent(
                domain=_DRAWDOWN_DOMAIN,
                title={"text": "Drawdown", "font": {"size": 11}},
                rangemode="tozero",
                **_room(fall, 0.1),
            ),
            xaxis={"type": "date", "anchor": "y2"},
            shapes=shapes,
        ),
    }
    return Picture(figure, _equity_words(t, equity, other, name, benchmark_name, currency))


def money_axis(title: str, currency: str) -> Figure:
    """Return an axis of amounts of money: 200k, 3M; its title names the currency where it is known."""
    words = f"{title}, {currency}" if currency else title
    return {**AMOUNTS, "title": {"text": words, "font": {"size": 11}}}


def _room(values: Floats, least: float) -> Figure:
    """Return the axis of a line that never moves: so far around it that its ticks differ; else Plotly's own."""
    value = float(values[0])
    return {"range": [value - least, value + least * (value != 0)]} if np.ptp(values) == 0 and least else {}


def _dwarfs(other: Floats, equity: Floats) -> bool:
    """Tell whether the benchmark moved so far that the equity beside it would look flat."""
    return float(np.nanmax(other) - np.nanmin(other)) > _DWARFS * float(np.ptp(equity))


def rebased(prices: Floats, money: float) -> Floats | None:
    """Return what ``money`` put in at the first known price would be; None where no price is known."""
    known = np.flatnonzero(np.isfinite(prices) & (prices > 0))
    return prices / prices[known[0]] * money if len(known) else None


def _vertical(x: str) -> Figure:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "line": {"color": QUIET, "width": 1, "dash": "dot"},
    }


def _equity_words(
    t: Ints, equity: Floats, benchmark: Floats | None, name: str, benchmark_name: str, currency: str
) -> str:
    total = written(float(equity[-1] / equity[0] - 1.0)) if equity[0] > 0 else "unknown"
    unit = f" {currency}" if currency else ""
    ends = f"from {equity[0]:,.0f}{unit} on {day(int(t[0]))} to {equity[-1]:,.0f}{unit} on {day(int(t[-1]))}"
    ends = ends.replace("-", "−")
    words = f"{name} {ends}: {total}."
    if benchmark is not None and np.isfinite(benchmark[-1]) and equity[0] > 0:
        words += f" {benchmark_name}: {written(float(benchmark[-1] / equity[0] - 1.0))}"
        words += ", not drawn until you click its name in the key." if _dwarfs(benchmark, equity) else "."
    deepest = worst_drawdowns(t, equity, 1)
    if not deepest:
        return f"{words} It never fell below a peak."
    fall = deepest[0]
    end = f"recovered on {day(fall.recovered_t)}" if fall.recovered_t else "not recovered yet"
    return f"{words} Deepest drawdown {written(fall.depth)} from {day(fall.peak_t)}, {end}."


def rolling_picture(t: Ints, series: Mapping[str, Floats], *, is_fraction: bool = False) -> Picture:
    """Draw figures over a moving window; ``series`` by name, float64[n] each, NaN before the window is full."""
    data, words = [], []
    for colour, (name, values) in zip(SERIES * 2, series.items(), strict=False):
        rows = thinned(values)
        form = "%{y:.2%}" if is_fraction else "%{y:.2f}"
        data.append(line(moments(t[rows]), numbers(values[rows], 4), name, colour, hovertemplate=form))
        known = values[np.isfinite(values)]
        if len(known):
            low, high, last = (_shown(each, is_fraction) for each in (known.min(), known.max(), known[-1]))
            words.append(f"{name} between {low} and {high}, last {last}")
        else:
            words.append(f"{name}: too few returns for one window")
    axis = percent() if is_fraction else {}
    return Picture({"data": data, "layout": layout(yaxis=axis, xaxis={"type": "date"})}, f"{'; '.join(words)}.")


def _shown(value: float, is_fraction: bool) -> str:
    return written(float(value)) if is_fraction else f"{value:.2f}".replace("-", "−")


def bands_picture(
    x: Sequence[str] | Sequence[int],
    levels: Sequence[float],
    quantiles: Floats,
    *,
    real: Floats | None = None,
    name: str = "Equity",
    step: str = "",
    currency: str = "",
) -> Picture:
    """Draw quantile bands of simulated equity: the outer and inner ones filled, the median and the real one as lines.

    Parameters
    ----------
    x : one label for each step (a time, or the number of a trade)
    levels : ascending, symmetric around 0.5; quantiles : float64[n_levels, n_steps]
    real : float64[n_steps], what really came
    step : what is counted along the bottom (days, trades); currency : of the equity
    """
    data: list[Figure] = []
    n, middle = len(levels), len(levels) // 2
    for i in range(middle):
        low, high = quantiles[i], quantiles[n - 1 - i]
        share = f"{(levels[n - 1 - i] - levels[i]) * 100:.0f} %"
        data.append(line(x, numbers(low), f"{share} low", SERIES[0], line={"width": 0}, showlegend=False))
        filled = {"fill": "tonexty", "fillcolor": mixed(SERIES[0], 0.2 + 0.25 * i), "line": {"width": 0}}
        data.append(line(x, numbers(high), f"{share} of the paths", SERIES[0], **filled))
    data.append(line(x, numbers(quantiles[middle]), "Median", SERIES[0]))
    if real is not None:
        data.append(line(x, numbers(real), name, GAIN, line={"width": 2}))
    unit = f" {currency}" if currency else ""
    words = (
        f"After the last step the median path stands at {quantiles[middle][-1]:,.0f}{unit}; "
        f"{(levels[-1] - levels[0]) * 100:.0f} % of the paths lie between {quantiles[0][-1]:,.0f} and "
        f"{quantiles[-1][-1]:,.0f}{unit}."
    ).replace("-", "−")
    axes = {"yaxis": money_axis(name, currency), "xaxis": {"title": {"text": step}} if step else {}}
    return Picture({"data": data, "layout": layout(**axes)}, words)
