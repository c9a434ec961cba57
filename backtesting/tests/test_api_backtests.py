"""backtests/ of the API: what it takes, what it answers, who may see what."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from backtesting.models import Chunk, Job
from backtesting.services import working
from backtesting.tests.jobs import in_place, stored_walk
from core.testing import api_client, assert_owner_only, assert_problem, assert_scope_needed, make_user
from strategies.models import Strategy

pytestmark = pytest.mark.django_db
URL = "/api/v1/backtests/"
BODY: dict[str, Any] = {
    "type": "sma_cross",
    "parameters": {"fast": 5, "slow": 20},
    "symbols": ["WALK"],
    "timeframe": "1d",
    "start": "2024-02-01",
    "end": "2025-01-01T00:00:00Z",
    "starting_cash": "50000",
    "fees": {"percent": "0.1"},
    "slippage": {"bps": "2"},
    "sizing": {"method": "percent_equity", "value": "95"},
    "risk_rules": "none",
}


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def submitted(user: Any, **changes: Any) -> dict[str, Any]:
    answer = api_client(user).post(URL, {**BODY, **changes})
    assert answer.status_code == 202, answer.content
    return answer.json()


def completed(user: Any, **changes: Any) -> dict[str, Any]:
    job = submitted(user, **changes)
    working.work_all(in_place)
    answer = api_client(user).get(f"{URL}{job['id']}/").json()
    assert answer["status"] == "completed", answer["error"]
    return answer


def test_a_run_is_accepted_queued_and_then_answered_with_everything(user: Any) -> None:
    accepted = submitted(user)
    assert (accepted["status"], accepted["progress"], accepted["metrics"]) == ("queued", 0, {})
    assert {"fast": 5, "slow": 20}.items() <= accepted["parameters"].items()
    assert accepted["start"] == "2024-02-01T00:00:00Z" and accepted["starting_cash"] == "50000"

    working.work_all(in_place)
    found = api_client(user).get(f"{URL}{accepted['id']}/").json()

    assert (found["status"], found["progress"]) == ("completed", 1)
    assert {"total_return", "sharpe", "max_drawdown", "win_rate", "final_equity", "fees_paid"} <= set(found["metrics"])
    assert len(found["fingerprint"]) == 64 and found["trial_count"] == 1 and found["seconds"] > 0


def test_the_sum_of_trades_and_the_last_equity_agree(user: Any) -> None:
    job = completed(user)
    trades = api_client(user).get(f"{URL}{job['id']}/trades/?limit=500").json()["results"]
    equity = api_client(user).get(f"{URL}{job['id']}/equity/").json()

    gained = sum(float(trade["pnl_net"]) for trade in trades)
    assert equity["equity"][-1] == pytest.approx(50_000 + gained) == job["metrics"]["final_equity"]
    assert len(equity["t"]) == len(equity["equity"]) == len(equity["drawdown"]) == equity["points"]
    assert min(equity["drawdown"]) == pytest.approx(job["metrics"]["max_drawdown"])
    assert {"symbol", "side", "entry_time", "exit_price", "return", "mae", "mfe", "r_multiple", "tags"} <= set(
        trades[0]
    )


def test_rows_come_in_pages_and_every_one_once(user: Any) -> None:
    job = completed(user)
    client, seen, address = api_client(user), [], f"{URL}{job['id']}/orders/?limit=7"

    while address:
        page = client.get(address).json()
        seen += [row["number"] for row in page["results"]]
        address = f"{URL}{job['id']}/orders/?limit=7&cursor={page['next']}" if page["next"] else ""

    assert seen == list(range(1, job["summary"]["n_orders"] + 1)) and len(seen) > 7
    assert_problem(client.get(f"{URL}{job['id']}/trades/?cursor=nonsense"), 400, field="cursor", code="invalid_cursor")


def test_orders_that_a_rule_refused_are_listed_with_their_reason(user: Any) -> None:
    rule = {"type": "max_order_value", "limit": "100", "action": "reject"}
    job = completed(user, risk_rules=[rule])

    orders = api_client(user).get(f"{URL}{job['id']}/orders/").json()["results"]

    assert {order["status"] for order in orders} == {"denied"}
    assert all("100" in order["reason"] for order in orders) and job["metrics"]["trades"] == 0


def test_nothing_partial_is_shown_before_the_end(user: Any) -> None:
    job = submitted(user)

    for word in ("trades", "orders", "equity", "export"):
        assert_problem(api_client(user).get(f"{URL}{job['id']}/{word}/"), 409, code="no_result")


@pytest.mark.parametrize("word", ["", "trades/", "orders/", "equity/", "notes/", "export/"])
def test_results_are_their_owners_alone(user: Any, word: str) -> None:
    job = completed(user)

    assert_owner_only(f"{URL}{job['id']}/{word}", owner=user, stranger=make_user())


def test_canceling_is_its_owners_alone_and_ends_a_waiting_job_at_once(user: Any) -> None:
    job = submitted(user)

    answer = assert_owner_only(f"{URL}{job['id']}/cancel/", owner=user, stranger=make_user(), method="post")

    assert answer.json()["status"] == "canceled"
    assert working.work_once(in_place) is False


def test_submitting_needs_the_scope_to_trade_and_reading_the_one_to_read(user: Any) -> None:
    assert_scope_needed(URL, user=user, scope="trade", method="post", data=BODY)
    assert_scope_needed(URL, user=user, scope="read")
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"parametres": {}}, "parametres", "unknown_field"),
        ({"parameters": {"fast": 0}}, "parameters.fast", "invalid"),
        ({"parameters": {"period": 0}}, "parameters.period", "unknown_field"),
        ({"type": "nothing"}, "type", "unknown_type"),
        ({"symbols": ["NOPE"]}, "symbols", "unknown_symbol"),
        ({"symbols": []}, "symbols", "min_length"),
        ({"timeframe": "7m"}, "timeframe", "invalid_choice"),
        ({"start": "1980-01-01", "end": "1981-01-01"}, "start", "no_bars"),
        ({"start": "2024-02-01T00:00:00"}, "start", "invalid"),
        ({"start": "2024-13-01"}, "start", "invalid"),
        ({"start": "2024-W05-1"}, "start", "invalid"),
        ({"fees": {"percent": "-1"}}, "fees.percent", "too_small"),
        ({"fees": {"tax": "1"}}, "fees.tax", "unknown_field"),
        ({"starting_cash": "0"}, "starting_cash", "not_above"),
        ({"sizing": {"method": "all_in", "value": "1"}}, "sizing.method", "invalid_choice"),
        ({"risk_rules": "yours"}, "risk_rules", "invalid"),
        ({"risk_rules": [{"type": "max_leverage", "limit": "x"}]}, "risk_rules.0.limit", "invalid"),
        ({"risk_rules": [{"type": "max_leverage", "limit": "1", "hue": 1}]}, "risk_rules.0.hue", "unknown_field"),
        (
            {"risk_rules": [{"type": "max_leverage", "limit": "1", "account": str(uuid4())}]},
            "risk_rules.0.account",
            "unknown_account",
        ),
        (
            {"risk_rules": [{"type": "max_leverage", "limit": "1", "scope": "instrument", "symbol": "NOPE"}]},
            "risk_rules.0.symbol",
            "unknown_symbol",
        ),
        ({"strategy": str(uuid4())}, "strategy", "unknown_strategy"),
        ({"seed": -1}, "seed", "too_small"),
    ],
)
def test_a_bad_request_is_a_problem_that_names_its_field(user: Any, changes: Any, field: str, code: str) -> None:
    assert_problem(api_client(user).post(URL, {**BODY, **changes}), 400, field=field, code=code)
    assert_problem(api_client(user).post(f"{URL}estimate/", {**BODY, **changes}), 400, field=field, code=code)

    assert Job.objects.count() == Chunk.objects.count() == 0


def test_the_estimate_tells_the_cost_and_queues_nothing(user: Any) -> None:
    answer = api_client(user).post(f"{URL}estimate/", BODY).json()

    assert answer["runs"] == 1 and answer["bars"] > 300 and answer["estimated_seconds"] > 0
    assert Job.objects.count() == 0


def test_the_last_day_that_there_is_may_be_the_end(user: Any) -> None:
    body = {**BODY, "start": "0001-01-01", "end": "9999-12-31"}
    assert api_client(user).post(f"{URL}estimate/", body).status_code == 200


@override_settings(BACKTEST_OPEN_JOBS=1)
def test_over_the_quota_is_429_with_retry_after(user: Any) -> None:
    submitted(user)

    answer = api_client(user).post(URL, BODY)

    assert_problem(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 5


def test_the_same_key_makes_one_job(user: Any) -> None:
    client = api_client(user)

    answers = [client.post(URL, BODY, headers={"Idempotency-Key": "once"}) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1 == Job.objects.count()


def test_runs_are_compared_side_by_side(user: Any) -> None:
    first = completed(user)
    second = completed(user, parameters={"fast": 8, "slow": 20})
    other = make_user()

    answer = api_client(user).get(f"{URL}compare/?ids={first['id']},{second['id']}").json()

    assert [each["id"] for each in answer["results"]] == [first["id"], second["id"]]
    assert answer["differences"] == {"parameters.fast": [5, 8]}
    assert answer["trade_differences"][0]["n_only_here"] > 0
    assert answer["results"][0]["equity"]["t"]
    assert_problem(api_client(other).get(f"{URL}compare/?ids={first['id']}"), 404)
    assert_problem(api_client(user).get(f"{URL}compare/?ids=1,2"), 400, field="ids")


def test_a_table_is_exported_as_csv_and_everything_as_json(user: Any) -> None:
    job = completed(user, name="=cmd()")
    client = api_client(user)

    text = b"".join(client.get(f"{URL}{job['id']}/export/?type=csv&table=trades").streaming_content).decode("utf-8-sig")
    everything = client.get(f"{URL}{job['id']}/export/?type=json").json()

    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(everything["tables"]["trades"]) and rows[0]["symbol"] == "WALK"
    assert everything["fingerprint"] == job["fingerprint"] and everything["tables"]["equity"]


def test_notes_are_kept_beside_a_run(user: Any) -> None:
    job = completed(user)
    client = api_client(user)

    made = client.post(f"{URL}{job['id']}/notes/", {"text": "Too many trades in May."})
    listed = client.get(f"{URL}{job['id']}/notes/").json()["results"]

    assert made.status_code == 201 and [note["text"] for note in listed] == ["Too many trades in May."]
    assert_problem(client.post(f"{URL}{job['id']}/notes/", {"text": ""}), 400, field="text")
    foreign = api_client(make_user()).delete(f"{URL}{job['id']}/notes/{made.json()['id']}/")
    assert foreign.status_code == 404
    assert client.delete(f"{URL}{job['id']}/notes/{made.json()['id']}/").status_code == 204


def test_one_click_makes_a_paper_strategy_with_the_same_settings(user: Any) -> None:
    job = completed(user)

    answer = api_client(user).post(f"{URL}{job['id']}/deploy/", {})

    assert answer.status_code == 201, answer.content
    row = Strategy.objects.get(pk=answer.json()["strategy"])
    assert (row.type, row.parameters, row.symbols, row.state) == ("sma_cross", job["parameters"], ["WALK"], "draft")
    assert (row.account.fees, row.account.environment, row.user_id) == ({"percent": "0.1"}, "paper", user.pk)


def test_lists_are_filtered_and_hold_only_own_runs(user: Any) -> None:
    job = completed(user)
    submitted(user)

    listed = api_client(user).get(f"{URL}?status=completed").json()["results"]

    assert [each["id"] for each in listed] == [job["id"]]
    assert api_client(make_user()).get(URL).json()["results"] == []


def test_an_end_that_is_a_day_counts_whole(user: Any) -> None:
    job = submitted(user, start="2024-02-01", end="2024-06-30")

    assert datetime.fromisoformat(job["end"]) > datetime(2024, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("most", [2, 3, 5, 40])
def test_a_thinned_curve_has_no_more_points_than_asked_and_keeps_both_ends(user: Any, most: int) -> None:
    address = f"{URL}{completed(user)['id']}/equity/"
    whole, thin = (api_client(user).get(address, query).json() for query in ({}, {"max_points": most}))

    assert 2 <= len(thin["t"]) <= most < whole["points"] == thin["points"]
    assert (thin["t"][0], thin["t"][-1]) == (whole["t"][0], whole["t"][-1])


@pytest.mark.parametrize(("percent", "is_lost"), [("95", False), ("1000", True)])
def test_a_result_says_that_the_account_was_lost_on_the_way(user: Any, percent: str, is_lost: bool) -> None:
    stored_walk("FALL", drift=-0.01)
    sizing = {"method": "percent_equity", "value": percent}
    job = completed(user, type="buy_and_hold", parameters={}, symbols=["FALL"], sizing=sizing)
    equity = api_client(user).get(f"{URL}{job['id']}/equity/").json()["equity"]

    assert (min(equity) <= 0) is is_lost
    assert ("account_lost" in [each["code"] for each in job["warnings"]]) is is_lost
