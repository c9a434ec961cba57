"""Addresses of the risk page, its fragments and the rule editor."""

from django.urls import path

from risk import views, views_rule_sets, views_watching

app_name = "risk"

urlpatterns = [
    path("risk/", views.overview, name="overview"),
    path("risk/states/", views.states, name="states"),
    path("risk/breaches/", views.breaches, name="breaches"),
    path("risk/breaches/<uuid:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("risk/kill-switch/", views.engage, name="kill"),
    path("risk/kill-switch/<uuid:pk>/release/", views.release, name="release"),
    path("risk/accounts/<uuid:pk>/state/", views.change_state, name="change_state"),
    path("risk/watching/", views_watching.watching, name="watching"),
    path("risk/waivers/<uuid:position>/", views_watching.sign_waiver, name="sign_waiver"),
    path("risk/waivers/<uuid:position>/revoke/", views_watching.revoke_waiver, name="revoke_waiver"),
    path("risk/scenarios/new/", views_watching.new_scenario, name="new_scenario"),
    path("risk/scenarios/<uuid:pk>/delete/", views_watching.delete_scenario, name="delete_scenario"),
    path("risk/rules/new/", views.new_rule, name="new_rule"),
    path("risk/rules/bulk/", views_rule_sets.bulk, name="bulk_rules"),
    path("risk/rules/ready-set/", views_rule_sets.apply_template, name="apply_template"),
    path("risk/rules/<uuid:pk>/", views.edit_rule, name="edit_rule"),
    path("risk/rules/<uuid:pk>/toggle/", views.toggle_rule, name="toggle_rule"),
    path("risk/rules/<uuid:pk>/delete/", views.delete_rule, name="delete_rule"),
]
