"""API addresses of this app, below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from strategies.api import StrategyTypesView, StrategyViewSet

router = SimpleRouter()
router.register("strategies", StrategyViewSet, basename="strategy")

urlpatterns = [path("strategy-types/", StrategyTypesView.as_view(), name="strategy-types"), *router.urls]
