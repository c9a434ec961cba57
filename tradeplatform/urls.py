"""All addresses: each app's pages, the API, the admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from tradeplatform.views import operators_only

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", operators_only),
    path("admin/", admin.site.urls),
    path("", include("tradeplatform.api")),
    path("", include("tradeplatform.pages")),
    path("", include("users.urls")),
    path("", include("marketdata.urls")),
    path("", include("trading.urls")),
    path("", include("risk.urls")),
    path("", include("analytics.urls")),
    path("", include("notifications.urls")),
    path("", include("preferences.urls")),
    path("", include("apikeys.urls")),
    path("", include("backtesting.urls")),
]
"""Every app names its own folder, so the order matters to nobody."""

handler400 = "tradeplatform.errors.bad_request"
handler403 = "tradeplatform.errors.permission_denied"
handler404 = "tradeplatform.errors.not_found"
handler500 = "tradeplatform.errors.server_error"
