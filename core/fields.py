"""Model fields shared by all apps: exact decimals on every database."""

from decimal import Context, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

MAX_DIGITS = 38
DECIMAL_PLACES = 12
_BOUND = Decimal(10) ** (MAX_DIGITS - DECIMAL_PLACES)
_QUANTUM = Decimal(1).scaleb(-DECIMAL_PLACES)
_WIDE = Context(prec=2 * MAX_DIGITS)  # the default of 28 digits is less than a column holds


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros: ``Decimal("1E+2")`` → ``"100"``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@lru_cache(maxsize=16_384)
def _canonical(stored: Any) -> Decimal:
    """Equal numbers come back alike, and the same prices and limits are read again and again."""
    return Decimal(plain(Decimal(stored)))


class ExactDecimalField(models.Field):
    """A decimal that comes back exactly as it was stored, on PostgreSQL (numeric) and on SQLite (text).

    Django's own DecimalField becomes a float in SQLite beyond 15 digits. Do not order, compare or add up this column
    in SQL: read the rows and use Python.
    """

    description = "Exact decimal number"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Numeric where the database has it exactly, text elsewhere."""
        return f"numeric({MAX_DIGITS}, {DECIMAL_PLACES})" if connection.vendor == "postgresql" else "text"

    def to_python(self, value: Any) -> Decimal | None:
        """Turn input into a finite Decimal; refuse floats, NaN and what does not fit."""
        if value is None or value == "":
            return None
        if isinstance(value, float):
            raise ValidationError(f"{value!r} is a float; books take Decimal only", code="float")
        try:
            number = value if isinstance(value, Decimal) else Decimal(str(value))
        except InvalidOperation:
            raise ValidationError(f"{value!r} is not a number", code="invalid") from None
        if not number.is_finite() or abs(number) >= _BOUND:
            raise ValidationError(f"{value!r} is not a finite number below {_BOUND:E}", code="bound")
        return number

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        """Give a Decimal without trailing zeros, whatever the driver returned."""
        return None if value is None else _canonical(value)

    def get_prep_value(self, value: Any) -> Decimal | None:
        """Round half-even to the column's 12 places (quantities and prices are coarser than that)."""
        number = self.to_python(super().get_prep_value(value))
        return None if number is None else number.quantize(_QUANTUM, context=_WIDE)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Hand PostgreSQL a Decimal and SQLite the canonical text."""
        number = value if prepared else self.get_prep_value(value)
        if number is None or connection.vendor == "postgresql":
            return number
        return plain(number)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialize as the canonical text."""
        number = self.value_from_object(obj)
        return plain(number) if isinstance(number, Decimal) else ""

    def formfield(self, **kwargs: Any) -> Any:
        """Show as a decimal input in the admin."""
        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})


def choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """Return Django choices of a vocabulary of the domain: the value, and the value in words."""
    return [(item.value, item.value.replace("_", " ")) for item in enum]
