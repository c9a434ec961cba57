"""The router of the REST API."""

from django.urls import URLPattern, URLResolver, include, path

from core.api.schema_views import DocsView, SchemaView
from preferences.urls_api import patterns as preference_patterns

_APPS = (
    "apikeys",
    "preferences",
    "marketdata",
    "notifications",
    "portfolio",
    "analytics",
    "strategies",
    "risk",
    "trading",
    "backtesting",
    "core",
    "tradeplatform",
)

_v1: list[URLPattern | URLResolver] = [path("", include(f"{app}.urls_api")) for app in _APPS]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(_v1)),
    path("api/", include(preference_patterns("trading-engine/preferences"))),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
]
