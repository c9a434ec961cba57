"""API addresses of this app, below /api/v1/."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from core.api.views import UUID_PATTERN
from risk import api, api_rule_sets, api_watching

router = SimpleRouter()
router.register("risk/rules", api.RuleViewSet, basename="risk-rule")
router.register("risk/decisions", api.DecisionViewSet, basename="risk-decision")
router.register("risk/breaches", api.BreachViewSet, basename="risk-breach")
router.register("risk/waivers", api_watching.WaiverViewSet, basename="risk-waiver")
router.register("risk/stress-scenarios", api_watching.ScenarioViewSet, basename="risk-stress-scenario")

urlpatterns = [
    path("risk/headroom/history/", api_watching.HeadroomHistoryView.as_view(), name="risk-headroom-history"),
    path("risk/unprotected/", api_watching.UnprotectedView.as_view(), name="risk-unprotected"),
    path("risk/rules/bulk/", api.BulkRulesView.as_view(), name="risk-rules-bulk"),
    path("risk/rules/templates/", api_rule_sets.RuleTemplatesView.as_view(), name="risk-rules-templates"),
    path("risk/rules/export/", api_rule_sets.RuleExportView.as_view(), name="risk-rules-export"),
    path("risk/rules/import/", api_rule_sets.RuleImportView.as_view(), name="risk-rules-import"),
    path("risk/rules/types/", api.RuleTypesView.as_view(), name="risk-rule-types"),
    path("risk/kill-switch/", api.KillSwitchView.as_view(), name="risk-kill-switch"),
    re_path(
        rf"^risk/breaches/(?P<pk>{UUID_PATTERN})/acknowledge/$",
        api.BreachViewSet.as_view({"post": "acknowledge"}),
        name="risk-breach-acknowledge",
    ),
    *router.urls,
]
