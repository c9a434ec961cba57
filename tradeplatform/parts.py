"""Addresses of parts of pages: opened in a browser's address bar, each leads to the page that holds the part.

htmx and scripts get the part itself; only a browser that asks for a document is sent on.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

PAGE_OF: Mapping[str, str] = {
    "home_panel": "home",
    "shell_status": "home",
    "search": "home",
    "chart_signal": "trading:signal",
    "chart_fill": "trading:fills",
    "risk_limits": "risk:overview",
    "risk_portfolio": "risk:overview",
    "risk_rehearsal": "risk:overview",
    "risk_rehearse_rule": "risk:overview",
    "risk_decisions": "risk:overview",
    "risk_test_order": "risk:overview",
    "risk:states": "risk:overview",
    "risk:breaches": "risk:overview",
    "risk:watching": "risk:overview",
    "marketdata:replay": "marketdata:data",
    "marketdata:clocks": "marketdata:data",
    "strategies:rows": "strategies:list",
    "strategies:parameters": "strategies:new",
    "strategies:head": "strategies:detail",
    "strategies:actions": "strategies:detail",
    "strategies:live": "strategies:detail",
    "trading:order_preview": "trading:order_new",
    "notifications:bell": "notifications:list",
    "notifications:badge": "notifications:list",
    "backtesting:rows": "backtesting:list",
    "backtesting:parameters": "backtesting:new",
    "backtesting:estimate": "backtesting:new",
    "backtesting:progress": "backtesting:detail",
}
"""The name of each part's address, and that of its page. A page of one row (a strategy) is given the part's id."""
_OF_ONE_ROW = frozenset({"trading:signal", "strategies:detail", "backtesting:detail"})
_KEPT = frozenset({"backtesting:list", "strategies:new", "backtesting:new"})  # pages that read the same query


class PartsMiddleware:
    """Sends a browser that opens a part on to its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Redirect to the page where the view is one of its parts; else let the view answer."""
        name = request.resolver_match.view_name if request.resolver_match else ""
        page = PAGE_OF.get(name)
        if page is None or not _is_document(request):
            return None
        address = reverse(page, args=[kwargs["pk"]] if page in _OF_ONE_ROW else [])
        query = request.META.get("QUERY_STRING", "") if page in _KEPT else ""
        return HttpResponseRedirect(f"{address}?{query}" if query else address)


def _is_document(request: HttpRequest) -> bool:
    """Tell whether a browser asks for a page: no script and no htmx says that it takes HTML before all else."""
    is_htmx = "HX-Request" in request.headers
    return request.method == "GET" and not is_htmx and "text/html" in request.headers.get("Accept", "")
