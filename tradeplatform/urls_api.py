"""API addresses of the platform as a whole."""

from django.urls import path

from tradeplatform.twin_api import TwinView
from tradeplatform.views_api import HealthView, ReadyView

urlpatterns = [
    path("health/", HealthView.as_view(), name="health"),
    path("health/ready/", ReadyView.as_view(), name="health-ready"),
    path("analytics/twin/", TwinView.as_view(), name="analytics-twin"),
]
