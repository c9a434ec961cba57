"""Exact decimals come back exactly, on every database."""

from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from core.fields import ExactDecimalField, plain
from marketdata.models import Instrument

field = ExactDecimalField()


@pytest.mark.parametrize(
    ("value", "text"),
    [(D("1E+2"), "100"), (D("0.10"), "0.1"), (D("-0"), "0"), (D("100"), "100"), (D("1E-8"), "0.00000001")],
)
def test_numbers_are_written_without_exponent_and_trailing_zeros(value, text):
    assert plain(value) == text


@pytest.mark.parametrize("value", [0.1, "abc", D("NaN"), D("Infinity"), D(10) ** 26, "1_000x"])
def test_what_is_not_an_exact_number_is_refused(value):
    with pytest.raises(ValidationError):
        field.to_python(value)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["123456789012345678901234.123456789012", "0.000000000001", "-99999999999999.99", "0"])
def test_a_stored_number_comes_back_to_the_last_digit(text):
    row = Instrument.objects.create(
        symbol="T" + str(abs(hash(text)))[:8],
        venue="X",
        asset_class="equity",
        currency="USD",
        tick_size=D(text),
        lot_size=D(1),
        calendar="24/7",
    )

    assert Instrument.objects.get(pk=row.pk).tick_size == D(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20))
def test_the_canonical_text_is_the_same_number(value):
    assert D(plain(value)) == value
