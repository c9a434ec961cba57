"""Addresses of the preference pages."""

from django.urls import path

from preferences import views, views_entries, views_versions

app_name = "preferences"

urlpatterns = [
    path("preferences/", views.overview, name="overview"),
    path("preferences/reset/", views.reset, name="reset"),
    path("preferences/overrides/end/", views.end_override, name="end_override"),
    path("preferences/suggestions/<uuid:pk>/", views.decide_suggestion, name="suggestion"),
    path("preferences/history/", views_versions.history, name="history"),
    path("preferences/history/<int:version>/", views_versions.restore, name="restore"),
    path("preferences/export/", views_versions.export, name="export"),
    path("preferences/import/", views_versions.import_file, name="import"),
    path("preferences/notifications/<slug:kind>/", views_entries.entry, name="entry"),
]
