"""Heat maps as coloured cells with the value in each: returns by month, correlations, any table of numbers. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analytics.charts.picture import GAIN, LOSS, SERIES, TEXT, Figure, Picture, layout, mixed, signed_percent, written
from analytics.metrics.months import MONTHS, YearRow
from domain.bars import Floats

_MAX_TEXT_CELLS = 400
_FULL = 0.7  # share of the colour in a full cell: the text on it stays readable in both themes
_FRAME, _CELL, _MAX_HEIGHT = 84, 28, 720  # pixels


def cells_figure(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Floats,
    *,
    texts: Sequence[Sequence[str]],
    brief: Sequence[Sequence[str]] | None = None,
    is_diverging: bool,
    column_title: str = "",
    row_title: str = "",
    limit: float | None = None,
) -> Figure:
    """Return a figure of cells.

    Parameters
    ----------
    values : float64[n_rows, n_columns]; NaN leaves a cell empty
    texts : what is written in (or, above 400 cells, told over) each cell
    brief : what is written in cells too narrow for their text; None: nothing, a touch tells it
    is_diverging : loss and gain colours around 0, else one colour that rises from the lowest to the highest
    limit : size of the value at which the colour is full (diverging only); None: the largest there is
    """
    at = [(int(row), int(column)) for row, column in np.argwhere(np.isfinite(values))]
    known = np.array([values[place] for place in at])
    top = limit or (float(np.abs(known).max()) if len(known) else 1.0) or 1.0
    low, high = (-top, top) if is_diverging else _ends(known)
    trace = {
        "type": "bar",
        "x": [column for _, column in at],
        "y": [0.96] * len(at),
        "base": [row - 0.48 for row, _ in at],
        "width": [0.96] * len(at),
        "marker": {"color": _colours(known, low, high, is_diverging=is_diverging), "line": {"width": 0}},
        "hovertext": [f"{rows[row]}, {columns[column]}: {texts[row][column]}" for row, column in at],
        "hoverinfo": "text",
        "showlegend": False,
    }
    if len(at) <= _MAX_TEXT_CELLS:
        shown = {"text": [texts[row][column] for row, column in at], "textposition": "inside", "textangle": 0}
        trace.update(
            {**shown, "insidetextanchor": "middle", "insidetextfont": {"color": TEXT, "size": 11}, "cliponaxis": False}
        )
        trace["meta"] = {
            "columns": len(columns),
            "brief": [brief[row][column] for row, column in at] if brief else None,
        }
    return {"data": [trace], "layout": _layout(columns, rows, column_title, row_title)}


def _colours(known: Floats, low: float, high: float, *, is_diverging: bool) -> list[str]:
    """Return a colour for each value: loss to gain around 0, or neutral to full from the lowest to the highest."""
    if not is_diverging:
        return [mixed(SERIES[0], _FULL * (value - low) / (high - low)) for value in known.tolist()]
    return [mixed(GAIN if value >= 0 else LOSS, min(1.0, abs(value) / high) * _FULL) for value in known.tolist()]


def _ends(known: Floats) -> tuple[float, float]:
    if len(known) == 0 or known.min() == known.max():
        middle = float(known[0]) if len(known) else 0.0
        return middle - 1.0, middle + 1.0
    return float(known.min()), float(known.max())


def _layout(columns: Sequence[str], rows: Sequence[str], column_title: str, row_title: str) -> Figure:
    plain: dict[str, Any] = {"showgrid": False, "zeroline": False, "fixedrange": True}
    return layout(
        barmode="overlay",
        height=int(min(_MAX_HEIGHT, _FRAME + _CELL * len(rows))),
        bargap=0,
        hovermode="closest",
        xaxis={
            **plain,
            **_ticks(columns),
            "range": [-0.5, len(columns) - 0.5],
            "title": {"text": column_title},
        },
        yaxis={
            **plain,
            **_ticks(rows),
            "range": [len(rows) - 0.5, -0.5],
            "title": {"text": row_title},
        },
    )


def _ticks(names: Sequence[str]) -> Figure:
    step = max(1, -(-len(names) // 40))
    places = list(range(0, len(names), step))
    return {"tickmode": "array", "tickvals": places, "ticktext": [names[place] for place in places]}


def monthly_picture(rows: Sequence[YearRow]) -> Picture:
    """Draw returns by month (columns) and year (rows), the year's total in a last column."""
    columns = (*MONTHS, "Year")
    values = np.array([[_or_nan(each) for each in (*row.months, row.total)] for row in rows]).reshape(len(rows), 13)
    digits = 1 if np.nanmax(np.abs(values), initial=0.0) >= 0.02 else 2
    texts = [["" if np.isnan(each) else signed_percent(each, digits) for each in row] for row in values]
    months = values[:, :12][np.isfinite(values[:, :12])]
    limit = float(np.quantile(np.abs(months), 0.95)) if len(months) else None
    years = [str(row.year) for row in rows]
    brief = [["" if np.isnan(each) else _brief(each, digits) for each in row] for row in values]
    figure = cells_figure(columns, years, values, texts=texts, brief=brief, is_diverging=True, limit=limit)
    return Picture(figure, _month_words(rows, months, digits))


def _brief(value: float, digits: int) -> str:
    """Write a return for a cell on a telephone: +5, or .11 and −.04 where all are small."""
    if digits == 1:
        return signed_percent(value, 0)
    return signed_percent(value, 2).replace("0.", ".").lstrip("+") if round(value * 100, 2) else ""


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _month_words(rows: Sequence[YearRow], months: Floats, digits: int) -> str:
    if len(months) == 0:
        return "No month yet."
    named = {(row.year, month): value for row in rows for month, value in enumerate(row.months) if value is not None}
    top, low = max(named, key=lambda key: named[key]), min(named, key=lambda key: named[key])
    count = f"{int(np.sum(months > 0))} of {len(months)} month{'s' * (len(months) != 1)} gained."
    return (
        f"{count} Best {MONTHS[top[1]]} {top[0]} "
        f"{written(named[top], digits)}, worst {MONTHS[low[1]]} {low[0]} {written(named[low], digits)}."
    )


def correlation_picture(names: Sequence[str], matrix: Floats) -> Picture:
    """Draw a correlation matrix, float64[n, n], by name."""
    texts = [["" if np.isnan(each) else f"{each:.2f}".replace("-", "−") for each in row] for row in matrix]
    figure = cells_figure(names, names, matrix, texts=texts, is_diverging=True, limit=1.0)
    pairs = [(float(matrix[i, j]), i, j) for i in range(len(names)) for j in range(i) if np.isfinite(matrix[i, j])]
    if not pairs:
        return Picture(figure, "There are no two series to correlate.")
    mean = sum(value for value, _, _ in pairs) / len(pairs)
    value, i, j = max(pairs)
    closest = f"the closest are {names[i]} and {names[j]} with {value:.2f}"
    return Picture(figure, f"Mean correlation of {len(pairs)} pairs {mean:.2f}; {closest}.")
