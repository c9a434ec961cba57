"""Addresses of the chart, the market data page and the fragments that steer market clocks."""

from django.urls import path

from marketdata.views import actions, chart, data, replays

app_name = "marketdata"

urlpatterns = [
    path("chart/", chart.chart, name="chart"),
    path("data/", data.overview, name="data"),
    path("data/import/", data.import_file, name="import"),
    path("data/splits/", actions.overview, name="actions"),
    path("data/splits/<uuid:pk>/remove/", actions.remove, name="action_remove"),
    path("data/replay/", replays.panel, name="replay"),
    path("data/replays/", replays.listing, name="clocks"),
    path("data/replays/open/", replays.open_feed, name="replay_open"),
    path("data/replays/<uuid:pk>/", replays.change, name="replay_change"),
    path("data/replays/<uuid:pk>/restart/", replays.restart, name="replay_restart"),
]
