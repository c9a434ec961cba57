"""Addresses of the risk page, its fragments and the rule editor."""

from django.urls import path

from risk import views

app_name = "risk"

urlpatterns = [
    path("risk/", views.overview, name="overview"),
    path("risk/states/", views.states, name="states"),
    path("risk/breaches/", views.breaches, name="breaches"),
    path("risk/breaches/<uuid:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("risk/kill-switch/", views.engage, name="kill"),
    path("risk/kill-switch/<uuid:pk>/release/", views.release, name="release"),
    path("risk/accounts/<uuid:pk>/state/", views.change_state, name="change_state"),
    path("risk/rules/new/", views.new_rule, name="new_rule"),
    path("risk/rules/<uuid:pk>/", views.edit_rule, name="edit_rule"),
    path("risk/rules/<uuid:pk>/toggle/", views.toggle_rule, name="toggle_rule"),
    path("risk/rules/<uuid:pk>/delete/", views.delete_rule, name="delete_rule"),
]
