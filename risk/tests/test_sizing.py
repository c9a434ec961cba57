"""Sizing: the seven methods with figures worked out by hand, and what binds them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instruments import AssetClass, InstrumentSpec
from risk.sizing import SizeLimit, kelly_fraction, size

D = Decimal


def spec(lot: str = "1") -> InstrumentSpec:
    tick = D("0.01")
    return InstrumentSpec(UUID(int=1), "AAPL", "XNYS", AssetClass.EQUITY, "USD", tick, D(lot), "Technology", "XNYS")


def sized(method: str, value: Any, **more: Any) -> Any:
    given = {"equity": D(100_000), "price": D(50), "spec": spec(), **more}
    return size(method, D(value), **given)


WINS = [D("0.1")] * 12 + [D("-0.05")] * 8  # W = 0.6, R = 2: Kelly = 0.6 - 0.4 / 2 = 0.4


@pytest.mark.parametrize(
    ("method", "value", "more", "quantity"),
    [
        ("fixed_quantity", "12.7", {}, 12),
        ("fixed_value", "1030", {}, 20),
        ("percent_equity", "2", {}, 40),
        ("risk_per_trade", "1", {"stop_price": D("48")}, 500),  # 1,000 at risk / 2
        ("risk_per_trade", "1", {"stop_price": D("52")}, 500),  # a short's stop lies above
        ("atr_volatility", "0.5", {"atr": D("2.5")}, 200),  # 500 / 2.5
        ("kelly", "0.25", {"trades": WINS}, 200),  # 10 % of equity
        ("kelly", "1", {"trades": WINS}, 400),  # 40 %, capped at 20 %
        ("kelly", "0.25", {"trades": WINS[:5]}, 20),  # too few trades: 1 % of equity
        ("equal_weight", "8", {}, 250),
        ("equal_weight", "1", {"n_slots": 4}, 500),
        ("percent_equity", "2", {"strength": D("0.5")}, 20),
    ],
)
def test_every_method_gives_its_quantity(method: str, value: str, more: dict[str, Any], quantity: int) -> None:
    found = sized(method, value, **more)

    assert (found.quantity, found.value) == (D(quantity), D(quantity) * 50)
    assert found.explanation


@pytest.mark.parametrize(
    ("method", "value", "more", "words"),
    [
        ("risk_per_trade", "1", {}, "needs a stop price"),
        ("risk_per_trade", "1", {"stop_price": D(50)}, "is the entry price itself"),
        ("atr_volatility", "1", {}, "needs an average true range"),
        ("atr_volatility", "1", {"atr": D(0)}, "must be above 0"),
        ("kelly", "2", {"trades": WINS}, "at most 1"),
        ("kelly", "1", {"trades": [D("-0.1")] * 30}, "no edge"),
        ("equal_weight", "0.5", {}, "at least one position"),
        ("percent_equity", "0", {}, "the value must be above 0"),
        ("percent_equity", "NaN", {}, "the value must be above 0"),
        ("percent_equity", "2", {"equity": D(-5)}, "the equity must be above 0"),
        ("percent_equity", "2", {"price": D("Infinity")}, "the price must be above 0"),
        ("percent_equity", "2", {"strength": D("1.1")}, "the strength must lie"),
    ],
)
def test_what_can_not_be_sized_is_nothing_and_says_why(
    method: str, value: str, more: dict[str, Any], words: str
) -> None:
    found = sized(method, value, **more)

    assert (found.quantity, found.bound_by) == (D(0), "no_size")
    assert words in found.explanation


def test_the_tightest_limit_binds_and_is_named() -> None:
    limits = (SizeLimit("max_leverage", D(3_000)), SizeLimit("max_position_size", D(1_020)))

    found = sized("percent_equity", "5", limits=limits, stop_price=D(49))

    assert (found.quantity, found.bound_by, found.risk_amount) == (D(20), "max_position_size", D(20))
    assert sized("percent_equity", "1", limits=limits).bound_by == ""


@pytest.mark.parametrize(
    ("method", "value", "more", "explanation"),
    [
        (
            "percent_equity",
            "10",
            {"price": D("48.09")},
            "10 % of 100,000 equity at 48.09: 207 AAPL (207.94 cut down to whole lots of 1)",
        ),
        ("fixed_value", "100000", {}, "fixed value of 100,000 at 50: 2,000 AAPL"),
        (
            "percent_equity",
            "5",
            {"limits": (SizeLimit("Largest order", D(500)),)},
            "5 % of 100,000 equity at 50: 10 AAPL; limited by Largest order",
        ),
        ("fixed_value", "49", {}, "fixed value of 49 at 50: 0 AAPL (0.98 cut down to whole lots of 1)"),
    ],
)
def test_a_size_is_explained_in_numbers_that_are_read_at_a_glance(
    method: str, value: str, more: dict[str, Any], explanation: str
) -> None:
    assert sized(method, value, **more).explanation == explanation


def test_less_than_a_lot_is_nothing() -> None:
    found = sized("fixed_value", "49")

    assert (found.quantity, found.bound_by) == (D(0), "lot_size")


def test_kelly_is_the_published_formula() -> None:
    assert kelly_fraction(WINS) == D("0.4")
    assert kelly_fraction([]) == 0
    assert kelly_fraction([D("0.1"), D(0)]) == D("0.5")


@given(
    percent=st.decimals("0.01", "100", places=2),
    price=st.decimals("0.01", "9000", places=2),
    room=st.decimals("0", "200000", places=2),
    lot=st.sampled_from(["1", "100", "0.001", "0.00000001"]),
)
def test_a_size_is_whole_lots_within_every_limit_and_no_lot_too_small(
    percent: Decimal, price: Decimal, room: Decimal, lot: str
) -> None:
    found = sized("percent_equity", percent, price=price, spec=spec(lot), limits=(SizeLimit("room", room),))
    wanted = min(D(1_000) * percent, room)

    assert found.quantity % D(lot) == 0
    assert found.value <= wanted
    assert (found.quantity + D(lot)) * price > wanted
