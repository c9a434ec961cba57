"""The two addresses of the OpenAPI description: the document and its page."""

from django.views.generic import TemplateView
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView


class SchemaView(SpectacularAPIView):
    """GET /api/schema/."""

    permission_classes = ()
    authentication_classes = ()
    renderer_classes = [OpenApiJsonRenderer]  # noqa: RUF012 - DRF declares it as a plain list


class DocsView(TemplateView):
    """GET /api/docs/: the description as a page; every script and style is a file of ours (strict CSP)."""

    template_name = "core/api_docs.html"
