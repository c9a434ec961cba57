"""Addresses of the trading API, under /api/v1/."""

from typing import Any

from django.urls import URLPattern, path, re_path

from core.api.views import UUID_PATTERN
from trading.api.accounts import AccountActions
from trading.api.orders import CancelAllView, OrderViewSet, PreviewView
from trading.api.positions import CloseAllView, FillViewSet, PositionViewSet
from trading.api.risk import PositionSizeView, RuleTestView
from trading.api.risk_reports import PortfolioView, RehearseView
from trading.api.signals import SignalViewSet, WebhookSignalView
from trading.api.strategies import StrategyActions

_ID = rf"(?P<pk>{UUID_PATTERN})"


def _one(prefix: str, view: Any, action: str, *, method: str = "post", word: str = "") -> URLPattern:
    """Address of something that is done with one row."""
    word = word or action
    return re_path(rf"^{prefix}/{_ID}/{word}/$", view.as_view({method: action}), name=f"api-{prefix}-{word}")


urlpatterns = [
    path("orders/", OrderViewSet.as_view({"get": "list", "post": "create"}), name="api-orders"),
    path("orders/preview/", PreviewView.as_view(), name="api-orders-preview"),
    path("orders/cancel-all/", CancelAllView.as_view(), name="api-orders-cancel-all"),
    re_path(
        rf"^orders/{_ID}/$",
        OrderViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-order",
    ),
    _one("orders", OrderViewSet, "events", method="get"),
    path("positions/", PositionViewSet.as_view({"get": "list"}), name="api-positions"),
    path("positions/close-all/", CloseAllView.as_view(), name="api-positions-close-all"),
    re_path(rf"^positions/{_ID}/$", PositionViewSet.as_view({"get": "retrieve"}), name="api-position"),
    _one("positions", PositionViewSet, "close"),
    path("fills/", FillViewSet.as_view({"get": "list"}), name="api-fills"),
    path("signals/", SignalViewSet.as_view({"get": "list", "post": "create"}), name="api-signals"),
    re_path(rf"^signals/{_ID}/$", SignalViewSet.as_view({"get": "retrieve"}), name="api-signal"),
    _one("signals", SignalViewSet, "approve"),
    _one("signals", SignalViewSet, "dismiss"),
    _one("signals", SignalViewSet, "trace", method="get"),
    _one("strategies", StrategyActions, "start"),
    _one("strategies", StrategyActions, "pause"),
    _one("strategies", StrategyActions, "stop"),
    re_path(
        rf"^strategies/{_ID}/webhook/$",
        StrategyActions.as_view({"get": "webhook", "post": "make_webhook", "delete": "revoke_webhook"}),
        name="api-strategies-webhook",
    ),
    _one("accounts", AccountActions, "reset"),
    _one("accounts", AccountActions, "reconcile"),
    re_path(
        rf"^accounts/{_ID}/trading-state/$",
        AccountActions.as_view({"put": "trading_state"}),
        name="api-accounts-trading-state",
    ),
    path("risk/rules/test/", RuleTestView.as_view(), name="api-risk-rules-test"),
    path("risk/rules/rehearse/", RehearseView.as_view(), name="api-risk-rules-rehearse"),
    path("risk/portfolio/", PortfolioView.as_view(), name="api-risk-portfolio"),
    path("risk/position-size/", PositionSizeView.as_view(), name="api-risk-position-size"),
    path("webhooks/signals/<str:token>/", WebhookSignalView.as_view(), name="api-webhook-signal"),
]
