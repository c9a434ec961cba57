"""API addresses of market data, below /api/v1/. A symbol may hold a slash (BTC/USDT)."""

from django.urls import path

from marketdata.api.actions import CorporateActionViewSet
from marketdata.api.replays import ReplayViewSet
from marketdata.api.views import (
    BarsImportView,
    BarsView,
    InstrumentViewSet,
    LiquidityView,
    QuoteView,
    SubscriptionViewSet,
    VolumeProfileView,
)

_LIST_AND_CREATE, _DELETE = {"get": "list", "post": "create"}, {"delete": "destroy"}

urlpatterns = [
    path("instruments/", InstrumentViewSet.as_view({"get": "list"}), name="instrument-list"),
    path("instruments/<path:symbol>/", InstrumentViewSet.as_view({"get": "retrieve"}), name="instrument-detail"),
    path("corporate-actions/", CorporateActionViewSet.as_view(_LIST_AND_CREATE), name="corporate-action-list"),
    path("corporate-actions/<uuid:pk>/", CorporateActionViewSet.as_view(_DELETE), name="corporate-action"),
    path("bars/", BarsView.as_view(), name="bars"),
    path("bars/import/", BarsImportView.as_view(), name="bars-import"),
    path("quotes/<path:symbol>/", QuoteView.as_view(), name="quote"),
    path("volume-profile/<path:symbol>/", VolumeProfileView.as_view(), name="volume-profile"),
    path("liquidity/<path:symbol>/", LiquidityView.as_view(), name="liquidity"),
    path("subscriptions/", SubscriptionViewSet.as_view({"get": "list"}), name="subscription-list"),
    path("replays/", ReplayViewSet.as_view({"get": "list", "post": "create"}), name="replay-list"),
    path("replays/<uuid:pk>/", ReplayViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="replay"),
    path("replays/<uuid:pk>/restart/", ReplayViewSet.as_view({"post": "restart"}), name="replay-restart"),
]
