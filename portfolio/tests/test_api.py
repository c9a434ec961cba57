"""accounts/ and trades/: what owners, strangers and careless clients get."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from core.testing import api_client, assert_owner_only, assert_problem, assert_scope_needed, make_user
from portfolio.models import Account, Trade
from portfolio.services.books import book_fill
from portfolio.services.marks import mark_to_market
from portfolio.tests.factories import at_day, make_account, make_fill, make_instrument

D = Decimal
pytestmark = pytest.mark.django_db
URL = "/api/v1/accounts/"


@pytest.fixture
def account() -> Account:
    """An account with one closed trade of +100 and one open one."""
    account, aapl = make_account(), make_instrument("AAPL")
    for day, (quantity, price) in enumerate((("10", "100"), ("-10", "110"), ("5", "100"))):
        book_fill(account, make_fill(aapl, quantity, price, at=at_day(day)), history=lambda: [], at=at_day(day))
        mark_to_market(account, {aapl.pk: D(price)}, at_day(day))
    return account


def body(**changed: Any) -> dict[str, Any]:
    return {"name": "Main", "broker": "paper", "starting_cash": "100000", "currency": "USD", **changed}


def test_an_account_is_opened_and_shown_with_its_money() -> None:
    user = make_user()

    response = api_client(user).post(URL, body(fees={"percent": "0.1"}))

    assert response.status_code == 201
    shown = api_client(user).get(response.headers["Location"]).json()
    expected = {"cash": "100000", "equity": "100000", "buying_power": "100000", "day_pnl": "0"}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["trading_state"], shown["fees"], shown["environment"]) == ("active", {"percent": "0.1"}, "paper")


def test_costs_by_volume_and_tiers_are_kept_as_they_were_given() -> None:
    user = make_user()
    fees: dict[str, Any] = {"percent": "0.1"}
    fees["tiers"] = [{"above": "50000", "percent": "0.08"}, {"above": "1000000", "taker_percent": "0.04"}]
    slippage = {"volume_impact": "0.1", "max_volume_percent": "2.5"}

    response = api_client(user).post(URL, body(fees=fees, slippage=slippage))

    shown = api_client(user).get(response.headers["Location"]).json()
    assert (shown["fees"], shown["slippage"]) == (fees, slippage)


def test_the_same_idempotency_key_opens_one_account() -> None:
    client = api_client(make_user())

    first, second = (client.post(URL, body(), headers={"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"starting_cash": "0"}, "starting_cash"),
        ({"starting_cash": "1e5"}, "starting_cash"),
        ({"starting_cash": "NaN"}, "starting_cash"),
        ({"starting_cash": "1000000000001"}, "starting_cash"),
        ({"starting_cash": True}, "starting_cash"),
        ({"currency": "dollars!"}, "currency"),
        ({"broker": "alpaca"}, "broker"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"starting_csh": "5"}, "starting_csh"),
        ({"fees": {"percent": "50"}}, "fees.percent"),
        ({"fees": {"flat": "1"}}, "fees.flat"),
        ({"slippage": {"bps": "-1"}}, "slippage.bps"),
        ({"slippage": {"volume_impact": "11"}}, "slippage.volume_impact"),
        ({"slippage": {"max_volume_percent": "101"}}, "slippage.max_volume_percent"),
        ({"fees": {"tiers": [{"percent": "1"}]}}, "fees.tiers.0.above"),
        ({"fees": {"tiers": [{"above": "5"}]}}, "fees.tiers.0"),
        ({"fees": {"tiers": [{"above": "5", "percent": "11"}]}}, "fees.tiers.0.percent"),
        ({"fees": {"tiers": [{"above": "5", "per_order": "1"}]}}, "fees.tiers.0.per_order"),
        ({"fees": {"tiers": [{"above": "9", "percent": "1"}, {"above": "9", "percent": "0"}]}}, "fees.tiers"),
        ({"fees": {"tiers": [{"above": str(n), "percent": "1"} for n in range(21)]}}, "fees.tiers"),
        ({"fees": {"tiers": "none"}}, "fees.tiers"),
    ],
)
def test_what_makes_no_account_is_refused_by_field(changed: dict[str, Any], field: str) -> None:
    response = api_client(make_user()).post(URL, body(**changed))

    assert_problem(response, 400, field=field)
    assert not Account.objects.exists()


def test_a_taken_name_is_a_conflict() -> None:
    client = api_client(make_user())
    client.post(URL, body())

    assert_problem(client.post(URL, body()), 409, field="name", code="name_taken")


def test_an_account_is_its_owners(account: Account) -> None:
    stranger = make_user()
    for path in (f"{URL}{account.pk}/", f"{URL}{account.pk}/equity/"):
        assert_owner_only(path, owner=account.user, stranger=stranger)
    assert_owner_only(f"{URL}{account.pk}/", owner=account.user, stranger=stranger, method="patch", data={"name": "N"})
    assert api_client(stranger).get(URL).json()["results"] == []


def test_scopes_are_needed(account: Account) -> None:
    assert_scope_needed(URL, user=account.user, scope="read")
    assert_scope_needed(URL, user=account.user, scope="trade", method="post", data=body())


def test_a_patch_changes_what_it_names_and_nothing_of_the_books(account: Account) -> None:
    client = api_client(account.user)

    changed = client.patch(f"{URL}{account.pk}/", {"slippage": {"bps": "3"}}).json()

    assert (changed["slippage"], changed["name"]) == ({"bps": "3"}, account.name)
    assert_problem(client.patch(f"{URL}{account.pk}/", {"cash": "9"}), 400, field="cash", code="unknown_field")


def test_the_equity_curve_comes_as_columns(account: Account) -> None:
    client = api_client(account.user)

    curve = client.get(f"{URL}{account.pk}/equity/").json()
    last = client.get(f"{URL}{account.pk}/equity/?start=2024-01-04T00:00:00Z").json()

    assert curve["equity"] == ["100000", "100100", "100100"] and len(curve["t"]) == 3
    assert last["cash"] == ["99600"]
    assert_problem(client.get(f"{URL}{account.pk}/equity/?start=2024-01-04"), 400, field="start")


def test_the_journal_lists_closed_trades_and_open_ones_when_asked(account: Account) -> None:
    client = api_client(account.user)

    (closed,) = client.get("/api/v1/trades/").json()["results"]
    (opened,) = client.get("/api/v1/trades/?open=true").json()["results"]

    expected = {
        "symbol": "AAPL", "side": "buy", "quantity": "10", "entry_price": "100", "exit_price": "110", "pnl": "100",
        "pnl_net": "100", "return": 0.1, "fees": "0", "tags": [], "notes": "", "r_multiple": None, "mfe": 0.1,
        "mae": 0.0, "entry_time": "2024-01-02T21:00:00Z", "exit_time": "2024-01-03T21:00:00Z",
    }  # fmt: skip
    assert {name: closed[name] for name in expected} == expected
    assert opened["exit_time"] is None


def test_notes_and_tags_can_be_written_on_a_trade(account: Account) -> None:
    trade = Trade.objects.get(closed_at__isnull=False)
    url = f"/api/v1/trades/{trade.pk}/"
    client = api_client(account.user)

    changed = client.patch(url, {"notes": "late\nexit", "tags": ["gap", "news", "gap"]}).json()

    assert (changed["notes"], changed["tags"]) == ("late\nexit", ["gap", "news"])
    assert_problem(client.patch(url, {"pnl": "5"}), 400, field="pnl")
    assert_problem(client.patch(url, {"tags": ["x" * 41]}), 400, field="tags.0")
    assert_problem(api_client(make_user()).patch(url, {"notes": "mine"}), 404)


def test_statistics_are_grouped(account: Account) -> None:
    Trade.objects.filter(closed_at__isnull=False).update(tags=["gap"])
    client = api_client(account.user)

    (row,) = client.get("/api/v1/trades/stats/").json()["results"]
    groups = {
        word: [each["group"] for each in client.get(f"/api/v1/trades/stats/?group_by={word}").json()["results"]]
        for word in ("tag", "strategy", "symbol", "weekday", "hour")
    }

    assert (row["trades"], row["wins"], row["win_rate"], row["expectancy"]) == (1, 1, 1.0, "100")
    assert row["profit_factor"] is None and row["expectancy_interval"] is None
    assert groups == {
        "tag": ["gap"], "strategy": ["(by hand)"], "symbol": ["AAPL"], "weekday": ["tuesday"], "hour": ["21"],
    }  # fmt: skip
    assert_problem(client.get("/api/v1/trades/stats/?group_by=moon"), 400, field="group_by")
    assert client.get(f"/api/v1/trades/stats/?account={uuid4()}").json()["results"][0]["trades"] == 0
