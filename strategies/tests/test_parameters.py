"""Parameters are refused with the field, the value and the bound."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ValidationFailed
from strategies.library.rsi_reversion import RsiReversionParams
from strategies.library.sma_cross import SmaCrossParams
from strategies.parameters import read_parameters, read_texts


def test_what_is_left_out_takes_its_default() -> None:
    assert read_parameters(SmaCrossParams, {"fast": 5}).model_dump() == {"fast": 5, "slow": 50, "reverse": False}


def test_numbers_may_come_as_decimals_as_the_api_reads_them() -> None:
    found = read_parameters(RsiReversionParams, {"period": Decimal(7), "oversold": Decimal("25.5")})

    assert found.model_dump() == {"period": 7, "oversold": 25.5, "overbought": 70.0}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"fast": 0}, "parameters.fast", "greater than or equal to 1"),
        ({"slow": 2001}, "parameters.slow", "less than or equal to 2000"),
        ({"fast": "20"}, "parameters.fast", "integer"),
        ({"fast": True}, "parameters.fast", "integer"),
        ({"fast": Decimal("2.5")}, "parameters.fast", "integer"),
        ({"fast": None}, "parameters.fast", "integer"),
        ({"fast": [1]}, "parameters.fast", "integer"),
        ({"reverse": 1}, "parameters.reverse", "boolean"),
        ({"fats": 20}, "parameters.fats", "no such parameter"),
        ({"fast": 60}, "parameters", "fast 60 must be smaller than slow 50"),
    ],
)
def test_a_bad_parameter_is_named_with_its_bound(values: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_parameters(SmaCrossParams, values)

    assert [(e.field, words in e.message) for e in refused.value.errors] == [(field, True)]


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1e400"), float("nan")])
def test_no_parameter_is_infinite_or_no_number(value: Any) -> None:
    with pytest.raises(ValidationFailed):
        read_parameters(RsiReversionParams, {"oversold": value})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_parameters(SmaCrossParams, {"fast": 0, "slow": 1, "x": 1})

    assert {e.field for e in refused.value.errors} == {"parameters.fast", "parameters.slow", "parameters.x"}


def test_a_form_s_texts_are_read_and_empty_ones_take_the_default() -> None:
    found = read_texts(SmaCrossParams, {"fast": " 7 ", "slow": "", "reverse": "true"})

    assert found.model_dump() == {"fast": 7, "slow": 50, "reverse": True}


def test_a_form_s_bad_text_is_named() -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_texts(SmaCrossParams, {"fast": "many"})

    assert refused.value.errors[0].field == "parameters.fast"
