"""A strategy's parameters: from what a client sent to checked values, every fault named by field and bound. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from domain.errors import FieldError, ValidationFailed
from strategies.base import Params

MAX_PARAMETERS = 100


def read_parameters(kind: type[Params], values: Mapping[str, Any], *, field: str = "parameters") -> Params:
    """Return checked parameters from JSON values (numbers may be Decimal); raises ValidationFailed with every fault."""
    if len(values) > MAX_PARAMETERS:
        message = f"{len(values)} parameters are more than {MAX_PARAMETERS}."
        raise ValidationFailed.of((FieldError(field, "too_many", message),))
    try:
        return kind.model_validate({str(name): _plain(value) for name, value in values.items()})
    except ValidationError as error:
        raise ValidationFailed.of(tuple(_faults(error, kind, field))) from error


def read_texts(kind: type[Params], texts: Mapping[str, str], *, field: str = "parameters") -> Params:
    """Return checked parameters from the texts of a form; empty ones take their default. Raises ValidationFailed."""
    given = {name: text.strip() for name, text in texts.items() if text.strip()}
    try:
        return kind.model_validate_strings(given, strict=False)
    except ValidationError as error:
        raise ValidationFailed.of(tuple(_faults(error, kind, field))) from error


def schema_of(kind: type[Params]) -> dict[str, Any]:
    """Return the JSON Schema of the parameters."""
    return kind.model_json_schema()


def defaults_of(kind: type[Params]) -> dict[str, Any]:
    """Return the default of every parameter."""
    return kind().model_dump(mode="json")


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    # 20 is a whole number and 20.0 is not, as the client wrote it.
    return int(value) if value.is_finite() and value.as_tuple().exponent == 0 else float(value)


def _faults(error: ValidationError, kind: type[Params], field: str) -> list[FieldError]:
    return [
        FieldError(".".join([field, *(str(part) for part in fault["loc"])]), *_words(dict(fault), kind))
        for fault in error.errors(include_url=False)
    ]


def _words(fault: dict[str, Any], kind: type[Params]) -> tuple[str, str]:
    """Return (code, message); the message names the value and the bound."""
    if fault["type"] == "extra_forbidden":
        known = ", ".join(sorted(kind.model_fields)) or "none"
        return "unknown_field", f"There is no such parameter; known are: {known}."
    if not fault["loc"]:  # a rule over several fields: its own words
        return "invalid", str(fault["msg"]).removeprefix("Value error, ").rstrip(".") + "."
    text = str(fault["msg"])
    shown = repr(fault.get("input"))[:60]
    return "invalid", f"{shown}: {text[:1].lower()}{text[1:]}."
