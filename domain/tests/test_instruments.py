"""Prices and quantities obey the instrument's steps."""

from decimal import Decimal
from uuid import uuid4

import pytest

from domain.instruments import AssetClass, InstrumentSpec


def make_spec(tick: str = "0.01", lot: str = "1", asset_class: AssetClass = AssetClass.EQUITY) -> InstrumentSpec:
    return InstrumentSpec(
        id=uuid4(), symbol="AAPL", venue="XNAS", asset_class=asset_class, currency="USD", tick_size=Decimal(tick),
        lot_size=Decimal(lot), sector="", calendar="XNYS",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tick", "value", "price"),
    [
        ("0.01", 118.5649, "118.56"),
        ("0.01", 118.565, "118.56"),
        ("0.01", 118.575, "118.58"),
        ("0.25", 3235.3, "3235.25"),
        ("0.00000001", 0.09946999000000001, "0.09946999"),
        ("0.05", 42903702221740.8, "42903702221740.80"),
        ("5", 12, "10"),
    ],
)
def test_a_price_is_rounded_to_the_nearest_tick(tick: str, value: float, price: str) -> None:
    assert make_spec(tick).price(value) == Decimal(price)


@pytest.mark.parametrize(
    ("lot", "value", "quantity"),
    [("1", 12.99, "12"), ("1", -12.99, "-12"), ("0.001", Decimal("0.0019999"), "0.001"), ("100", 99, "0")],
)
def test_a_quantity_is_cut_down_to_the_lot(lot: str, value: Decimal | float, quantity: str) -> None:
    assert make_spec(lot=lot).quantity(value) == Decimal(quantity)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_not_finite_is_neither_price_nor_quantity(value: Decimal | float) -> None:
    with pytest.raises(ValueError, match="finite"):
        make_spec().price(value)
    with pytest.raises(ValueError, match="finite"):
        make_spec().quantity(value)


def test_a_price_is_on_tick_exactly_or_not_at_all() -> None:
    spec = make_spec()

    assert spec.is_on_tick(Decimal("118.56"))
    assert spec.is_on_tick(Decimal("118.560000"))
    assert not spec.is_on_tick(Decimal("118.5600000001"))
    assert not spec.is_on_tick(Decimal("NaN"))


def test_bars_of_shares_may_lie_on_a_hundredth_of_the_tick_and_others_on_half() -> None:
    assert make_spec().bar_step == Decimal("0.0001")
    assert make_spec("0.00001", asset_class=AssetClass.FX).bar_step == Decimal("0.000005")
