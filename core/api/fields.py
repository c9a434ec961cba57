"""Serializer fields that take exactly what api.md says and name the value and the bound when they refuse."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.render import utc_text
from core.api.text import fault_in_line
from core.fields import plain

MAX_DIGITS = 26
MAX_PLACES = 12
_DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9._/:^=\-]{0,31}", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return ascii(text[:60]) if isinstance(value, str) else text[:60]


class _Bounded(serializers.Field[Any, Any, Any, Any]):
    """Keeps ``minimum``, ``maximum`` and ``above`` (exclusive minimum) and refuses what lies outside."""

    default_error_messages: ClassVar = {
        "too_small": "{value} is below the minimum {bound}.",
        "too_large": "{value} is above the maximum {bound}.",
        "not_above": "{value} must be above {bound}.",
    }

    def __init__(self, *, minimum: Any = None, maximum: Any = None, above: Any = None, **kwargs: Any) -> None:
        self.minimum, self.maximum, self.above = minimum, maximum, above
        super().__init__(**kwargs)

    def bounded(self, value: Any, shown: str) -> Any:
        """Return the value, or fail with the bound that it breaks."""
        if self.above is not None and value <= self.above:
            self.fail("not_above", value=shown, bound=self.above)
        if self.minimum is not None and value < self.minimum:
            self.fail("too_small", value=shown, bound=self.minimum)
        if self.maximum is not None and value > self.maximum:
            self.fail("too_large", value=shown, bound=self.maximum)
        return value


@extend_schema_field({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["12.5"]})
class DecimalString(_Bounded):
    """Money, price or quantity: a decimal string (a JSON number is taken too) without exponent, ``_`` or spaces."""

    default_error_messages: ClassVar = {
        "invalid": '{value} is not a decimal number such as "12.5".',
        "too_precise": "{value} has more than {bound} decimal places.",
        "too_long": "{value} has more than {bound} digits.",
    }

    def __init__(self, *, places: int = MAX_PLACES, digits: int = MAX_DIGITS, **kwargs: Any) -> None:
        self.places, self.digits = places, digits
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return a finite Decimal within the bounds."""
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            self.fail("invalid", value=_shown(data))
        text = data if isinstance(data, str) else format(Decimal(data), "f")
        if not _DECIMAL.fullmatch(text):
            self.fail("invalid", value=_shown(data))
        whole, _, fraction = text.lstrip("-").partition(".")
        if len(fraction.rstrip("0")) > self.places:
            self.fail("too_precise", value=_shown(text), bound=self.places)
        if len(whole.lstrip("0")) + len(fraction.rstrip("0")) > self.digits:
            self.fail("too_long", value=_shown(text), bound=self.digits)
        return self.bounded(Decimal(text), text)

    def to_representation(self, value: Decimal) -> str:
        """Write without exponent and trailing zeros."""
        return plain(Decimal(value))


