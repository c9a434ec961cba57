"""What every picture is made of: a Plotly figure as plain data, and the sentence that says the same in words. Pure.

Only trace types of the installed bundle (plotly.js-finance: scatter, bar) are used. Colours are names of design tokens
(`var(--gain)`) or mixtures of two; the page's script, or `resolved` for a report that stands alone, puts them in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.bars import Floats, Ints

Figure = dict[str, Any]
MAX_POINTS = 2_000
_TOKEN = re.compile(r"var\(--([\w-]+)\)", re.ASCII)
_MIX = re.compile(r"mix\(--([\w-]+),--([\w-]+),([0-9.]+)\)", re.ASCII)
_QUOTED = re.compile(r'"(var\(--[\w-]+\)|mix\(--[\w-]+,--[\w-]+,[0-9.]+\))"', re.ASCII)
GAIN, LOSS, NEUTRAL = "var(--gain-candle)", "var(--loss-candle)", "var(--surface-3)"
TEXT, QUIET, LINE = "var(--text)", "var(--text-3)", "var(--line)"
SERIES = tuple(f"var(--chart-{n})" for n in range(1, 7))
AMOUNTS: Figure = {"exponentformat": "B", "separatethousands": True}  # ticks as 200k, 3M, 600B
CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure (``data`` and ``layout``) and its summary for those who do not see it."""

    figure: Figure
    summary: str


def mixed(colour: str, share: float) -> str:
    """Return the text for a colour over the neutral one: a share of 1 is all of it, 0 none."""
    return f"mix({colour[4:-1]},{NEUTRAL[4:-1]},{min(1.0, max(0.0, share)):.2f})"


def resolved(figure: Figure, colours: Mapping[str, str]) -> Figure:
    """Return the figure with every ``var(--name)`` and ``mix(--name,--other,share)`` replaced by a colour.

    ``colours`` holds ``#rrggbb`` by name. Raises KeyError for a lack.
    """

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return _coloured(value, colours)
        if isinstance(value, dict):
            return {key: put(each) for key, each in value.items()}
        return [put(each) for each in value] if isinstance(value, list) else value

    found: Figure = put(figure)
    return found


def resolved_text(text: str, colours: Mapping[str, str]) -> str:
    """Return a figure that is JSON text already with its colours put in: as `resolved`, without a walk through it."""
    return _QUOTED.sub(lambda found: f'"{_coloured(found[1], colours)}"', text)


def _coloured(text: str, colours: Mapping[str, str]) -> str:
    if found := _TOKEN.fullmatch(text):
        return colours[found[1]]
    if found := _MIX.fullmatch(text):
        one, other, share = colours[found[1]], colours[found[2]], float(found[3])
        parts = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
        return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)
    return text


def moments(t: Ints) -> list[str]:
    """Return unix seconds as texts that Plotly reads as times (UTC)."""
    found: list[str] = np.datetime_as_string(t.astype("datetime64[s]"), unit="m").tolist()
    return found


def numbers(values: Floats, digits: int = 6) -> list[float | None]:
    """Return JSON numbers of so many significant digits; None for what is not finite."""
    found = np.asarray(values, dtype=np.float64)
    is_known = np.isfinite(found)
    size = np.abs(np.where(is_known & (found != 0), found, 1.0))
    places = np.clip(digits - 1 - np.floor(np.log10(size)).astype(np.int64), -300, 300)
    scale = 10.0 ** np.abs(places)  # a power of ten divides without a fault of its own, its inverse would not
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.where(places >= 0, np.round(found * scale) / scale, np.round(found / scale) * scale)
    texts: list[float | None] = np.where(np.isfinite(rounded), rounded, found).tolist()
    return texts if is_known.all() else [x if ok else None for x, ok in zip(texts, is_known.tolist(), strict=True)]


def thinned(values: Floats, max_points: int = MAX_POINTS) -> Ints:
    """Return the rows to draw: all, or of each of ``max_points / 2`` stretches the lowest and the highest.

    First and last are always among them, so no extreme is lost by drawing less.
    """
    n = len(values)
    if n <= max_points:
        return np.arange(n)
    edges = np.linspace(0, n, max_points // 2 + 1).astype(np.int64)
    filled = np.nan_to_num(values, nan=0.0)
    low, high = (_first_of_each(filled, extreme, edges) for extreme in (np.minimum, np.maximum))
    return np.unique(np.concatenate(([0], low, high, [n - 1]))).astype(np.int64)


def _first_of_each(values: Floats, extreme: np.ufunc, edges: Ints) -> Ints:
    """Return in each stretch between the edges the first row that holds its extreme (`np.minimum`, `np.maximum`)."""
    found = extreme.reduceat(values, edges[:-1])
    rows = np.flatnonzero(values == np.repeat(found, np.diff(edges)))
    _, first = np.unique(np.searchsorted(edges, rows, side="right"), return_index=True)
    return np.asarray(rows[first], dtype=np.int64)


def line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str, **more: Any) -> Figure:
    """Return a line of a chart."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(x),
        "y": list(y),
        "name": name,
        "line": {"color": colour, "width": 1.5, **more.pop("line", {})},
        **more,
    }


def layout(**more: Any) -> Figure:
    """Return a layout; what is the same in all charts is put in by the page."""
    return {"margin": {"l": 56, "r": 16, "t": 16, "b": 36}, **more}


def percent_axis(**more: Any) -> Figure:
    """Return an axis of fractions shown as per cent."""
    return {"tickformat": ",.2~%", **more}


def written(fraction: float | None, digits: int = 1) -> str:
    """Write a fraction as signed per cent for a summary; what rounds to nothing has no sign."""
    if fraction is None or not np.isfinite(fraction):
        return "unknown"
    return f"{signed_percent(fraction, digits)}\N{NO-BREAK SPACE}%"


def signed_percent(fraction: float, digits: int) -> str:
    """Write a fraction in per cent with its sign but without the unit; what rounds to nothing has no sign."""
    text = f"{fraction * 100:+,.{digits}f}"
    return text[1:] if not text.strip("+-0.,") else text.replace("-", "−")


def day(t: int) -> str:
    """Write the date of a moment."""
    return f"{datetime.fromtimestamp(int(t) - 1, UTC):%d %b %Y}"
