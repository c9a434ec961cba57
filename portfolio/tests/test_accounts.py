"""Accounts: opening, trading state, reset, archive."""

from decimal import Decimal

import pytest

from core.models import OutboxEvent
from core.testing import make_user
from domain.errors import Conflict, IllegalState, NotFound, ValidationFailed
from domain.portfolio import TradingState
from portfolio import selectors
from portfolio.costs import fee_model, slippage_model
from portfolio.models import Account, Trade
from portfolio.services.accounts import archive, configure_account, open_account, reset_account, set_trading_state
from portfolio.services.books import book_fill
from portfolio.tests.factories import START, at_day, make_account, make_fill, make_instrument

D = Decimal
pytestmark = pytest.mark.django_db


def test_an_account_opens_with_its_cash_and_a_fact() -> None:
    account = make_account(cash="2500.5")

    assert (account.cash, account.equity, account.peak_equity, account.day_pnl) == (
        D("2500.5"), D("2500.5"), D("2500.5"), D(0),
    )  # fmt: skip
    assert OutboxEvent.objects.get().name == "account.opened"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("starting_cash", {"starting_cash": D(0)}),
        ("starting_cash", {"starting_cash": D("NaN")}),
        ("starting_cash", {"starting_cash": D("1e13")}),
        ("currency", {"currency": "usd"}),
        ("name", {"name": "  "}),
        ("fees.percent", {"fees": {"percent": "11"}}),
        ("fees.percent", {"fees": {"percent": "-1"}}),
        ("fees.flat", {"fees": {"flat": "1"}}),
        ("slippage.bps", {"slippage": {"bps": "much"}}),
    ],
)
def test_values_out_of_bounds_are_refused_by_field(field: str, values: dict[str, object]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        open_account(make_user(), **{"name": "A", "starting_cash": D(1), "at": START, **values})

    assert [error.field for error in caught.value.errors] == [field]
    assert not Account.objects.exists()


def test_a_name_is_taken_until_its_account_is_put_away() -> None:
    user = make_user()
    first = make_account(user, name="Main")
    with pytest.raises(Conflict):
        make_account(user, name="Main")

    archive(first, n_working=0)

    assert make_account(user, name="Main").pk != first.pk
    with pytest.raises(NotFound):
        selectors.account_for(user, first.pk)


def test_fees_and_slippage_become_models() -> None:
    account = make_account(fees={"percent": "0.1", "minimum": "1"}, slippage={"bps": "5"})
    configure_account(account, slippage={"bps": "7"})
    account.refresh_from_db()

    fees = fee_model(account.fees, account.currency)

    assert (fees.percent, fees.minimum, fees.digits) == (D("0.1"), D(1), 2)
    assert slippage_model(account.slippage).bps == D(7)
    assert fee_model({}, "BTC").digits == 8


def test_a_trading_state_is_told_once() -> None:
    account = make_account()

    for _ in range(2):
        set_trading_state(account, TradingState.HALTED, reason="storm", by="me", at=START)

    facts = OutboxEvent.objects.filter(name="trading_state.changed")
    assert [fact.payload["new"] for fact in facts] == ["halted"]
    assert Account.objects.get().trading_state_reason == "storm"


def test_a_reset_begins_anew_and_keeps_the_old_books_as_history() -> None:
    account, aapl = make_account(), make_instrument()
    book_fill(account, make_fill(aapl, "10", "100"), history=lambda: [], at=at_day(3))

    reset_account(account, n_working=0, at=at_day(9))

    assert (account.cash, account.equity, account.market_at, account.epoch) == (D(100000), D(100000), None, 1)
    assert not selectors.positions_of(account).exists()
    assert selectors.differences(account, []) == ()
    assert not selectors.trades_of(account.user).exists() and Trade.objects.exists()
    fill = make_fill(aapl, "1", "100", at=at_day(0))
    assert book_fill(account, fill, history=lambda: [], at=at_day(0)).before_quantity == 0


def test_a_reset_is_refused_while_orders_work_and_for_live_accounts() -> None:
    with pytest.raises(IllegalState, match="2 working orders"):
        reset_account(make_account(), n_working=2, at=START)
    with pytest.raises(IllegalState, match="live"):
        reset_account(make_account(environment="live"), n_working=0, at=START)


def test_an_account_that_holds_something_is_not_put_away() -> None:
    account = make_account()
    book_fill(account, make_fill(make_instrument(), "10", "100"), history=lambda: [], at=START)

    with pytest.raises(IllegalState, match="1 open positions"):
        archive(account, n_working=0)
