"""Health, for load balancers and operators: no sign-in, no secrets."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import StrictView
from tradeplatform import health


class HealthSerializer(serializers.Serializer[Any]):
    """Alive."""

    status = serializers.ChoiceField(choices=["ok"])


class ReadySerializer(serializers.Serializer[Any]):
    """Ready, with the state of each part."""

    status = serializers.ChoiceField(choices=["ok", "unready"])
    parts = serializers.DictField(
        child=serializers.DictField(), help_text="Each part's `ok` and what it was judged by."
    )


class HealthView(StrictView):
    """Whether the process answers at all."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="health", responses={200: HealthSerializer}, auth=[])
    def get(self, request: Request) -> Response:
        """Answer that the process is alive."""
        return Response({"status": "ok"})


class ReadyView(StrictView):
    """Whether every part works; 503 when one does not."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="health_ready", responses={200: ReadySerializer, 503: ReadySerializer}, auth=[])
    def get(self, request: Request) -> Response:
        """Answer with the state of every part."""
        parts = health.report()
        is_ready = all(part["ok"] for part in parts.values())
        return Response({"status": "ok" if is_ready else "unready", "parts": parts}, status=200 if is_ready else 503)
