"""The query parameters of lists: filters, ordering, limit, cursor; declared once, then obeyed and described."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from core.api.fields import Integer, Text
from core.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from core.api.serializers import StrictSerializer


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter that narrows a list: the ORM look-up it becomes, and the field that reads its value."""

    lookup: str
    field: Any


def list_query(
    *, name: str, filters: Mapping[str, Filter], ordering: Mapping[str, str], default_ordering: str
) -> type[StrictSerializer]:
    """Return the serializer class of a list's query parameters."""
    choices = [sign + word for word in ordering for sign in ("", "-")]
    fields: dict[str, Any] = {word: _optional(found.field) for word, found in filters.items()}
    fields["limit"] = Integer(minimum=1, maximum=MAX_LIMIT, required=False, default=DEFAULT_LIMIT)
    fields["cursor"] = Text(max_length=600, required=False, help_text="The `next` of the page before.")
    if choices:
        fields["ordering"] = serializers.ChoiceField(
            choices=choices,
            required=False,
            default=default_ordering,
            error_messages={"invalid_choice": "{input} is not one of " + ", ".join(choices) + "."},
        )
    return type(f"{name}Query", (StrictSerializer,), fields)


def _optional(field: Any) -> Any:
    """Return the field made anew with ``required=False`` (DRF makes fields anew from these same arguments)."""
    return type(field)(*field._args, **{**field._kwargs, "required": False})


def where(filters: Mapping[str, Filter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ORM look-ups for the filters that were given."""
    return {found.lookup: values[word] for word, found in filters.items() if word in values}
