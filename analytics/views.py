"""The page of performance: figures, curve, months, rolling figures, results by strategy and symbol; exports."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from analytics import exports, selectors
from analytics.forms import AnalyticsFilter
from analytics.metrics.months import MONTHS
from analytics.selectors import GroupResult, Performance
from analytics.wording import all_shown, headline
from core.pages import page, show_faults
from core.templatetags import formatting
from domain.errors import NotFound, PlatformError

_NAMES = {"account": "whose", "strategy": "whose"}


@page
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the user's accounts, or what was chosen, did."""
    form = AnalyticsFilter(request.GET, user=request.user)
    found = _found(request, form)
    context: dict[str, Any] = {"form": form, "found": found, "query": request.GET.urlencode()}
    if found is not None:
        context |= _shown(found)
    return render(request, "analytics/overview.html", context)


@page
@require_GET
def days(request: HttpRequest) -> HttpResponse:
    """Send the days as CSV."""
    found = _found_or_404(request)
    return _file(exports.days_csv(found), "text/csv", f"performance-{_stamp(found)}.csv")


@page
@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """Send the report as one HTML file."""
    found = _found_or_404(request)
    groups = (("strategy", found.by_strategy), ("symbol", found.by_symbol))
    text = exports.report_html(
        found.sheet,
        title=f"Performance of {name_of(found)}",
        subtitle=_times(found),
        currency=found.currency,
        notes=[found.basis_note, found.message or f"Benchmark: {found.benchmark_symbol}."],
        tables=[_table(f"By {word}", rows, found.currency) for word, rows in groups],
    )
    return _file(text, "text/html", f"performance-{_stamp(found)}.html")


def name_of(found: Performance) -> str:
    """Say whose performance it is."""
    whose = found.asked.strategy or found.asked.account
    return whose.name if whose else "all accounts"


def _found(request: HttpRequest, form: AnalyticsFilter) -> Performance | None:
    """Return the performance asked for; None, with the faults at the form, where it cannot be measured."""
    if not form.is_valid():
        return None
    try:
        return selectors.performance(request.user, selectors.asked_for(request.user, **form.asked()))
    except PlatformError as error:
        show_faults(form, error, names=_NAMES)
        return None


def _found_or_404(request: HttpRequest) -> Performance:
    found = _found(request, AnalyticsFilter(request.GET, user=request.user))
    if found is None:
        raise NotFound("There is nothing to export")
    return found


def _shown(found: Performance) -> dict[str, Any]:
    sheet = found.sheet
    return {
        "name": name_of(found),
        "headline": headline(sheet.figures, found.currency),
        "figures": all_shown(sheet.figures, found.currency),
        "months": sheet.months,
        "month_names": MONTHS,
        "falls": sheet.drawdowns,
        "pictures": sheet.pictures,
        "has_marks": len(found.curve.t) > 1,
    }


def _times(found: Performance) -> str:
    if found.start is None or found.end is None:
        return "No marks yet"
    zone = timezone.get_current_timezone()
    return f"{found.start.astimezone(zone):%d %b %Y} to {found.end.astimezone(zone):%d %b %Y}, {found.currency}"


def _table(title: str, groups: tuple[GroupResult, ...], currency: str) -> dict[str, Any]:
    head = ["Name", "Trades", "Won", "Net P&L", "Fees", "Expectancy", "Profit factor"]
    return {"title": title, "head": head, "rows": [_line(each, currency) for each in groups]}


def _line(each: GroupResult, currency: str) -> list[str]:
    result = each.statistics
    return [
        each.name,
        str(result.trades),
        formatting.fraction(result.win_rate, 0),
        formatting.signed_money(result.pnl_net, currency),
        formatting.money(result.fees, currency),
        formatting.signed_money(result.expectancy, currency),
        formatting.MISSING if result.profit_factor is None else f"{result.profit_factor:.2f}",
    ]


def _file(text: str, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        text, content_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _stamp(found: Performance) -> str:
    return f"{found.end:%Y-%m-%d}" if found.end else "empty"
