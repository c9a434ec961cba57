"""Addresses of pages that stand above single apps: home, search, the frame's state, and fragments of trading."""

from django.urls import path

from tradeplatform import search, twin_pages, views
from trading.views import chart_marks, risk_parts, risk_portfolio, risk_rehearsal, sizing

urlpatterns = [
    path("", views.home, name="home"),
    path("home/panels/<slug:name>/", views.panel, name="home_panel"),
    path("home/arrange/", views.arrange, name="home_arrange"),
    path("home/paper-account/", views.open_paper_account, name="home_paper_account"),
    path("shell/status/", views.shell_status, name="shell_status"),
    path("search/", search.results, name="search"),
    path("chart/marks/", chart_marks.marks, name="chart_marks"),
    path("chart/signals/<uuid:pk>/", chart_marks.signal, name="chart_signal"),
    path("chart/fills/<uuid:pk>/", chart_marks.fill, name="chart_fill"),
    path("strategies/<uuid:pk>/twin/", twin_pages.twin, name="strategy_twin"),
    path("risk/limits/", risk_parts.limits, name="risk_limits"),
    path("risk/portfolio/", risk_portfolio.picture, name="risk_portfolio"),
    path("risk/rehearsal/", risk_rehearsal.rehearsal, name="risk_rehearsal"),
    path("risk/rehearsal/<slug:type_name>/", risk_rehearsal.rehearse_rule, name="risk_rehearse_rule"),
    path("risk/decisions/", risk_parts.decisions, name="risk_decisions"),
    path("risk/position-size/", sizing.calculator, name="position_size"),
    path("risk/test-order/", risk_parts.test_order, name="risk_test_order"),
    path("platform/kill-switch/", views.platform_switch, name="platform_switch"),
]
