"""Addresses of the backtest pages."""

from django.urls import include, path

from backtesting.views import comparing, marks, reports, results, submitting

_pages = [
    path("", results.list_page, name="list"),
    path("rows/", results.rows, name="rows"),
    path("new/", submitting.new, name="new"),
    path("estimate/", submitting.estimate, name="estimate"),
    path("parameters/", submitting.parameters, name="parameters"),
    path("compare/", comparing.compare, name="compare"),
    path("<uuid:pk>/", results.detail, name="detail"),
    path("<uuid:pk>/progress/", results.progress, name="progress"),
    path("<uuid:pk>/marks/", marks.marks, name="marks"),
    path("<uuid:pk>/cancel/", results.cancel, name="cancel"),
    path("<uuid:pk>/deploy/", results.deploy, name="deploy"),
    path("<uuid:pk>/note/", results.note, name="note"),
    path("<uuid:pk>/report/", reports.report, name="report"),
    path("<uuid:pk>/export/<slug:name>/", reports.export, name="export"),
]

urlpatterns = [path("backtests/", include((_pages, "backtesting")))]
