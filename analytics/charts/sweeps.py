"""Pictures of a sweep and of a walk-forward: surface over two parameters, parallel coordinates, parameters over time.

Pure. A combination is a mapping of parameters to values; scores are higher for better, NaN for unusable.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.charts.cells import cells_figure
from analytics.charts.picture import NEUTRAL, QUIET, SERIES, TEXT, Figure, Picture, layout, line
from domain.bars import Floats, Ints

Value = bool | int | float | str
Combination = Mapping[str, Value]
MAX_LINES = 400
_N_SHADES = 8
_MAX_TICKS = 60


def surface_picture(
    combos: Sequence[Combination], scores: Floats, *, x: str, y: str, objective: str, is_maximized: bool = True
) -> Picture:
    """Draw the best score of every pair of values of two parameters, whatever the others are.

    ``is_maximized`` false: scores are negated figures (a volatility); what is written is the figure itself.
    """
    columns, rows = (_ordered([combo[name] for combo in combos]) for name in (x, y))
    values = np.full((len(rows), len(columns)), np.nan)
    place = {name: {value: i for i, value in enumerate(each)} for name, each in ((x, columns), (y, rows))}
    for combo, score in zip(combos, scores.tolist(), strict=True):
        at = place[y][combo[y]], place[x][combo[x]]
        values[at] = np.fmax(values[at], score)
    sign = 1.0 if is_maximized else -1.0
    texts = [["" if np.isnan(each) else score_words(sign * each) for each in row] for row in values]
    figure = cells_figure(
        [_text(each) for each in columns],
        [_text(each) for each in rows],
        values,
        texts=texts,
        is_diverging=bool(np.nanmin(values, initial=0.0) < 0 < np.nanmax(values, initial=0.0)),
        column_title=x,
        row_title=y,
    )
    if not np.isfinite(values).any():
        return Picture(figure, f"No combination has a {objective}.")
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    words = (
        f"Best {objective} {score_words(sign * values[row, column])} at {x} {_text(columns[int(column)])}, "
        f"{y} {_text(rows[int(row)])}; median of all {score_words(sign * float(np.nanmedian(scores)))}."
    )
    return Picture(figure, words)


def response_picture(values: Sequence[Value], scores: Floats, *, x: str, objective: str, is_maximized: bool) -> Picture:
    """Draw the score over the values of the only parameter there is."""
    sign = 1.0 if is_maximized else -1.0
    found = sorted(
        (value, sign * each) for value, each in zip(values, scores.tolist(), strict=True) if not np.isnan(each)
    )
    if not found:
        return Picture({"data": [], "layout": layout()}, f"No value of {x} has a {objective}.")
    names = [_text(value) for value, _ in found]
    form = {"mode": "lines+markers", "hovertemplate": "%{y:.3f}"}
    trace = line(names, [each for _, each in found], objective, SERIES[0], **form)
    axes = {"xaxis": {"type": "category", "title": {"text": x}}, "yaxis": {"title": {"text": objective}}}
    value, best = (max if is_maximized else min)(found, key=lambda pair: pair[1])
    words = f"Best {objective} {score_words(best)} at {x} {_text(value)}, of {len(found):,} values."
    return Picture({"data": [trace], "layout": layout(**axes)}, words)


def parallel_picture(
    combos: Sequence[Combination], scores: Floats, *, objective: str, is_maximized: bool = True
) -> Picture:
    """Draw every combination as a line over its parameters, coloured by score (of many the best and an even rest)."""
    sign = 1.0 if is_maximized else -1.0
    usable = np.flatnonzero(np.isfinite(scores))
    if len(usable) == 0:
        return Picture({"data": [], "layout": layout()}, f"No combination has a {objective}.")
    rows = _drawn(usable, scores)
    names = [*combos[int(rows[0])], objective]
    columns = [_scale([combos[int(row)][name] for row in rows]) for name in names[:-1]]
    heights, ticks = _scale([float(scores[row]) for row in rows])
    ends = [sign * float(scores[row]) for row in (rows[0], rows[-1])]
    columns.append((heights, [(at, score_words(each)) for (at, _), each in zip(ticks, ends, strict=False)]))
    heights = np.column_stack([column[0] for column in columns])
    order = np.argsort(np.argsort(scores[rows], kind="stable"), kind="stable") * _N_SHADES // len(rows)
    data = [
        _shade([_told(combos[int(rows[i])], sign * scores[rows[i]], objective) for i in which], heights[which], shade)
        for shade in range(_N_SHADES)
        if len(which := np.flatnonzero(order == shade))
    ]
    marks = [_mark(place, height, text) for place, (_, ticks) in enumerate(columns) for height, text in ticks]
    axis = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "zeroline": False}
    figure = {
        "data": data,
        "layout": layout(
            xaxis={**axis, "range": [-0.3, len(names) - 0.6], "side": "top", "fixedrange": True},
            yaxis={"visible": False, "range": [-0.06, 1.06], "fixedrange": True},
            annotations=marks,
            hovermode="closest",
            margin={"l": 24, "r": 24, "t": 36, "b": 16},
        ),
    }
    best = int(rows[int(np.argmax(scores[rows]))])
    words = (
        f"{len(rows):,} of {len(combos):,} combinations. Best: {_told(combos[best], sign * scores[best], objective)}."
    )
    return Picture(figure, words)


def _drawn(usable: Ints, scores: Floats) -> Ints:
    """Return which combinations to draw, ascending by score so that the best lie on top."""
    order = usable[np.argsort(scores[usable], kind="stable")]
    if len(order) <= MAX_LINES:
        return order
    best = order[-MAX_LINES // 2 :]
    rest = order[: -MAX_LINES // 2]
    return np.concatenate((rest[np.linspace(0, len(rest) - 1, MAX_LINES // 2).astype(np.int64)], best))


def _shade(texts: list[str], heights: Floats, shade: int) -> Figure:
    """Return one trace for all lines of a shade; gaps part them."""
    n = heights.shape[1]
    y: list[float | None] = []
    for row in np.round(heights, 4).tolist():
        y += [*row, None]
    share = shade / (_N_SHADES - 1)
    colour = {"color": SERIES[0] if share >= 0.5 else QUIET, "width": 1 + 1.2 * (shade == _N_SHADES - 1)}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*range(n), None] * len(texts),
        "y": y,
        "text": [text for each in texts for text in (*[each] * n, "")],
        "hoverinfo": "text",
        "line": colour,
        "opacity": 0.15 + 0.75 * share**2,
        "showlegend": False,
    }


def _mark(place: int, height: float, text: str) -> Figure:
    return {
        "x": place,
        "y": height,
        "text": text,
        "showarrow": False,
        "font": {"size": 10, "color": TEXT},
        "bgcolor": NEUTRAL,
        "borderpad": 1,
    }


def _scale(values: Sequence[Value]) -> tuple[Floats, list[tuple[float, str]]]:
    """Return each value's height 0..1 on its axis, and what to write at which height."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        found = np.array([float(value) for value in values])
        low, high = float(found.min()), float(found.max())
        if low == high:
            return np.full(len(found), 0.5), [(0.5, _text(low))]
        return (found - low) / (high - low), [(0.0, _text(low)), (1.0, _text(high))]
    kinds = _ordered(values)
    place = {kind: i / max(1, len(kinds) - 1) if len(kinds) > 1 else 0.5 for i, kind in enumerate(kinds)}
    return np.array([place[value] for value in values]), [(height, _text(kind)) for kind, height in place.items()]


