"""What the sections of a result's page show: each of them reads what it needs and no more."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from analytics.charts.picture import Picture
from backtesting import exports, pictures, row_pages, selectors
from backtesting.models import Job
from backtesting.result_rows import order_row, trade_row
from backtesting.row_pages import ORDERS_OF, Choice
from backtesting.run_words import rules_told, settings_told
from backtesting.sections import SWEEP, WALK, sections_of
from backtesting.selectors import EquityColumns
from backtesting.templatetags.backtests import verdict_of
from backtesting.views import searches
from backtesting.views.sheets import columns_of, drawdowns_of, sheet_of_job
from portfolio.cost_words import cost_rows

Content = dict[str, Any]
CHANCE = "deflated_sharpe"  # which of a verdict's reasons is the chance that it is more than luck
BRIEF = ("total_return", "sharpe", "max_drawdown", "trades")


def frame(job: Job) -> Content:
    """Return what stands around every section: the verdict, the first figures, the other sections with their counts."""
    luck = job.summary.get("luck") or {}
    verdict = verdict_of(job)
    rows = selectors.row_counts(job)
    counts = {
        **{f"n_{name}": rows.get(name, 0) for name in ("trades", "orders", "trials")},
        "n_refused": job.summary.get("n_denied", 0),
        "n_windows": len(job.summary.get("windows") or ()),
    }
    figures = {row["name"]: row for row in pictures.metric_rows(job.metrics)}
    is_of_paths = bool(job.summary.get("paths"))
    shown = sections_of(job.kind, is_of_paths=is_of_paths)
    brief = BRIEF[:3] if is_of_paths else BRIEF
    return {
        **counts,
        "sections": [(each, counts.get(each.counted)) for each in shown],
        "brief": [figures[name] for name in brief if name in figures],
        "luck": luck,
        "verdict": verdict,
        "chance": next((each["value"] for each in (verdict or {}).get("reasons", ()) if each["check"] == CHANCE), None),
        "tables": [name for name in exports.OF_KIND[job.kind] if rows.get(name)],
    }


def of_section(request: HttpRequest, job: Job, name: str) -> Content:
    """Return what one section shows."""
    return _READERS[name](request, job)


def whole(request: HttpRequest, job: Job) -> Content:
    """Return everything at once, for the report."""
    found = sheet_of_job(job)
    parts = [found, _of_search(request, job, found["columns"]), {"pictures": _chances(job)}]
    drawn = {name: picture for part in parts for name, picture in part["pictures"].items()}
    return {**frame(job), **_figures(request, job), **parts[0], **parts[1], "pictures": drawn}


def _of_search(request: HttpRequest, job: Job, columns: EquityColumns) -> Content:
    if job.kind == SWEEP:
        return searches.sweep_content(request, job)
    return searches.walk_content(job, columns) if job.kind == WALK else {"pictures": {}}


def _overview(request: HttpRequest, job: Job) -> Content:
    if job.kind == WALK:
        found = sheet_of_job(job, ())
        return {**found, **searches.walk_content(job, found["columns"], ("equity",))}
    if job.kind == SWEEP:
        found, more = sheet_of_job(job, ("equity",)), searches.sweep_content(request, job, ("surface", "response"))
        return {**found, **more, "pictures": {**found["pictures"], **more["pictures"]}}
    return sheet_of_job(job, ("equity", "months"))


def _windows(request: HttpRequest, job: Job) -> Content:
    return searches.walk_content(job, selectors.equity_of(job), ("parameters",))


def _returns(request: HttpRequest, job: Job) -> Content:
    found = sheet_of_job(job, ("equity", "months", "rolling", "distribution"))
    return {**found, "drawdowns": drawdowns_of(found["columns"])}


def _luck(request: HttpRequest, job: Job) -> Content:
    around = searches.walk_content(job, selectors.equity_of(job), ("paths",)) if job.kind == WALK else {"pictures": {}}
    return {"pictures": {**around["pictures"], **_chances(job)}}


def _chances(job: Job) -> dict[str, Picture]:
    return pictures.luck_pictures(job.summary.get("luck"), job.settings["currency"])


def _costs(request: HttpRequest, job: Job) -> Content:
    settings, summary = job.settings, job.summary
    figures = {row["name"]: row for row in pictures.metric_rows(job.metrics)}
    return {
        "costs": cost_rows(settings["fees"], settings["slippage"], settings.get("financing", {})),
        "cost_points": (summary.get("costs") or {}).get("points", ()),
        "cost_sentence": (summary.get("costs") or {}).get("sentence", ""),
        "fees_paid": job.metrics.get("fees_paid"),
        "financing": summary.get("financing"),
        "dividends": summary.get("dividends"),
        "turnover": figures.get("turnover"),
    }


def _figures(request: HttpRequest, job: Job) -> Content:
    return {"metrics": pictures.metric_rows(job.metrics)}


def _settings(request: HttpRequest, job: Job) -> Content:
    return {
        "told_settings": settings_told(job),
        "told_rules": rules_told(job.settings["rules"], job.settings["currency"]),
        "notes": selectors.notes_of(job).order_by("created_at"),
        **_costs(request, job),
    }


def _trades(request: HttpRequest, job: Job) -> Content:
    found = _rows(request, job, "trades", trade_row)
    shown = _shown_trade(request, found["rows"])
    symbol = shown["symbol"] if shown else found["symbol"] or job.symbols[0]
    drawn = pictures.excursions(columns_of(job, "trades"))
    return {
        **found,
        "chart_symbol": symbol,
        "shown": shown,
        "marks_url": f"{reverse('backtesting:marks', args=[job.pk])}?symbol={symbol}",
        "pictures": {"trades": drawn} if drawn else {},
    }


def _shown_trade(request: HttpRequest, rows: list[Content]) -> Content | None:
    """Return which of the page's trades the chart opens at: the asked one (`show`, from 1), else the first."""
    text = request.GET.get("show", "")
    number = int(text) if text.isdecimal() and len(text) < 9 else 1
    return rows[number - 1] if 1 <= number <= len(rows) else rows[0] if rows else None


