"""Addresses of the pages of performance."""

from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("analytics/", views.overview, name="overview"),
    path("analytics/days.csv", views.days, name="days"),
    path("analytics/report.html", views.report, name="report"),
]
