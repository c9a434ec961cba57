"""What a preference is (pure): its type, default, range, unit and words, and the place that obeys it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.errors import FieldError

Value = bool | int | Decimal | str | tuple[str, ...]
_MAX_PLACES = 6
_NUMBER = re.compile(r"-?[0-9]{1,32}(\.[0-9]{1,32})?", re.ASCII)


class Category(StrEnum):
    """The six parts of a user's preferences."""

    TRADING = "trading"
    RISK_MANAGEMENT = "risk_management"
    NOTIFICATIONS = "notifications"
    STRATEGY = "strategy"
    MARKET_DATA = "market_data"
    PERFORMANCE = "performance"


class Kind(StrEnum):
    """The type of a preference's value."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One preference. ``effect`` says where it acts; only what is ``obeyed`` is offered and accepted.

    ``is_limit``: a higher value is laxer (0 is the laxest where ``zero_is_none``); loosening it by more than half, or
    past its safety ``ceiling``, is critical.
    """

    name: str = ""
    kind: Kind
    default: Value
    label: str
    help: str
    effect: str
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[str, ...] = ()
    obeyed: bool = True
    is_limit: bool = False
    ceiling: Decimal | None = None
    zero_is_none: bool = False

    def clean(self, value: Any) -> Value:
        """Return the value in its type; raises ValueError(code, message) that names the value and the bound."""
        cleaned: Value = _CLEANERS[self.kind](self, value)
        return cleaned

    def stored(self, value: Value) -> Any:
        """Return the value as it stands in the stored JSON: decimals as canonical text, tuples as lists."""
        if isinstance(value, Decimal):
            return _plain(value)
        return list(value) if isinstance(value, tuple) else value


def setting(definition: Definition) -> Any:
    """Declare a dataclass field from its definition."""
    return field(default=definition.default, metadata={"definition": definition})


def definitions_of(category_class: type[Any]) -> dict[str, Definition]:
    """Return the definitions of a category's dataclass by field name."""
    found: dict[str, Definition] = {}
    for each in fields(category_class):
        raw: Definition = each.metadata["definition"]
        values = {f.name: getattr(raw, f.name) for f in fields(raw)}
        found[each.name] = Definition(**{**values, "name": each.name})
    return found


def clean_all(known: Mapping[str, Definition], values: Mapping[str, Any]) -> tuple[dict[str, Value], list[FieldError]]:
    """Return the clean values and every fault (unknown fields included)."""
    clean: dict[str, Value] = {}
    faults: list[FieldError] = []
    for name, value in values.items():
        definition = known.get(name)
        if definition is None or not definition.obeyed:
            offered = ", ".join(sorted(n for n, d in known.items() if d.obeyed)) or "none"
            faults.append(
                FieldError(str(name)[:80], "unknown_field", f"There is no such preference; known: {offered}.")
            )
            continue
        try:
            clean[name] = definition.clean(value)
        except ValueError as error:
            faults.append(FieldError(name, *error.args))
    return clean, faults


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _shown(value: Any) -> str:
    return _plain(value) if isinstance(value, Decimal) and value.is_finite() else ascii(value)[:60]


def _boolean(definition: Definition, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("invalid", f"{_shown(value)} is not true or false.")
    return value


def _integer(definition: Definition, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("invalid", f"{_shown(value)} is not a whole number.")
    _check_range(definition, Decimal(value))
    return value


def _decimal(definition: Definition, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("invalid", f"{_shown(value)} is not a number.")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("invalid", f"{_shown(value)} is not a number.")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("invalid", f"{_shown(value)} is not a finite number.")
    _check_range(definition, number)
    if -int(number.normalize().as_tuple().exponent) > _MAX_PLACES:
        raise ValueError("too_precise", f"{_shown(value)} has more than {_MAX_PLACES} decimal places.")
    return Decimal(_plain(number))


def _check_range(definition: Definition, number: Decimal) -> None:
    if definition.minimum is not None and number < definition.minimum:
        raise ValueError("too_small", f"{_bounded(number)} is below the minimum {definition.minimum}.")
    if definition.maximum is not None and number > definition.maximum:
        raise ValueError("too_large", f"{_bounded(number)} is above the maximum {definition.maximum}.")


def _bounded(number: Decimal) -> str:
    return _plain(number) if abs(number.adjusted()) < 40 else str(number)[:60]


def _choice(definition: Definition, value: Any) -> str:
    if not isinstance(value, str) or value not in definition.choices:
        raise ValueError("invalid_choice", f"{_shown(value)} is not one of {', '.join(definition.choices)}.")
    return value


def _choices(definition: Definition, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("invalid", f"A list with at least one of {', '.join(definition.choices)} is expected.")
    chosen = tuple(_choice(definition, item) for item in value)
    if len(set(chosen)) != len(chosen):
        raise ValueError("duplicate", "The list names the same thing twice.")
    return chosen


def _text(definition: Definition, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or not (value.isascii() and value.isprintable()):
        raise ValueError("invalid", f"{_shown(value)} is not a text of 1 to 32 ASCII characters.")
    return value


_CLEANERS: dict[Kind, Any] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.TEXT: _text,
}
