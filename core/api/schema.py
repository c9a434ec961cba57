"""The OpenAPI description, drawn from the tables that the views obey."""

import functools
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from core.api.fields import Integer, Number
from core.api.idempotency import HEADER
from core.api.serializers import EmptySerializer


class FaultSerializer(serializers.Serializer[Any]):
    """One field that is wrong."""

    field = serializers.CharField(help_text='Dotted path into the body, "" for the whole.')
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FaultSerializer(many=True)


_KEY_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key and body give the first answer again; another body is 409.",
)


class StrictSchema(AutoSchema):
    """Describes StrictView and its children from their tables."""

    def get_override_parameters(self) -> list[Any]:
        """Add the query parameters, and Idempotency-Key where it is honoured."""
        parameters: list[Any] = []
        if hasattr(self.view, "query_class"):
            query = self.view.query_class()
            parameters += [] if query is EmptySerializer else [query]
        if getattr(self._method(), "is_idempotent", False):
            parameters.append(_KEY_PARAMETER)
        return parameters

    def get_request_serializer(self) -> Any:
        """Return the body's serializer class."""
        return self.view.body_class() if hasattr(self.view, "body_class") else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        """Return what the operation answers: a page for lists."""
        if not hasattr(self.view, "chosen"):
            return super().get_response_serializers()
        found = self.view.chosen(self.view.answers, getattr(self.view, "output", None))
        if self.method == "DELETE" and self.view.chosen(self.view.answers) is None:
            return None
        if getattr(self.view, "action", None) == "list" and isinstance(found, type):
            return _page(found)
        return found

    def get_tags(self) -> list[str]:
        """Group operations by what stands after the mount in their address: orders, risk, preferences, …"""
        parts = [part for part in self.path.split("/") if part and not part.startswith("{")]
        return [parts[2] if len(parts) > 2 else parts[-1]]

    def get_operation_id(self) -> str:
        """Name lists as lists; the rest as usual."""
        name: str = super().get_operation_id()
        is_list = getattr(self.view, "action", None) == "list"
        return f"{name.removesuffix('_retrieve')}_list" if is_list else name

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> dict[str, Any]:
        """Add the bounds that our own fields keep."""
        mapped: dict[str, Any] = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, Integer | Number):
            words = {"minimum": field.minimum, "maximum": field.maximum, "exclusiveMinimum": field.above}
            return {
                **mapped,
                **{
                    word: int(bound) if bound == int(bound) else float(bound)
                    for word, bound in words.items()
                    if bound is not None
                },
            }
        return mapped

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction == "response":
            reference = self.resolve_serializer(ProblemSerializer, direction).ref
            content = {"application/problem+json": {"schema": reference}}
            bodies["default"] = {"content": content, "description": "What went wrong (RFC 9457)."}
        return bodies

    def _method(self) -> Any:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name, None)


@functools.cache
def _page(row: type[serializers.Serializer[Any]]) -> Any:
    fields = {
        "results": row(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Cursor of the next page; null on the last one."),
    }
    return inline_serializer(name=f"{row.__name__.removesuffix('Serializer')}Page", fields=fields)


def without_marks(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Take the generator's own marks out of the finished description (a spectacular post-processing hook)."""
    if isinstance(result, dict):
        return {k: without_marks(v, None, None, public) for k, v in result.items() if k != "x-spec-enum-id"}
    return [without_marks(each, None, None, public) for each in result] if isinstance(result, list) else result
