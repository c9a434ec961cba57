"""The report of a job: one HTML file with everything in it, to print, keep or send; it loads nothing from anywhere."""

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from analytics.charts.picture import Picture, resolved_text
from backtesting import selectors
from backtesting.models import Job
from backtesting.result_rows import trade_row
from core.api.render import dumps
from portfolio.cost_words import cost_rows

MAX_TRADES = 1_000
TITLES = {
    "equity": "Equity and drawdown",
    "months": "Month by month",
    "distribution": "Returns",
    "rolling": "Rolling figures",
    "trades": "Trades: worst and best on the way",
    "bands": "What chance could have given: returns resampled in blocks",
    "redrawn": "What chance could have given: trades drawn again",
    "surface": "Surface",
    "response": "Score by value",
    "parallel": "Parallel coordinates",
    "parameters": "Parameters over time",
    "paths": "Paths of the cross-validation",
}
"""Pictures in the order of the report, and their titles."""
_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&"}
_TOKEN = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-fA-F]{3,8});")
_DRAW = """
for (const place of document.querySelectorAll("[data-figure]")) {
  const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  const font = {family: "system-ui, sans-serif", size: 12, color: "#4b5565"};
  const legend = {orientation: "h", x: 0, y: 1.01, yanchor: "bottom"};
  const look = {paper_bgcolor: "#fff", plot_bgcolor: "#fff", legend};
  if (figure.layout.height) place.style.height = `${figure.layout.height}px`;
  const meta = figure.data[0]?.meta;
  if (meta?.columns && place.clientWidth / meta.columns < 44) {
    Object.assign(figure.data[0], {text: meta.brief, constraintext: "none"}).insidetextfont.size = 9;
    Object.assign(figure.layout.xaxis, {tickfont: {size: 9}, tickangle: 0});
  }
  Plotly.newPlot(place, figure.data, {...look, ...figure.layout, font},
    {responsive: true, displaylogo: false, displayModeBar: false});
}
const fit = (width) => document.querySelectorAll("[data-figure]").forEach((place) => Plotly.relayout(place, {width}));
addEventListener("beforeprint", () => fit(680));
addEventListener("afterprint", () => fit(null));
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A report's text, and the policy under which a browser may show it: its own scripts and styles, nothing else."""

    html: str
    policy: dict[str, list[str]]


def report_of(job: Job, context: dict[str, Any]) -> Report:
    """Return a completed job's report; ``context`` is what its page shows. Raises IllegalState without a result."""
    selectors.check_completed(job)
    pictures: dict[str, Picture] = context["pictures"]
    figures = [
        {
            "id": f"figure-{name}",
            "title": title,
            "text": _script_text(pictures[name]),
            "summary": pictures[name].summary,
        }
        for name, title in TITLES.items()
        if name in pictures
    ]
    n_trades = selectors.n_rows(job, "trades")
    trades = [trade_row(row) for row in selectors.rows_of(job, "trades", limit=MAX_TRADES)] if n_trades else []
    style, script = _style(), _script()
    costs = cost_rows(job.settings["fees"], job.settings["slippage"], job.settings.get("financing", {}))
    told = {
        **context,
        "costs": costs,
        "figures": figures,
        "trades": trades,
        "n_trades": n_trades,
        "time_style": "date" if job.timeframe in ("1d", "1w") else "minute",
        "made_at": timezone.now(),
    }
    html = render_to_string("backtesting/report.html", {**told, "job": job, "style": style, "script": script})
    policy = {
        "default-src": ["'none'"],
        "script-src": [_hash(_script)],
        "style-src": [_hash(_style), _hash(str)],
        "img-src": ["data:"],
        "connect-src": ["'none'"],
        "font-src": ["'none'"],
        "manifest-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return Report(html, policy)


def _script_text(picture: Picture) -> SafeString:
    """Return a figure as the text of a script element: no tag can begin or end in it."""
    text = resolved_text(dumps(picture.figure).decode(), _colours())
    return mark_safe(text.translate(_IN_SCRIPT))


@functools.cache
def _colours() -> dict[str, str]:
    """The light theme's colours by the names that pictures use; it stands first in the file of tokens."""
    text = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, colour in _TOKEN.findall(text):
        found.setdefault(name, colour)
    return found


@functools.cache
def plotly() -> str:
    """Return the installed Plotly, fit to stand inside a page."""
    text: str = settings.VENDOR_FILES["vendor/plotly/plotly-finance.min.js"].read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@functools.cache
def _style() -> str:
    return render_to_string("backtesting/report.css").strip()


@functools.cache
def _script() -> str:
    return plotly() + _DRAW


@functools.cache
def _hash(made: Callable[[], str]) -> str:
    """Return the hash by which a policy lets the text in that a function makes (`str`: nothing)."""
    digest = hashlib.sha256(made().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