def _orders(request: HttpRequest, job: Job) -> Content:
    return _rows(request, job, "orders", order_row, status=_word(request, "status", _statuses(job)))


def _refused(request: HttpRequest, job: Job) -> Content:
    found = _rows(request, job, "orders", order_row, status="denied")
    rules = row_pages.refusals(selectors.file_of(job, "orders")) if selectors.n_rows(job, "orders") else []
    return {**found, "refusals": rules}


def _statuses(job: Job) -> list[str]:
    return sorted(job.summary.get("orders_by_status") or {})


def _word(request: HttpRequest, name: str, known: Any) -> str:
    value = request.GET.get(name, "")
    return value if value in known else ""


def _rows(request: HttpRequest, job: Job, table: str, write: Callable[[Any], Content], *, status: str = "") -> Content:
    text = request.GET.get("page", "")
    choice = Choice(
        symbol=_word(request, "symbol", job.symbols),
        order=_word(request, "order", ORDERS_OF[table]),
        status=status,
        number=int(text) if text.isdecimal() and len(text) < 9 else 1,
    )
    context: Content = {
        "name": table,
        "symbol": choice.symbol,
        "status": status,
        "order": choice.order,
        "orders_known": [(word, title) for word, (title, _, _) in ORDERS_OF[table].items()],
        "statuses": _statuses(job),
        "rows": [],
    }
    if not selectors.n_rows(job, table):
        return context
    found = row_pages.page_of(selectors.file_of(job, table), table, choice)
    query = {"symbol": choice.symbol, "order": choice.order, "status": status}
    rows = [write(row) for row in found.rows]
    return {**context, "rows": rows, "row_page": found, "query": {key: text for key, text in query.items() if text}}


_READERS: dict[str, Callable[[HttpRequest, Job], Content]] = {
    "overview": _overview,
    "trials": searches.trials_content,
    "windows": _windows,
    "returns": _returns,
    "trades": _trades,
    "orders": _orders,
    "refused": _refused,
    "luck": _luck,
    "costs": _costs,
    "figures": _figures,
    "settings": _settings,
}
