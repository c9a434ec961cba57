"""API addresses of preferences, with and without the trailing slash; tradeplatform.api mounts them at both places."""

from typing import Any

from django.urls import URLPattern, path
from rest_framework.views import APIView

from preferences import api
from preferences.definitions import Category

_VIEWS: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("", api.EverythingView, {}),
    ("trading", api.CategoryView, {"category": Category.TRADING}),
    ("risk", api.CategoryView, {"category": Category.RISK_MANAGEMENT}),
    ("notifications", api.CategoryView, {"category": Category.NOTIFICATIONS}),
    ("strategy", api.CategoryView, {"category": Category.STRATEGY}),
    ("market-data", api.CategoryView, {"category": Category.MARKET_DATA}),
    ("performance", api.CategoryView, {"category": Category.PERFORMANCE}),
    ("summary", api.SummaryView, {}),
    ("defaults", api.DefaultsView, {}),
    ("reset", api.ResetView, {}),
    ("rollback", api.RollbackView, {}),
    ("preview", api.PreviewView, {}),
    ("export", api.ExportView, {}),
    ("import", api.ImportView, {}),
    ("suggestions", api.SuggestionsView, {}),
    ("suggestions/<uuid:pk>/accept", api.SuggestionView, {"word": "accept"}),
    ("suggestions/<uuid:pk>/dismiss", api.SuggestionView, {"word": "dismiss"}),
)


def _both(prefix: str, word: str, make: Any) -> list[URLPattern]:
    """Return the address with the slash, and without it (the latter undescribed: it is the same thing)."""
    bare = f"{prefix}/{word}" if word else prefix
    return [path(f"{bare}/", make({})), path(bare, make({"schema": None}))]


def patterns(prefix: str) -> list[URLPattern]:
    """Return all addresses below a prefix."""
    found: list[URLPattern] = []
    for word, view, options in _VIEWS:
        found += _both(prefix, word, lambda more, v=view, o=options: _plain(v, {**o, **more}))
    found += _both(prefix, "history", lambda more: api.HistoryView.as_view({"get": "list"}, **more))
    return found


def _plain(view: type[APIView], options: dict[str, Any]) -> Any:
    return view.as_view(**options)


urlpatterns = patterns("preferences")
