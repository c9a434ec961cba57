"""Serializer fields: exactly what api.md says, and messages that name the value and the bound."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from core.api.fields import Boolean, DecimalString, EnumField, Identifier, Integer, Number, Symbol, Text, UtcDateTime
from domain.errors import NotFound


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


def fault(field: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        field.run_validation(value)
    return str(caught.value.detail[0])


@pytest.mark.parametrize(
    "value",
    [
        "1_000",
        " 1",
        "1 ",
        "1e3",
        "NaN",
        "Infinity",
        "-",
        "",
        "+1",
        ".5",
        "5.",
        "١٢",
        "1,5",
        "0x10",
        "1\n",
        True,
        None,
        [],
        {},
        "9" * 27,
        "0.1234567890123",
        1.5,
        "1" * 5000,
    ],
)
def test_a_decimal_string_takes_ascii_digits_only(value: Any) -> None:
    assert fault(DecimalString(), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.50", "12.5"),
        ("-0", "0"),
        ("007", "7"),
        (3, "3"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.10"), "0.1"),
        ("0.100000000000000", "0.1"),
    ],
)
def test_a_decimal_string_is_written_without_exponent_and_trailing_zeros(value: Any, expected: str) -> None:
    assert DecimalString().to_representation(DecimalString().run_validation(value)) == expected


def test_a_decimal_string_names_value_and_bound() -> None:
    field = DecimalString(above=Decimal(0), maximum=Decimal(10))

    assert fault(field, "10.5") == "10.5 is above the maximum 10."
    assert fault(field, "0") == "0 must be above 0."
    assert "12 decimal places" in fault(field, "0.1234567890123")


@given(st.text(max_size=40))
def test_whatever_a_decimal_string_takes_is_a_finite_decimal_of_the_same_value(text: str) -> None:
    try:
        value = DecimalString().run_validation(text)
    except ValidationError:
        return
    assert value.is_finite() and value == Decimal(text)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "2026-01-31T10:00:00",
        "2026-01-31 10:00",
        1700000000,
        "2026-02-30T10:00:00Z",
        "now",
        "2026-W05-6",
        "0001-01-01T00:00:00+14:00",
        "2026-01-31T10:00:00 Z",
        "2026-01-31T25:00:00Z",
        "٢٠٢٦-01-31T10:00:00Z",
    ],
)
def test_a_time_without_zone_or_sense_is_refused(value: Any) -> None:
    assert "RFC 3339" in fault(UtcDateTime(), value)


def test_a_time_is_answered_in_utc_with_z() -> None:
    moment = UtcDateTime().run_validation("2026-01-31T10:00:00.5+02:00")

    assert moment == datetime(2026, 1, 31, 8, 0, 0, 500000, tzinfo=UTC)
    assert UtcDateTime().to_representation(moment) == "2026-01-31T08:00:00.500000Z"


@pytest.mark.parametrize("value", ["", "AA PL", "AAPL\u202e", "ААРL", "A" * 33, 5, "AAPL\n", "<b>", "A\x00"])
def test_what_is_no_symbol_is_refused_before_any_look_up(value: Any) -> None:
    asked: list[str] = []

    assert "is not a symbol" in fault(Symbol(lookup=asked.append), value)
    assert asked == []


def test_a_symbol_becomes_what_the_look_up_finds() -> None:
    def lookup(symbol: str) -> dict[str, str]:
        if symbol != "BRK.B":
            raise NotFound(f"No instrument {symbol}.")
        return {"found": symbol}

    assert Symbol(lookup=lookup).run_validation("BRK.B") == {"found": "BRK.B"}
    with pytest.raises(NotFound):
        Symbol(lookup=lookup).run_validation("AAPL")


def test_an_enum_takes_any_case_only_where_it_is_told_to() -> None:
    assert EnumField(Side).run_validation("buy") is Side.BUY
    assert EnumField(Side, any_case=True).run_validation("BUY") is Side.BUY
    assert fault(EnumField(Side), "BUY") == "'BUY' is not one of buy, sell."
    for value in (1, True, [], {}, None, "BUY\u0131"):
        assert fault(EnumField(Side, any_case=True), value)


@pytest.mark.parametrize("value", [5, True, [], "a\x00", "a\nb", "a\u202eb", "x" * 11, "a\u200bb"])
def test_a_text_is_a_text_without_control_or_direction_characters(value: Any) -> None:
    assert fault(Text(max_length=10), value)


@pytest.mark.parametrize("value", ["1", 1.5, Decimal("1"), True, None, 2**63, -(2**63) - 1, []])
def test_an_integer_is_a_json_integer_within_bounds(value: Any) -> None:
    assert fault(Integer(), value)


def test_numbers_and_booleans_are_not_what_only_looks_like_them() -> None:
    for value in ("1", True, None, [], Decimal("1E+60"), Decimal("NaN")):
        assert fault(Number(), value)
    for value in ("true", 1, 0, "yes", None):
        assert fault(Boolean(), value)
    assert fault(Number(minimum=0, maximum=1), Decimal("1.5")) == "1.5 is above the maximum 1."


@pytest.mark.parametrize(
    "value", [1, "1", "{12345678-1234-5678-1234-567812345678}", "12345678123456781234567812345678", ""]
)
def test_an_identifier_is_a_uuid_in_its_usual_form(value: Any) -> None:
    assert fault(Identifier(), value)
