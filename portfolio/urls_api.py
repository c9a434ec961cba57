"""API addresses of this app, below /api/v1/."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from core.api.views import UUID_PATTERN
from portfolio import api

router = SimpleRouter()
router.register("accounts", api.AccountViewSet, basename="account")
router.register("trades", api.TradeViewSet, basename="trade")

urlpatterns = [
    path("trades/stats/", api.TradeStatsView.as_view(), name="trade-stats"),
    re_path(
        rf"^accounts/(?P<pk>{UUID_PATTERN})/equity/$",
        api.AccountViewSet.as_view({"get": "equity"}),
        name="account-equity",
    ),
    re_path(
        rf"^accounts/(?P<pk>{UUID_PATTERN})/benchmark/$",
        api.AccountViewSet.as_view({"get": "benchmark"}),
        name="account-benchmark",
    ),
    *router.urls,
]
