"""Serializers that refuse what they do not know: a misspelt limit must not be a missing limit."""

from collections.abc import Mapping
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

S = TypeVar("S", bound="StrictSerializer")


class StrictSerializer(serializers.Serializer[Any]):
    """Validates input or writes output; unknown and read-only fields in the input are refused (unknown_field)."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated fields; raises ValidationError with every fault at once."""
        if not isinstance(data, Mapping):
            shown = type(data).__name__
            raise ValidationError({"non_field_errors": [f"An object was expected, not {shown}."]}, code="invalid")
        faults = self._unknown(data)
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**faults, **error.detail}) from None
        if faults:
            raise ValidationError(faults)
        return values

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        known = {name for name, field in self.fields.items() if not field.read_only}
        message = "There is no such field here; known are: " + (", ".join(sorted(known)) or "none") + "."
        names = [name for name in data if name not in known]
        return {str(name)[:80]: [ErrorDetail(message, code="unknown_field")] for name in names}


class EmptySerializer(StrictSerializer):
    """For a POST that takes no fields at all."""


def read(cls: type[S], data: Any, *, request: Request | None = None, partial: bool = False) -> dict[str, Any]:
    """Validate a body with a serializer class and return its values; raises ValidationError (400)."""
    serializer = cls(data=data, partial=partial, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def read_query(cls: type[S], request: Request) -> dict[str, Any]:
    """Validate the query parameters of a request; a repeated or unknown one is refused (400)."""
    single = {name: values[0] if len(values) == 1 else values for name, values in request.query_params.lists()}
    serializer = cls(data=single, context={"request": request, "is_query": True})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def write(cls: type[S], value: Any, *, request: Request | None = None, many: bool = False) -> Any:
    """Return the representation of a row, a dataclass or a mapping (a list of them with ``many``)."""
    return cls(value, many=many, context={"request": request}).data
