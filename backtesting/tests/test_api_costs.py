"""Costs of a run through the API and the page: by volume, in tiers, of holding; refused, kept, and shown."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from backtesting.tests.jobs import stored_walk
from backtesting.tests.test_api_backtests import BODY, URL, completed
from core.testing import api_client, assert_problem, make_user, page_client
from marketdata.action_services import record_action
from marketdata.models import ActionKind, Instrument
from portfolio.models import Account

pytestmark = pytest.mark.django_db
COSTS: dict[str, Any] = {
    "fees": {"percent": "0.1", "tiers": [{"above": "100000", "percent": "0.05"}]},
    "slippage": {"volume_impact": "0.1", "max_volume_percent": "0.02", "entry_bps": "5"},
    "financing": {"borrow_percent": "3", "cash_percent": "4.5", "margin_percent": "8"},
}


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def test_costs_that_look_around_them_run_and_are_answered_as_given(user: Any) -> None:
    job, plain = completed(user, **COSTS), completed(user)

    assert {name: job[name] for name in COSTS} == COSTS
    assert plain["financing"] == {}
    n_filled = job["summary"]["orders_by_status"]["filled"]
    assert job["summary"]["n_fills"] > 1.5 * n_filled, "orders fill in parts"
    assert job["summary"]["financing"] > 0 and job["summary"]["path"] == "exact"
    assert job["fingerprint"] != plain["fingerprint"]


def test_dividends_that_are_known_are_credited_where_it_is_asked_for(user: Any) -> None:
    row = Instrument.objects.get(symbol="WALK")
    for month in range(2, 12):
        record_action(row, kind=ActionKind.DIVIDEND, ex_date=date(2024, month, 15), value=Decimal("0.5"))

    held = {"type": "buy_and_hold", "parameters": {}}
    plain, credited = completed(user, **held), completed(user, **held, dividends=True)

    assert (plain["dividends"], credited["dividends"]) == (False, True)
    assert plain["summary"]["dividends"] == 0 < credited["summary"]["dividends"]
    gained = credited["metrics"]["final_equity"] - plain["metrics"]["final_equity"]
    assert gained > 0.5 * credited["summary"]["dividends"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"slippage": {"volume_impact": "-1"}}, "slippage.volume_impact"),
        ({"slippage": {"max_volume_percent": "100.1"}}, "slippage.max_volume_percent"),
        ({"slippage": {"entry_bps": "1001"}}, "slippage.entry_bps"),
        ({"financing": {"borrow_percent": "101"}}, "financing.borrow_percent"),
        ({"financing": {"borrow": "1"}}, "financing.borrow"),
        ({"financing": []}, "financing"),
        ({"fees": {"tiers": [{"above": "2", "percent": "1"}, {"above": "1", "percent": "1"}]}}, "fees.tiers"),
        ({"fees": {"tiers": [{"above": "NaN", "percent": "1"}]}}, "fees.tiers.0.above"),
    ],
)
def test_costs_that_make_no_sense_are_refused_by_field(user: Any, changed: dict[str, Any], field: str) -> None:
    assert_problem(api_client(user).post(URL, {**BODY, **changed}), 400, field=field)


def test_the_page_asks_for_them_and_the_report_tells_them_in_words(user: Any) -> None:
    job = completed(user, **COSTS)
    client = page_client(user)

    form = client.get(f"/backtests/new/?from={job['id']}").content.decode()
    report = client.get(f"/backtests/{job['id']}/report/").content.decode()

    assert 'name="borrow_percent" value="3"' in form and 'name="max_volume_percent" value="0.02"' in form
    assert 'name="entry_bps" value="5"' in form and "spread, at entries alone 5 basis points" in report
    assert "most of a bar&#x27;s volume 0.02 %" in report and "interest on cash 4.5 % a year" in report
    assert "from 100,000 traded in 30 days" in report


def test_a_run_with_a_spread_at_entries_alone_is_not_traded_on_paper(user: Any) -> None:
    client, n_accounts = api_client(user), Account.objects.count()
    run, twin = completed(user, slippage={"entry_bps": "5"}), completed(user, slippage={"bps": "5"})

    refused = client.post(f"{URL}{run['id']}/deploy/", {})
    account = {"name": "Paper", "starting_cash": "1000", "slippage": {"entry_bps": "5"}}

    assert run["summary"]["path"] == "kernel"
    assert run["metrics"]["final_equity"] > twin["metrics"]["final_equity"]  # the same, on half of the fills
    problem = assert_problem(refused, 400, field="slippage.entry_bps")
    assert "a paper account can not do" in str(problem)
    assert_problem(client.post("/api/v1/accounts/", account), 400, field="slippage.entry_bps")
    assert Account.objects.count() == n_accounts
    assert client.post(f"{URL}{twin['id']}/deploy/", {}).status_code == 201