@extend_schema_field(OpenApiTypes.DATETIME)
class UtcDateTime(_Bounded):
    """An RFC 3339 time with its zone; always answered in UTC with ``Z``."""

    default_error_messages: ClassVar = {
        "invalid": "{value} is not an RFC 3339 time with a time zone, such as 2026-01-31T14:30:00Z.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        """Return an aware time in UTC."""
        if not isinstance(data, str) or not _TIME.fullmatch(data):
            self.fail("invalid", value=_shown(data))
        try:
            moment = datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid", value=_shown(data))
        return self.bounded(moment, data)

    def to_representation(self, value: datetime) -> str:
        """Write in UTC with ``Z``."""
        return utc_text(value)


class Day(serializers.DateField):
    """A calendar day as YYYY-MM-DD, in ASCII digits."""

    default_error_messages: ClassVar = {"invalid": "{value} is not a day such as 2026-01-31."}

    def to_internal_value(self, value: Any) -> date:
        """Return the day."""
        if not isinstance(value, str) or not DAY_TEXT.fullmatch(value):
            raise self.refused(value)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.refused(value) from None

    def refused(self, value: Any) -> serializers.ValidationError:
        """Return the error that names the value."""
        return serializers.ValidationError(self.error_messages["invalid"].format(value=_shown(value)), code="invalid")


@extend_schema_field(OpenApiTypes.STR)
class Symbol(serializers.Field[Any, Any, Any, Any]):
    """A symbol; with ``lookup`` the value becomes what it returns (it raises NotFound for an unknown symbol)."""

    default_error_messages: ClassVar = {
        "invalid": "{value} is not a symbol (letters, digits and . _ / : ^ = -, at most 32).",
    }

    def __init__(self, *, lookup: Callable[[str], Any] | None = None, **kwargs: Any) -> None:
        self.lookup = lookup
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the symbol, or what ``lookup`` finds for it."""
        if not isinstance(data, str) or not _SYMBOL.fullmatch(data):
            self.fail("invalid", value=_shown(data))
        return self.lookup(data) if self.lookup else data

    def to_representation(self, value: Any) -> str:
        """Write the symbol of an instrument, or the text itself."""
        return str(getattr(value, "symbol", value))


class EnumField(serializers.ChoiceField):
    """One member of a StrEnum; ``any_case`` where api.md says that input may come in any case."""

    default_error_messages: ClassVar = {"invalid_choice": "{input} is not one of {choices}."}

    def __init__(
        self, enum: type[StrEnum], *, any_case: bool = False, only: Iterable[StrEnum] | None = None, **kwargs: Any
    ) -> None:
        self.enum, self.any_case = enum, any_case
        self.members = tuple(only) if only is not None else tuple(enum)
        super().__init__(choices=[member.value for member in self.members], **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the member."""
        if isinstance(data, str):
            for member in self.members:
                if data == member.value or (self.any_case and data.isascii() and data.lower() == member.value.lower()):
                    return member
        self.fail("invalid_choice", input=_shown(data), choices=", ".join(m.value for m in self.members))

    def to_representation(self, value: Any) -> str:
        """Write the value."""
        return str(value)


class OneOf(serializers.ChoiceField):
    """One of a few words, which a refusal lists."""

    default_error_messages: ClassVar = {"invalid_choice": "{input} is not one of {choices}."}

    def to_internal_value(self, data: Any) -> Any:
        """Return the word."""
        if isinstance(data, str) and data in self.choices:
            return data
        self.fail("invalid_choice", input=_shown(data), choices=", ".join(str(each) for each in self.choices))


class Text(serializers.CharField):
    """A text (not a number, not a boolean) without control or direction characters; ``max_length`` is required."""

    default_error_messages: ClassVar = {"unfit": "The text contains {fault}.", "invalid": "{value} is not a text."}

    def __init__(self, *, max_length: int, multiline: bool = False, **kwargs: Any) -> None:
        self.multiline = multiline
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the trimmed text."""
        if not isinstance(data, str):
            self.fail("invalid", value=_shown(data))
        if fault := fault_in_line(data, multiline=self.multiline):
            self.fail("unfit", fault=fault)
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.INT)
class Integer(_Bounded):
    """A whole number (a JSON number; ASCII digits in an address), within bounds."""

    default_error_messages: ClassVar = {"invalid": "{value} is not a whole number."}

    def __init__(self, *, minimum: int = -(2**63), maximum: int = 2**63 - 1, **kwargs: Any) -> None:
        super().__init__(minimum=minimum, maximum=maximum, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the int."""
        from_query = bool(self.context.get("is_query")) and isinstance(data, str) and _INTEGER.fullmatch(data)
        if not from_query and (isinstance(data, bool) or not isinstance(data, int)):
            self.fail("invalid", value=_shown(data))
        return self.bounded(int(data), _shown(data))

    def to_representation(self, value: Any) -> int:
        """Write as a number."""
        return int(value)


@extend_schema_field(OpenApiTypes.NUMBER)
class Number(_Bounded):
    """A ratio, percentage or statistic: a JSON number in and out, Decimal inside."""

    default_error_messages: ClassVar = {"invalid": "{value} is not a number."}

    def to_internal_value(self, data: Any) -> Decimal:
        """Return a finite Decimal."""
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            self.fail("invalid", value=_shown(data))
        number = Decimal(data)
        if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS or len(number.as_tuple().digits) > MAX_DIGITS:
            self.fail("invalid", value=_shown(data))
        return self.bounded(number, plain(number))

    def to_representation(self, value: Any) -> float:
        """Write as a number."""
        return float(value)


@extend_schema_field(OpenApiTypes.BOOL)
class Boolean(serializers.Field[Any, Any, Any, Any]):
    """true or false, nothing that looks like it."""

    default_error_messages: ClassVar = {"invalid": "{value} is not true or false."}

    def to_internal_value(self, data: Any) -> bool:
        """Return the bool ("true" and "false" in an address)."""
        if isinstance(data, str) and self.context.get("is_query") and data in ("true", "false"):
            return data == "true"
        if not isinstance(data, bool):
            self.fail("invalid", value=_shown(data))
        return data

    def to_representation(self, value: Any) -> bool:
        """Write as true or false."""
        return bool(value)


@extend_schema_field(OpenApiTypes.UUID)
class Identifier(serializers.Field[Any, Any, Any, Any]):
    """A UUID in its usual 36 characters; with ``lookup`` the value becomes what it returns for the id."""

    default_error_messages: ClassVar = {"invalid": "{value} is not a UUID."}

    def __init__(self, *, lookup: Callable[[UUID], Any] | None = None, **kwargs: Any) -> None:
        self.lookup = lookup
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the UUID, or what ``lookup`` finds for it."""
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid", value=_shown(data))
        return self.lookup(UUID(data)) if self.lookup else UUID(data)

    def to_representation(self, value: Any) -> str:
        """Write the id of a row, or the UUID itself."""
        return str(getattr(value, "pk", value))