def parameters_picture(labels: Sequence[str], parameters: Mapping[str, Sequence[Value | None]]) -> Picture:
    """Draw the value of each parameter that was chosen in each window, one stripe for each parameter.

    ``labels`` : one for each window (the first date of its test)
    """
    names = list(parameters)
    height = 1.0 / max(1, len(names))
    data, axes = [], {}
    for i, name in enumerate(names):
        axis = "y" if i == 0 else f"y{i + 1}"
        values = [_text(v) if isinstance(v, bool) else v for v in parameters[name]]
        data.append(
            line(
                labels,
                values,
                name,
                SERIES[i % len(SERIES)],
                yaxis=axis,
                mode="lines+markers",
                line={"shape": "hv"},
                connectgaps=False,
            )
        )
        top = 1.0 - i * height
        title = {"text": name, "font": {"size": 11}}
        axes[f"yaxis{'' if i == 0 else i + 1}"] = {"domain": [top - height * 0.84, top], "title": title}
    figure = {
        "data": data,
        "layout": layout(
            **axes, xaxis={"type": "category", "anchor": f"y{len(names) or ''}", "title": {"text": "Window"}}
        ),
    }
    return Picture(figure, " ".join(_over_time(name, parameters[name]) for name in names) or "No window.")


def _over_time(name: str, values: Sequence[Value | None]) -> str:
    different = _ordered([value for value in values if value is not None])
    if not different:
        return f"{name}: never chosen."
    told = ", ".join(_text(value) for value in different[:6]) + (", …" if len(different) > 6 else "")
    return f"{name} took {len(different)} value{'s' * (len(different) != 1)} in {len(values)} windows ({told})."


def _ordered(values: Sequence[Value]) -> list[Value]:
    is_numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return sorted(set(values), key=lambda value: (float(value), "") if is_numeric else (0.0, str(value)))


def _told(combo: Combination, score: float, objective: str) -> str:
    return f"{', '.join(f'{name} {_text(value)}' for name, value in combo.items())}: {objective} {score_words(score)}"


def score_words(value: float) -> str:
    """Write a score with digits by its size, alike in all cells: 0.210, −1.375, 12.4, 1,250."""
    size = abs(value)
    text = f"{value:,.{3 if size < 10 else 1 if size < 1_000 else 0}f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
