"""Addresses of the notification pages and fragments."""

from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("notifications/", views.list_page, name="list"),
    path("notifications/bell/", views.bell, name="bell"),
    path("notifications/badge/", views.badge, name="badge"),
    path("notifications/not-sent/", views.not_sent, name="not_sent"),
    path("notifications/read-all/", views.read_all, name="read_all"),
    path("notifications/<uuid:pk>/open/", views.open_cause, name="open"),
    path("notifications/<uuid:pk>/why/", views.why, name="why"),
    path("notifications/<uuid:pk>/read/", views.read, name="read"),
    path("notifications/<uuid:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("notifications/<uuid:pk>/snooze/", views.snooze, name="snooze"),
    path("notifications/<uuid:pk>/mute/", views.mute, name="mute"),
]
