"""Addresses of the notifications API, under /api/v1/."""

from typing import Any

from django.urls import path, re_path

from core.api.views import UUID_PATTERN
from notifications import api

_ID = rf"(?P<pk>{UUID_PATTERN})"


def _one(action: str, method: str) -> Any:
    return api.NotificationViewSet.as_view({method: action})


urlpatterns = [
    path("notifications/", _one("list", "get"), name="api-notifications"),
    path("notifications/read-all/", api.ReadAllView.as_view(), name="api-notifications-read-all"),
    path("notifications/stats/", api.StatsView.as_view(), name="api-notifications-stats"),
    path("notifications/why/", api.WhyView.as_view(), name="api-notifications-why"),
    path("notifications/test/", api.TestView.as_view(), name="api-notifications-test"),
    path("notifications/channels/", api.ChannelsView.as_view(), name="api-notifications-channels"),
    path(
        "notifications/mutes/",
        api.MuteViewSet.as_view({"get": "list", "post": "create"}),
        name="api-notification-mutes",
    ),
    re_path(
        rf"^notifications/mutes/{_ID}/$", api.MuteViewSet.as_view({"delete": "destroy"}), name="api-notification-mute"
    ),
    re_path(rf"^notifications/{_ID}/$", _one("retrieve", "get"), name="api-notification"),
    re_path(rf"^notifications/{_ID}/read/$", _one("read", "post"), name="api-notification-read"),
    re_path(rf"^notifications/{_ID}/acknowledge/$", _one("acknowledge", "post"), name="api-notification-acknowledge"),
    re_path(rf"^notifications/{_ID}/snooze/$", _one("snooze", "post"), name="api-notification-snooze"),
    re_path(rf"^notifications/{_ID}/deliveries/$", _one("deliveries", "get"), name="api-notification-deliveries"),
]
