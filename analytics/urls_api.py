"""API addresses of this app, below /api/v1/."""

from django.urls import path

from analytics.api import PerformanceView

urlpatterns = [path("analytics/performance/", PerformanceView.as_view(), name="analytics-performance")]
