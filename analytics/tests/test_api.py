"""analytics/performance/: figures of real books, whose they are, what a careless client gets."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from analytics.metrics.catalogue import METRICS
from core.testing import api_client, assert_problem, assert_scope_needed, make_user
from domain.bars import BarArrays
from marketdata.models import Instrument
from marketdata.tests.factories import store_bars
from portfolio.models import Account, EquityPoint
from portfolio.services.books import book_fill
from portfolio.services.marks import mark_to_market
from portfolio.tests.factories import at_day, make_account, make_fill, make_instrument
from strategies.models import Strategy

D = Decimal
pytestmark = pytest.mark.django_db
URL = "/api/v1/analytics/performance/"
PRICES = ("100", "110", "99", "105", "120")


def traded(user: Any = None, **fields: Any) -> Account:
    """An account of 1,000 that buys 5 at 100 and sells at 110 with fees of 1, then buys 5 at 99 and holds them."""
    account, aapl = make_account(user, cash="1000", **fields), make_instrument()
    for day, (quantity, price) in enumerate(zip(("5", "-5", "5", "", ""), PRICES, strict=True)):
        if quantity:
            fill = make_fill(aapl, quantity, price, fee="0.5", at=at_day(day))
            book_fill(account, fill, history=lambda: [], at=at_day(day))
        mark_to_market(account, {aapl.pk: D(price)}, at_day(day))
    return account


def spy(closes: tuple[float, ...]) -> Instrument:
    """A benchmark with a daily bar for each close, open around the clock."""
    row = make_instrument("SPY", calendar="24/7")
    c = np.array(closes)
    first = int((at_day(0) - timedelta(hours=21)).timestamp())
    t = first - 86_400 + np.arange(len(c), dtype=np.int64) * 86_400
    store_bars(row, BarArrays(t, c, c, c, c, np.ones(len(c))))
    return row


def test_figures_are_those_of_the_books() -> None:
    account = traded()

    body = api_client(account.user).get(f"{URL}?account={account.pk}").json()

    figures = body["metrics"]
    assert set(figures) == {each.name for each in METRICS}
    assert body["series"]["equity"] == ["999.5", "1049", "1048.5", "1078.5", "1153.5"]
    assert body["series"]["pnl"][-1] == "153.5"
    assert figures["total_return"] == pytest.approx(0.1535)
    assert figures["max_drawdown"] == pytest.approx(-0.5 / 1000)
    assert (figures["trades"], figures["win_rate"], figures["average_win"]) == (1, 1.0, "49")
    assert (figures["final_equity"], figures["fees_paid"]) == ("1153.5", "1")
    assert figures["average_loss"] is None and figures["profit_factor"] is None
    assert figures["exposure"] == pytest.approx(0.8)
    returns = np.array([999.5, 1049, 1048.5, 1078.5, 1153.5]) / np.array([1000, 999.5, 1049, 1048.5, 1078.5]) - 1
    assert figures["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 252**0.5)
    assert body["basis"] == {"returns": "daily", "periods_per_year": 252}
    assert body["monthly"][0]["year"] == 2024 and body["monthly"][0]["total"] == pytest.approx(0.1535)
    assert [row["name"] for row in body["by_strategy"]] == ["By hand"]
    assert (body["start"], body["currency"]) == ("2024-01-02T21:00:00Z", "USD")


def test_without_an_account_all_are_added_up() -> None:
    user = make_user()
    traded(user), make_account(user, cash="500")

    body = api_client(user).get(URL).json()

    assert body["account"] is None
    assert body["series"]["equity"][-1] == "1653.5"
    assert body["metrics"]["total_return"] == pytest.approx(153.5 / 1500)


def test_accounts_of_different_currencies_are_not_added_up() -> None:
    user = make_user()
    make_account(user), make_account(user, currency="EUR")

    assert_problem(api_client(user).get(URL), 400, field="account", code="mixed_currencies")


def test_a_user_without_accounts_gets_empty_figures() -> None:
    body = api_client(make_user()).get(URL).json()

    assert body["metrics"]["trades"] == 0 and body["metrics"]["sharpe"] is None
    assert body["series"]["t"] == [] and body["monthly"] == [] and body["rolling"] is None


def test_a_part_of_the_time_begins_with_what_there_was_before() -> None:
    account = traded()

    body = api_client(account.user).get(f"{URL}?start=2024-01-04T00:00:00Z&end=2024-01-05T23:00:00Z").json()

    assert body["series"]["equity"] == ["1048.5", "1078.5"]
    assert body["metrics"]["starting_equity"] == "1049"
    assert body["metrics"]["trades"] == 0


def test_alpha_and_beta_are_against_the_chosen_benchmark() -> None:
    account = traded()
    spy((100.0, 101.0, 103.0, 102.0, 104.0))

    client = api_client(account.user)
    body = client.get(f"{URL}?account={account.pk}&benchmark=SPY").json()

    assert (body["benchmark"], body["message"]) == ("SPY", "")
    assert body["series"]["benchmark"] == pytest.approx([1000, 1010, 1030, 1020, 1040])
    own = np.array([1049, 1048.5, 1078.5, 1153.5]) / np.array([999.5, 1049, 1048.5, 1078.5]) - 1
    other = np.array([101, 103, 102, 104]) / np.array([100, 101, 103, 102]) - 1
    beta = np.cov(own, other)[0, 1] / np.var(other, ddof=1)
    assert body["metrics"]["beta"] == pytest.approx(beta)
    assert body["metrics"]["benchmark_return"] == pytest.approx(0.04)
    assert_problem(client.get(f"{URL}?benchmark=NOWHERE"), 404, field="benchmark", code="unknown_symbol")


def test_a_benchmark_without_prices_is_said() -> None:
    account = traded()

    body = api_client(account.user).get(URL).json()

    assert body["metrics"]["alpha"] is None and "There are no prices of SPY" in body["message"]


def test_a_strategy_counts_its_closed_trades_alone() -> None:
    account = make_account(cash="1000")
    row = Strategy.objects.create(
        user=account.user, name="Mine", type="buy_and_hold", account=account, timeframe="1d", parameters={}
    )
    aapl = make_instrument()
    for day, (quantity, price, owner) in enumerate((("5", "100", row.pk), ("-5", "90", row.pk), ("1", "50", None))):
        fill = make_fill(aapl, quantity, price, at=at_day(day), strategy_id=owner)
        book_fill(account, fill, history=lambda: [], at=at_day(day))
        mark_to_market(account, {aapl.pk: D(price)}, at_day(day))

    body = api_client(account.user).get(f"{URL}?strategy={row.pk}").json()

    assert body["series"]["equity"] == ["1000", "950", "950"]
    assert (body["metrics"]["trades"], body["metrics"]["win_rate"]) == (1, 0.0)
    assert [(each["name"], each["strategy"]) for each in body["by_strategy"]] == [("Mine", str(row.pk))]
    assert "closed trades" in body["curve_note"]
    other = make_account(account.user, cash="1")
    assert_problem(api_client(account.user).get(f"{URL}?strategy={row.pk}&account={other.pk}"), 400, field="strategy")


def test_a_long_curve_is_thinned_but_measured_whole() -> None:
    account = make_account(cash="1000")
    EquityPoint.objects.bulk_create(
        EquityPoint(user=account.user, account=account, at=at_day(n), equity=D(1000 + n % 7), cash=D(1000))
        for n in range(300)
    )

    body = api_client(account.user).get(f"{URL}?max_points=50").json()

    assert len(body["series"]["t"]) <= 50
    assert len(api_client(account.user).get(f"{URL}?max_points=2").json()["series"]["t"]) == 2
    assert body["metrics"]["n_returns"] == 300
    assert body["rolling"]["window"] == 74 and body["rolling"]["sharpe"][0] is None


def test_strangers_and_careless_clients_are_refused() -> None:
    account = traded()
    client = api_client(account.user)

    assert_problem(api_client().get(URL), 401)
    assert_scope_needed(URL, user=account.user, scope="read")
    assert_problem(api_client(make_user()).get(f"{URL}?account={account.pk}"), 404)
    assert_problem(client.get(f"{URL}?strategy={uuid4()}"), 404)
    assert_problem(client.get(f"{URL}?start=2024-02-01T00:00:00Z&end=2024-01-01T00:00:00Z"), 400, field="end")
    assert_problem(client.get(f"{URL}?acount={account.pk}"), 400, field="acount", code="unknown_field")
    assert_problem(client.get(f"{URL}?max_points=1"), 400, field="max_points")
