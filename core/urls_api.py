"""API addresses of this app, below /api/v1/."""

from django.urls import path

from core.audit_api import AuditExportView, AuditVerifyView, AuditViewSet

urlpatterns = [
    path("audit/", AuditViewSet.as_view({"get": "list"}), name="audit-list"),
    path("audit/verify/", AuditVerifyView.as_view(), name="audit-verify"),
    path("audit/export/", AuditExportView.as_view(), name="audit-export"),
]
