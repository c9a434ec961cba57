"""Fields of the trading API that are no plain values: a client's order id, and the level of a stop or a target."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import DecimalString
from core.api.serializers import StrictSerializer

MAX_PRICE = Decimal(10) ** 12
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,55}", re.ASCII)
# The platform makes such ids itself: of signals, of closing orders, of an order's own stop and target.
_RESERVED = re.compile(r"[sc]-[0-9a-f]{32}|.*-(sl|tp)[0-9]+", re.ASCII)


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,55}$"})
class ClientOrderId(serializers.Field[Any, Any, Any, Any]):
    """The client's own name of an order: used once an account, for ever."""

    default_error_messages: ClassVar = {
        "invalid": "{value} is not 1 to 56 letters, digits and . _ : - (a letter or digit first).",
        "reserved": "{value} has the form of ids that the platform makes itself.",
    }

    def to_internal_value(self, data: Any) -> str:
        """Return the id."""
        shown = ascii(data[:60]) if isinstance(data, str) else repr(data)[:60]
        if not isinstance(data, str) or not _CLIENT_ORDER_ID.fullmatch(data):
            self.fail("invalid", value=shown)
        if _RESERVED.fullmatch(data):
            self.fail("reserved", value=shown)
        return str(data)

    def to_representation(self, value: Any) -> str:
        """Write the id."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Level:
    """Where a stop or a target lies: at a price, or so many per cent from the entry."""

    price: Decimal | None = None
    percent: Decimal | None = None


class LevelObject(StrictSerializer):
    """A level as an object: one of its two fields."""

    price = DecimalString(above=0, maximum=MAX_PRICE, required=False)
    percent = DecimalString(above=0, maximum=1000, required=False)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "description": "A price."},
            {"type": "object", "properties": {"price": {"type": "string"}, "percent": {"type": "string"}}},
        ]
    }
)
class LevelField(serializers.Field[Any, Any, Any, Any]):
    """A price such as ``"95.5"``, ``{"price": "95.5"}`` or ``{"percent": "2"}``."""

    default_error_messages: ClassVar = {"one_of": "Give either a price or a percent."}

    def to_internal_value(self, data: Any) -> Level:
        """Return the level."""
        if not isinstance(data, dict):
            return Level(price=DecimalString(above=0, maximum=MAX_PRICE).run_validation(data))
        form = LevelObject(data=data, context=self.context)
        form.is_valid(raise_exception=True)
        found = Level(**form.validated_data)
        if (found.price is None) == (found.percent is None):
            self.fail("one_of")
        return found

    def to_representation(self, value: Any) -> Any:
        """Write the level as it was given."""
        return value
