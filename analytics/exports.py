"""A performance to take along: days as CSV, and a report in one HTML file that needs nothing else."""

import csv
import io
import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from analytics.charts.curves import rebased
from analytics.charts.picture import CONFIG, Picture, resolved
from analytics.metrics.drawdowns import drawdown_series
from analytics.metrics.months import MONTHS
from analytics.metrics.series import period_values
from analytics.selectors import Performance
from analytics.tearsheet import TearSheet
from analytics.wording import all_shown, headline

PLOTLY = "vendor/plotly/plotly-finance.min.js"
PICTURE_TITLES = {
    "equity": "Equity and drawdown",
    "months": "Returns by month, per cent",
    "rolling": "Rolling figures",
    "distribution": "Distribution of returns",
    "trades": "Excursions of the trades",
}
_TOKEN = re.compile(r"--([\w-]+): (#[0-9a-f]{6,8})")


def days_csv(found: Performance) -> str:
    """Return one line for each day: equity, P&L since the start, drawdown, and what the benchmark would be."""
    curve = found.curve
    t, equity = period_values(curve.t, curve.equity)
    fall = drawdown_series(np.concatenate(([curve.start], equity)))[1:] if len(t) else equity
    other = None if found.benchmark is None else rebased(period_values(curve.t, found.benchmark)[1], curve.start)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["date", "equity", "pnl", "drawdown", "benchmark"])
    for i, moment in enumerate(t.tolist()):
        price = "" if other is None or not np.isfinite(other[i]) else f"{other[i]:.2f}"
        date = datetime.fromtimestamp(moment - 1, UTC).date().isoformat()
        writer.writerow([date, f"{equity[i]:.2f}", f"{equity[i] - curve.start:.2f}", f"{fall[i]:.6f}", price])
    return file.getvalue()


def report_html(
    sheet: TearSheet, *, title: str, subtitle: str, currency: str, notes: list[str], tables: list[Any] | None = None
) -> str:
    """Return a report in one HTML file: figures, tables and pictures, with their script and colours inside.

    ``notes`` : sentences under the title; ``tables`` : more of them, ``{"title", "head": [...], "rows": [[...]]}``.
    """
    pictures = [
        {"name": name, "title": PICTURE_TITLES.get(name, name), "summary": picture.summary, "figure": _drawn(picture)}
        for name, picture in sheet.pictures.items()
    ]
    context = {
        "title": title,
        "subtitle": subtitle,
        "notes": notes,
        "headline": headline(sheet.figures, currency),
        "figures": all_shown(sheet.figures, currency),
        "months": [(row, [*row.months]) for row in sheet.months],
        "month_names": MONTHS,
        "pictures": pictures,
        "tables": tables or [],
        "basis": sheet.basis.words,
        "plotly": _script(),
        "config": CONFIG,
    }
    return render_to_string("analytics/report.html", context)


def _drawn(picture: Picture) -> dict[str, Any]:
    colours = light_colours()
    figure = resolved(picture.figure, colours)
    axis = {"gridcolor": colours["chart-grid"], "zerolinecolor": colours["line"], "automargin": True}
    named = {"xaxis", "yaxis", *(key for key in figure["layout"] if key[1:5] == "axis")}
    layout = {
        **figure["layout"],
        **{key: {**axis, **figure["layout"].get(key, {})} for key in named},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": colours["text-2"]},
        "legend": {"orientation": "h", "y": 1.1},
    }
    return {"data": figure["data"], "layout": layout}


@lru_cache(maxsize=1)
def light_colours() -> dict[str, str]:
    """Return the light theme's design tokens, for paper."""
    text = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    start = text.index('[data-bs-theme="light"]')
    return dict(_TOKEN.findall(text[start : text.index("\n}", start)]))


@lru_cache(maxsize=1)
def _script() -> SafeString:
    """Return Plotly's script; a closing tag in it would end the element that holds it."""
    return mark_safe(Path(settings.VENDOR_FILES[PLOTLY]).read_text(encoding="utf-8").replace("</script", "<\\/script"))
