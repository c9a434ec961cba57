"""Addresses of the preference pages."""

from django.urls import path

from preferences import views

app_name = "preferences"

urlpatterns = [
    path("preferences/", views.overview, name="overview"),
    path("preferences/reset/", views.reset, name="reset"),
    path("preferences/suggestions/<uuid:pk>/", views.decide_suggestion, name="suggestion"),
    path("preferences/history/", views.history, name="history"),
    path("preferences/history/<int:version>/", views.restore, name="restore"),
]
