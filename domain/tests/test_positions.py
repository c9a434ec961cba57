"""Positions and round trips: figures worked out by hand, and the laws that hold for any set of fills."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import Fill, OrderSide
from domain.positions import PositionState, apply, booked, fold, fold_order, net_quantity

D = Decimal
START = datetime(2024, 1, 2, 15, tzinfo=UTC)
INSTRUMENT = UUID(int=1)


def make_fill(n: int, quantity: str | Decimal, price: str | Decimal, fee: str | Decimal = "0", minute: int = 0) -> Fill:
    """A fill; a negative quantity is a sell."""
    signed = D(quantity)
    return Fill(
        fill_id=uuid5(INSTRUMENT, str(n)),
        venue_fill_id=f"v{n:03d}",
        instrument_id=INSTRUMENT,
        symbol="AAPL",
        strategy_id=None,
        side=OrderSide.BUY if signed > 0 else OrderSide.SELL,
        quantity=abs(signed),
        price=D(price),
        fee=D(fee),
        at=START + timedelta(minutes=minute or n),
    )


def fill_lists(max_size: int = 12) -> st.SearchStrategy[list[Fill]]:
    quantity = st.decimals("-900", "900", places=3).filter(lambda q: q != 0)
    price = st.decimals("0.01", "5000", places=4)
    fee = st.decimals("0", "20", places=2)
    rows = st.lists(st.tuples(quantity, price, fee, st.integers(1, 4)), max_size=max_size)
    return rows.map(lambda found: [make_fill(i, q, p, f, minute=m) for i, (q, p, f, m) in enumerate(found)])


def test_adding_moves_the_average_and_reducing_realises_against_it() -> None:
    fills = [make_fill(1, "100", "10"), make_fill(2, "50", "13"), make_fill(3, "-60", "12", "1.5")]

    state = fold(fills)

    assert (state.quantity, state.average_price) == (D(90), D(11))
    assert state.realized_pnl == D(60)  # 60 × (12 - 11)
    assert state.cost == D(990)
    assert state.cash_change == D("-1000") - D(650) + D(720) - D("1.5")


def test_a_fill_through_zero_ends_one_trade_and_begins_another() -> None:
    state = fold([make_fill(1, "100", "10", "1"), make_fill(2, "-150", "12", "3")])

    assert (state.quantity, state.average_price) == (D(-50), D(12))
    (closed,) = state.closed_trades
    assert (closed.pnl, closed.fees, closed.pnl_net) == (D(200), D(3), D(197))
    assert state.open_trade is not None
    assert (state.open_trade.side, state.open_trade.fees) == (OrderSide.SELL, D(1))
    assert (closed.entry_fill, state.open_trade.entry_fill) == ("v001", "v002")


def test_a_short_gains_when_the_price_falls() -> None:
    state = fold([make_fill(1, "-10", "50"), make_fill(2, "4", "40")])

    assert (state.quantity, state.average_price, state.realized_pnl) == (D(-6), D(50), D(40))
    assert state.unrealized_pnl(D(45)) == D(30)


def test_thirds_do_not_leak_cash() -> None:
    # 3 units for 100.00 in all: the average has no end, the P&L of selling them one by one still adds up.
    fills = [make_fill(1, "1", "33.34"), make_fill(2, "2", "33.33")]
    fills += [make_fill(3 + i, "-1", "40") for i in range(3)]

    state = fold(fills)

    assert state.realized_pnl == state.cash_change == D(20)
    assert state.closed_trades[0].pnl == D(20)


@pytest.mark.parametrize(("amount", "expected"), [("1.5", "1.5"), ("5E-13", "0"), ("15E-13", "2E-12")])
def test_amounts_are_kept_to_twelve_places_half_to_even(amount: str, expected: str) -> None:
    assert booked(D(amount)) == D(expected)


@settings(max_examples=150)
@given(fills=fill_lists(), data=st.data())
def test_books_are_a_function_of_the_set_of_fills(fills: list[Fill], data: st.DataObject) -> None:
    assert fold(data.draw(st.permutations(fills))) == fold(fills)


@settings(max_examples=150)
@given(fills=fill_lists(), cut=st.integers(0, 12))
def test_folding_on_from_any_state_gives_what_folding_everything_gives(fills: list[Fill], cut: int) -> None:
    ordered = sorted(fills, key=fold_order)

    assert fold(ordered[cut:], start=fold(ordered[:cut])) == fold(fills)


@settings(max_examples=150)
@given(fills=fill_lists())
def test_every_amount_fits_what_the_database_stores(fills: list[Fill]) -> None:
    state = PositionState()
    for fill in sorted(fills, key=fold_order):
        state = apply(state, fill)
        amounts = (state.average_price, state.cost, state.realized_pnl, state.fees, state.cash_change)
        assert all(booked(amount) == amount for amount in amounts)


@settings(max_examples=150)
@given(fills=fill_lists())
def test_quantity_cash_and_profit_agree(fills: list[Fill]) -> None:
    state = fold(fills)

    assert state.quantity == net_quantity(fills)
    signed_cost = state.cost if state.quantity > 0 else -state.cost
    assert state.cash_change == state.realized_pnl - state.fees - signed_cost
    trips = (*state.closed_trades, *([state.open_trade] if state.open_trade else []))
    assert sum((trip.pnl for trip in trips), D(0)) == state.realized_pnl
    assert sum((trip.fees for trip in trips), D(0)) == state.fees
    assert all(trip.entry_quantity == trip.exit_quantity for trip in state.closed_trades)
