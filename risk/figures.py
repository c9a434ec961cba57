"""Figures of the risk page (pure): Plotly figures as plain JSON; colors name design tokens, which the page fills in.

The same numbers stand beside each figure as text or as a table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_MARGIN = {"l": 4, "r": 4, "t": 4, "b": 4}
_DIVERGING = [[0.0, "var(--loss-candle)"], [0.5, "var(--surface-3)"], [1.0, "var(--gain-candle)"]]
_RISK = [[0.0, "var(--surface-3)"], [1.0, "var(--chart-2)"]]
_ALIKE = [[0.0, "var(--chart-4)"], [0.5, "var(--surface)"], [1.0, "var(--loss-candle)"]]
MOST_WRITTEN = 14
"""Up to so many symbols the correlations are written into their cells."""

Figure = dict[str, Any]


def heat_map(
    cells: Sequence[Mapping[str, Any]], *, by_risk: bool, shares: Mapping[str, float], pnl_words: Sequence[str]
) -> Figure | None:
    """Return the treemap of what is held: size is exposure, color the P&L in per cent or the share of risk.

    ``cells`` as the portfolio report makes them, ``shares`` the share of value at risk by symbol (fractions).
    """
    if not cells:
        return None
    sectors = list(dict.fromkeys(str(each["sector"]) for each in cells))
    sizes = [abs(float(each["value"])) for each in cells]
    if by_risk:
        colors = [shares.get(each["symbol"], 0.0) * 100 for each in cells]
    else:
        colors = [float(each["pnl_percent"] or 0) for each in cells]
    words = [f"{color:+.1f} % of risk" if by_risk else word for color, word in zip(colors, pnl_words, strict=True)]
    reach = max((abs(color) for color in colors), default=0.0) or 1.0
    shares_words = [_share(each) for each in cells]
    above = [("all", "", "Everything held", sum(sizes))]
    above += [(f"sector:{name}", "all", name, _sum(sizes, cells, name)) for name in sectors]
    trace = {
        "type": "treemap",
        "branchvalues": "total",
        "ids": [*(each[0] for each in above), *(each["symbol"] for each in cells)],
        "parents": [*(each[1] for each in above), *(f"sector:{each['sector']}" for each in cells)],
        "labels": [*(each[2] for each in above), *(each["symbol"] for each in cells)],
        "values": [*(each[3] for each in above), *sizes],
        "text": [*([""] * len(above)), *("<br>".join(pair) for pair in zip(shares_words, words, strict=True))],
        "texttemplate": "%{label}<br>%{text}",
        "hovertemplate": "%{label}<br>%{text}<extra></extra>",
        "marker": {
            "colors": [*([0.0] * len(above)), *colors],
            "colorscale": _RISK if by_risk else _DIVERGING,
            "cmin": 0 if by_risk else -reach,
            "cmax": reach,
            "line": {"width": 1, "color": "var(--surface)"},
        },
        "textfont": {"color": "var(--text)"},
        "pathbar": {"visible": False},
        "tiling": {"pad": 2},
    }
    return {"data": [trace], "layout": {"margin": _MARGIN, "hovermode": "closest", "height": 340}}


def _share(cell: Mapping[str, Any]) -> str:
    share = cell["share_percent"]
    side = "short " if float(cell["value"]) < 0 else ""
    return f"{side}{abs(float(share)):.1f} % of equity" if share is not None else side or "held"


def _sum(sizes: Sequence[float], cells: Sequence[Mapping[str, Any]], sector: str) -> float:
    return sum(size for size, each in zip(sizes, cells, strict=True) if each["sector"] == sector)


def correlations(symbols: Sequence[str], matrix: Sequence[Sequence[float]], groups: Sequence[Sequence[str]]) -> Figure:
    """Return the heat map of a correlation matrix, symbols of one cluster beside each other."""
    order = [symbols.index(symbol) for group in groups for symbol in group]
    names = [symbols[i] for i in order]
    values = [[matrix[i][j] for j in order] for i in order]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": values,
        "zmin": -1,
        "zmax": 1,
        "colorscale": _ALIKE,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{y} with %{x}: %{z:.2f}<extra></extra>",
        "showscale": False,  # a color bar sets a style attribute, which the content policy forbids
    }
    if len(names) <= MOST_WRITTEN:
        trace |= {"texttemplate": "%{z:.2f}", "textfont": {"color": "var(--text)"}}
    layout = {
        "margin": {"l": 64, "r": 8, "t": 8, "b": 56},
        "hovermode": "closest",
        "height": max(300, min(720, 120 + 26 * len(names))),
        "xaxis": {"type": "category", "showgrid": False},
        "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False},
    }
    return {"data": [trace], "layout": layout}


def headroom_history(series: Sequence[tuple[str, Sequence[str], Sequence[float]]]) -> Figure | None:
    """Return lines of how much of each limit was used (name, times, fractions), with a line at the limit itself."""
    if not series:
        return None
    traces = [
        {"type": "scatter", "mode": "lines", "name": name, "x": list(times), "y": [100 * used for used in shares]}
        for name, times, shares in series
    ]
    limit = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": 100,
        "y1": 100,
        "line": {"color": "var(--loss)", "width": 1, "dash": "dot"},
    }
    layout = {
        "shapes": [limit],
        "xaxis": {"type": "date"},
        "yaxis": {"ticksuffix": " %", "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": -0.2},
        "margin": {"l": 48, "r": 16, "t": 12, "b": 48},
        "height": 320,
    }
    return {"data": traces, "layout": layout}


def strongest_pairs(
    symbols: Sequence[str], matrix: Sequence[Sequence[float]], *, n: int = 10
) -> list[tuple[str, str, float]]:
    """Return the pairs with the largest correlations without their sign, the strongest first."""
    pairs = [
        (symbols[i], symbols[j], float(matrix[i][j])) for i in range(len(symbols)) for j in range(i + 1, len(symbols))
    ]
    return sorted(pairs, key=lambda pair: (-abs(pair[2]), pair))[:n]
