"""Marking: equity, peak, loss sessions, excursions, the equity curve."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from marketdata.models import Instrument
from portfolio import selectors
from portfolio.models import Account, EquityPoint, Position, Trade
from portfolio.services.books import book_fill
from portfolio.services.marks import mark_to_market
from portfolio.sessions import session_date
from portfolio.tests.factories import START, at_day, make_account, make_fill, make_instrument

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def aapl() -> Instrument:
    return make_instrument("AAPL")


@pytest.fixture
def account(aapl: Instrument) -> Account:
    """100 shares bought at 50 out of 10,000."""
    account = make_account(cash="10000")
    book_fill(account, make_fill(aapl, "100", "50"), history=lambda: [], at=START)
    return account


def test_equity_is_cash_and_marked_value(account: Account, aapl: Instrument) -> None:
    equity = mark_to_market(account, {aapl.pk: D("52.5")}, at_day(0))

    account.refresh_from_db()
    assert equity == account.equity == D(10250)
    assert (account.cash, account.gross_exposure, account.peak_equity) == (D(5000), D(5250), D(10250))
    assert Position.objects.get().unrealized_pnl == D(250)


def test_the_peak_stays_when_equity_falls(account: Account, aapl: Instrument) -> None:
    for day, price in enumerate(("55", "45")):
        mark_to_market(account, {aapl.pk: D(price)}, at_day(day))

    assert (account.equity, account.peak_equity) == (D(9500), D(10500))


def test_a_new_session_measures_from_the_equity_that_the_last_one_ended_with(
    account: Account, aapl: Instrument
) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(0))
    mark_to_market(account, {aapl.pk: D(48)}, at_day(1))

    assert (account.session_start_equity, account.day_pnl) == (D(10100), D(-300))
    assert account.session_date == at_day(1).date()


def test_a_fill_that_opens_the_session_does_not_move_its_start(account: Account, aapl: Instrument) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(0))

    book_fill(account, make_fill(aapl, "-100", "49", fee="10", at=at_day(1)), history=lambda: [], at=at_day(1))

    assert (account.session_start_equity, account.equity) == (D(10100), D(9890))


def test_market_time_never_goes_back(account: Account, aapl: Instrument) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(5))
    mark_to_market(account, {aapl.pk: D(52)}, at_day(3))

    assert account.market_at == at_day(5)
    assert account.session_date == at_day(5).date()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0", "-1"])
def test_a_price_that_is_none_leaves_the_last_mark(account: Account, aapl: Instrument, price: str) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(0))

    assert mark_to_market(account, {aapl.pk: D(price)}, at_day(1)) == D(10100)


def test_excursions_take_the_whole_bar(account: Account, aapl: Instrument) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(0), {aapl.pk: (D(45), D(60))})
    mark_to_market(account, {aapl.pk: D(52)}, at_day(1), {aapl.pk: (D(50), D(53))})

    trade = Trade.objects.get()
    assert (trade.mae, trade.mfe) == (D("-0.1"), D("0.2"))


def test_there_is_one_equity_point_for_each_time(account: Account, aapl: Instrument) -> None:
    for price in ("51", "52"):
        mark_to_market(account, {aapl.pk: D(price)}, at_day(0))
    mark_to_market(account, {aapl.pk: D(53)}, at_day(1))

    assert [(p.at, p.equity) for p in selectors.equity_curve(account)] == [
        (at_day(0), D(10200)),
        (at_day(1), D(10300)),
    ]
    assert EquityPoint.objects.count() == 2


def test_a_thinned_curve_keeps_its_ends(account: Account, aapl: Instrument) -> None:
    for day in range(20):
        mark_to_market(account, {aapl.pk: D(50 + day)}, at_day(day))

    points = selectors.equity_curve(account, max_points=5)

    assert (len(points), points[0].at, points[-1].at) == (5, at_day(0), at_day(19))


def test_a_snapshot_values_at_the_marks_it_is_handed(account: Account, aapl: Instrument) -> None:
    mark_to_market(account, {aapl.pk: D(51)}, at_day(0))

    snapshot = selectors.snapshot(account, marks={aapl.pk: D(40)}, working=(), n_session_trades=3, at=at_day(1))

    assert snapshot.equity == D(9000)
    assert snapshot.session_start_equity == D(10100)  # day 1 has had no mark yet: its losses count from the last equity
    assert snapshot.peak_equity == D(10100)
    (view,) = snapshot.positions
    assert (view.symbol, view.sector, view.mark, view.quantity) == ("AAPL", "Technology", D(40), D(100))


@pytest.mark.parametrize(
    ("hour", "start", "zone", "day"),
    [
        (23, time(0), "UTC", 2),
        (3, time(0), "America/New_York", 1),
        (22, time(17), "America/New_York", 2),
        (21, time(17), "America/New_York", 1),
    ],
)
def test_a_session_has_its_own_zone_and_start(hour: int, start: time, zone: str, day: int) -> None:
    at = datetime(2024, 1, 2, hour, 30, tzinfo=UTC)

    assert session_date(at, zone, start).day == day
