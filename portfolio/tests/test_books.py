"""The books: what fills do to positions, cash, journal and facts, and that only their set counts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import OutboxEvent
from domain.orders import Fill
from domain.protection import ProtectionPlan
from marketdata.models import Instrument
from portfolio import selectors
from portfolio.models import Account, Position, Trade
from portfolio.services.books import BookedFill, book_fill, set_protection
from portfolio.tests.factories import at_day, make_account, make_fill, make_instrument

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def aapl() -> Instrument:
    return make_instrument("AAPL")


@pytest.fixture
def account() -> Account:
    return make_account()


def book_all(account: Account, fills: Sequence[Fill], **more: Any) -> BookedFill:
    """Book fills one after the other, as the one who keeps them would."""
    kept: list[Fill] = []
    result: BookedFill | None = None
    for fill in fills:
        kept.append(fill)
        locked = Account.objects.get(pk=account.pk)
        mine = [f for f in kept if (f.instrument_id, f.strategy_id) == (fill.instrument_id, fill.strategy_id)]
        result = book_fill(locked, fill, history=lambda mine=mine: mine, at=fill.at, **more)
    assert result is not None
    account.refresh_from_db()
    return result


def fact_names() -> list[str]:
    return list(OutboxEvent.objects.order_by("seq").values_list("name", flat=True))


def test_a_buy_moves_cash_and_position_together(account: Account, aapl: Instrument) -> None:
    booked = book_all(account, [make_fill(aapl, "100", "50.25", fee="1")])

    assert account.cash == D("94974")
    assert account.equity == D("99999")
    assert (booked.position.quantity, booked.before_quantity, booked.trade) == (D(100), D(0), None)
    assert account.gross_exposure == D(5025)
    assert account.buying_power == D("94974")


def test_a_round_trip_is_one_trade_in_the_journal(account: Account, aapl: Instrument) -> None:
    fills = [
        make_fill(aapl, "100", "50", fee="1", at=at_day(0)),
        make_fill(aapl, "-40", "55", fee="1", at=at_day(1)),
        make_fill(aapl, "-60", "56", fee="1", at=at_day(2)),
    ]

    booked = book_all(account, fills)

    trade = Trade.objects.get()
    assert booked.trade == trade
    assert (trade.side, trade.quantity, trade.entry_price, trade.exit_price) == ("buy", D(100), D(50), D("55.6"))
    assert (trade.pnl, trade.fees, trade.pnl_net) == (D(560), D(3), D(557))
    assert (trade.entry_at, trade.exit_at, trade.closed_at) == (at_day(0), at_day(2), at_day(2))
    assert account.cash == account.equity == D("100557")
    assert not Position.objects.get().is_open


def test_facts_say_opened_changed_closed(account: Account, aapl: Instrument) -> None:
    fills = [make_fill(aapl, q, "10", at=at_day(i)) for i, q in enumerate(("5", "5", "-10", "-3", "6"))]

    book_all(account, fills)

    opened, changed, closed = "position.opened", "position.changed", "position.closed"
    assert fact_names() == ["account.opened", opened, changed, closed, opened, closed, opened]


def test_positions_of_strategies_and_by_hand_are_kept_apart(account: Account, aapl: Instrument) -> None:
    strategy = uuid4()

    book_all(account, [make_fill(aapl, "5", "10"), make_fill(aapl, "-5", "10", strategy_id=strategy)])

    quantities = {row.strategy_id: row.quantity for row in selectors.positions_of(account)}
    assert quantities == {None: D(5), strategy: D(-5)}
    assert account.gross_exposure == 0


def test_a_late_fill_is_folded_in_where_it_belongs(account: Account, aapl: Instrument) -> None:
    bought, late, sold = (
        make_fill(aapl, "10", "100", at=at_day(0)),
        make_fill(aapl, "10", "110", at=at_day(1)),
        make_fill(aapl, "-10", "120", at=at_day(2)),
    )

    book_all(account, [bought, sold, late])

    position = Position.objects.get()
    assert (position.quantity, position.average_price, position.realized_pnl) == (D(10), D(105), D(150))
    trade = Trade.objects.get()
    assert trade.closed_at is None and trade.pnl == D(150)


def test_notes_stay_with_their_trade_when_a_late_fill_comes(account: Account, aapl: Instrument) -> None:
    fills = [make_fill(aapl, "10", "100", at=at_day(0)), make_fill(aapl, "-10", "120", at=at_day(2))]
    book_all(account, fills)
    Trade.objects.update(notes="as planned")
    late = make_fill(aapl, "4", "99", at=at_day(1))

    book_fill(Account.objects.get(pk=account.pk), late, history=lambda: [*fills, late], at=at_day(4))

    trade = Trade.objects.get()
    assert (trade.notes, trade.closed_at, trade.quantity) == ("as planned", None, D(14))
    assert selectors.differences(Account.objects.get(pk=account.pk), [*fills, late]) == ()


def test_trades_that_a_late_fill_undoes_are_gone(account: Account, aapl: Instrument) -> None:
    fills = [make_fill(aapl, q, "100", at=at_day(i + 1)) for i, q in enumerate(("10", "-10", "3", "-3"))]
    book_all(account, fills)
    assert Trade.objects.count() == 2
    first = make_fill(aapl, "1", "99", at=at_day(0))

    book_fill(Account.objects.get(pk=account.pk), first, history=lambda: [*fills, first], at=at_day(9))

    assert Trade.objects.get().entry_fill == first.venue_fill_id
    assert selectors.differences(Account.objects.get(pk=account.pk), [*fills, first]) == ()


def test_the_plan_ends_with_the_position_and_gives_the_r_multiple(account: Account, aapl: Instrument) -> None:
    booked = book_all(account, [make_fill(aapl, "10", "100", at=at_day(0))])
    set_protection(booked.position, ProtectionPlan(stop_percent=D(2), target_price=D(110)))

    position = Position.objects.get()
    second = make_fill(aapl, "-10", "106", at=at_day(1))
    book_fill(Account.objects.get(), second, history=lambda: [], at=at_day(1))

    assert (position.stop_percent, position.target_price) == (D(2), D(110))
    assert Position.objects.get().stop_percent is None
    trade = Trade.objects.get()
    assert (trade.initial_stop, trade.r_multiple) == (D(98), D(3))


def test_the_first_stop_lies_on_the_tick_as_its_order_does(account: Account, aapl: Instrument) -> None:
    """3 % below 33.33 is 32.3301; the order stands at 32.33, so 10 shares risked 10.00."""
    fill = make_fill(aapl, "10", "33.33", at=at_day(0))
    book_fill(account, fill, history=lambda: [], at=at_day(0), plan=ProtectionPlan(stop_percent=D(3)))
    book_fill(account, make_fill(aapl, "-10", "35.33", at=at_day(1)), history=lambda: [], at=at_day(1))

    trade = Trade.objects.get()

    assert (trade.initial_stop, trade.r_multiple) == (D("32.33"), D(2))


def test_slippage_is_measured_against_the_signal(account: Account, aapl: Instrument) -> None:
    book_all(account, [make_fill(aapl, "-10", "99.5")], signal_price=D(100))

    assert Trade.objects.get().slippage == D("0.5")


def test_differences_name_what_was_altered(account: Account, aapl: Instrument) -> None:
    fills = [make_fill(aapl, "10", "100"), make_fill(aapl, "-4", "101", at=at_day(1))]
    book_all(account, fills)
    assert selectors.differences(account, fills) == ()

    Position.objects.update(quantity=D(7))
    Account.objects.update(cash=D(5))
    Trade.objects.all().delete()

    told = selectors.differences(Account.objects.get(), fills)
    assert ["quantity of 7" in told[1], "Cash is 5" in told[0], "journal" in told[2]] == [True] * 3
    assert "is missing" in " ".join(selectors.differences(account, [*fills, make_fill(make_instrument(), "1", "1")]))


QUANTITIES = st.sampled_from(["-7", "-3.5", "-1", "1", "2", "3.5", "6"])
ROWS = st.lists(st.tuples(QUANTITIES, st.integers(1, 400), st.integers(0, 3), st.booleans()), min_size=1, max_size=7)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, data=st.data())
def test_the_books_are_a_function_of_the_set_of_fills(
    rows: list[tuple[str, int, int, bool]], data: st.DataObject, account: Account, aapl: Instrument
) -> None:
    strategy = UUID(int=7)
    fills = [
        make_fill(
            aapl, q, D(p) / 3, fee="0.5", at=at_day(day), venue_fill_id=f"v{i}", strategy_id=strategy if own else None
        )
        for i, (q, p, day, own) in enumerate(rows)
    ]
    shuffled = data.draw(st.permutations(fills))

    with transaction.atomic():
        book_all(account, shuffled)
        told = selectors.differences(Account.objects.get(pk=account.pk), fills)
        transaction.set_rollback(True)

    assert told == ()
