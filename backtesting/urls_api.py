"""Addresses of the backtest API, under /api/v1/."""

from typing import Any

from django.urls import URLPattern, path, re_path

from backtesting.api.backtests import BacktestViewSet, CompareView, EstimateView
from backtesting.api.searches import SweepEstimateView, SweepViewSet, WalkForwardEstimateView, WalkForwardViewSet
from core.api.views import UUID_PATTERN

_ID = rf"(?P<pk>{UUID_PATTERN})"


def _of(prefix: str, view: Any, *more: str) -> list[URLPattern]:
    """Addresses that every kind of job has, and `more` tables to read."""

    def one(word: str, methods: dict[str, str], name: str = "") -> URLPattern:
        return re_path(rf"^{prefix}/{_ID}/{word}/$", view.as_view(methods), name=f"api-{prefix}-{name or word}")

    return [
        path(f"{prefix}/", view.as_view({"get": "list", "post": "create"}), name=f"api-{prefix}"),
        re_path(rf"^{prefix}/{_ID}/$", view.as_view({"get": "retrieve"}), name=f"api-{prefix}-one"),
        one("cancel", {"post": "cancel"}),
        one("notes", {"get": "notes", "post": "add_note"}),
        one(rf"notes/(?P<note>{UUID_PATTERN})", {"delete": "remove_note"}, name="note"),
        one("export", {"get": "export"}),
        one("report", {"get": "report"}),
        one("deploy", {"post": "deploy"}),
        *(one(word, {"get": word}) for word in more),
    ]


urlpatterns = [
    path("backtests/estimate/", EstimateView.as_view(), name="api-backtests-estimate"),
    path("backtests/compare/", CompareView.as_view(), name="api-backtests-compare"),
    *_of("backtests", BacktestViewSet, "trades", "orders", "equity"),
    path("sweeps/estimate/", SweepEstimateView.as_view(), name="api-sweeps-estimate"),
    *_of("sweeps", SweepViewSet, "results", "trades", "equity"),
    path("walk-forwards/estimate/", WalkForwardEstimateView.as_view(), name="api-walk-forwards-estimate"),
    *_of("walk-forwards", WalkForwardViewSet, "trades", "equity"),
]
