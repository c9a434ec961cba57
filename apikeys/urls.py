"""Addresses of the key pages."""

from django.urls import path

from apikeys import views

app_name = "apikeys"

urlpatterns = [
    path("keys/", views.tokens, name="list"),
    path("keys/<uuid:pk>/revoke/", views.revoke, name="revoke"),
]
