"""strategy-types/ and strategies/ over REST."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.testing import api_client, assert_owner_only, assert_problem, assert_scope_needed, make_user
from strategies.models import Strategy, StrategyState
from strategies.tests.test_catalog import put
from strategies.tests.test_services import folder, make_account, make_strategy, user

__all__ = ["folder", "user"]  # fixtures

pytestmark = pytest.mark.django_db
URL = "/api/v1/strategies/"
TYPES = "/api/v1/strategy-types/"


def body(user: Any, **changes: Any) -> dict[str, Any]:
    """Return the body that makes a strategy."""
    account = changes.pop("account", None) or str(make_account(user).pk)
    return {
        "name": "Mine",
        "type": "sma_cross",
        "parameters": {"fast": 20, "slow": 50},
        "symbols": ["AAPL"],
        "timeframe": "1d",
        "account": account,
        "sizing": {"method": "percent_equity", "value": "5"},
        **changes,
    }


def test_types_are_listed_with_schema_and_defaults_and_broken_ones_with_the_reason(user: Any, folder: Path) -> None:
    put(folder, "broken.py", "1 / 0")

    found = {row["name"]: row for row in api_client(user).get(TYPES).json()["results"]}

    assert found["sma_cross"]["defaults"] == {"fast": 20, "slow": 50, "reverse": False}
    assert found["sma_cross"]["parameters"]["properties"]["fast"]["maximum"] == 1000
    assert found["sma_cross"]["is_usable"] and not found["broken"]["is_usable"]
    assert "division by zero" in found["broken"]["error"]


def test_types_need_a_sign_in() -> None:
    assert_problem(api_client().get(TYPES), 401)


def test_a_strategy_is_made_shown_listed_changed_and_deleted(user: Any) -> None:
    client = api_client(user)

    made = client.post(URL, body(user))
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["state"] == "draft" and row["sizing"] == {"method": "percent_equity", "value": "5"}
    assert row["symbols"] == ["AAPL"] and row["causality"] == {}
    assert made.headers["Location"] == f"{URL}{row['id']}/"

    assert [each["id"] for each in client.get(URL).json()["results"]] == [row["id"]]
    changed = client.patch(f"{URL}{row['id']}/", {"parameters": {"fast": 10, "slow": 30}, "sizing": None})
    assert changed.status_code == 200, changed.content
    assert changed.json()["parameters"] == {"fast": 10, "slow": 30, "reverse": False}
    assert changed.json()["sizing"] is None
    assert client.delete(f"{URL}{row['id']}/").status_code == 204
    assert_problem(client.get(f"{URL}{row['id']}/"), 404)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"parameters": {"fast": 0}}, "parameters.fast", "invalid"),
        ({"parameters": {"fast": "20"}}, "parameters.fast", "invalid"),
        ({"parameters": {"fats": 2}}, "parameters.fats", "unknown_field"),
        ({"parameters": []}, "parameters", None),
        ({"type": "nothing"}, "type", "unknown_type"),
        ({"symbols": ["NOPE"]}, "symbols", "unknown_symbol"),
        ({"symbols": []}, "symbols", None),
        ({"symbols": "AAPL"}, "symbols", None),
        ({"timeframe": "2d"}, "timeframe", None),
        ({"account": str(uuid4())}, "account", "unknown_account"),
        ({"sizing": {"method": "percent_equity", "value": "0"}}, "sizing.value", None),
        ({"sizing": {"method": "percent_equity", "value": "1e3"}}, "sizing.value", None),
        ({"sizing": {"method": "all_in", "value": "1"}}, "sizing.method", None),
        ({"sizing": {"method": "kelly", "value": "1.1"}}, "sizing.value", "out_of_bounds"),
        ({"name": "a\u202eb"}, "name", None),
        ({"name": ""}, "name", None),
        ({"lot": 1}, "lot", "unknown_field"),
    ],
)
def test_a_bad_body_is_refused_by_field(user: Any, changes: dict[str, Any], field: str, code: str | None) -> None:
    response = api_client(user).post(URL, body(user, **changes))

    assert_problem(response, 400, field=field, code=code)
    assert not Strategy.objects.exists()


def test_a_taken_name_is_a_conflict(user: Any) -> None:
    row = make_strategy(user)

    assert_problem(api_client(user).post(URL, body(user, account=str(row.account_id))), 409)


def test_a_running_strategy_cannot_be_changed_or_deleted(user: Any) -> None:
    row = make_strategy(user)
    Strategy.objects.filter(pk=row.pk).update(state=StrategyState.RUNNING)
    client = api_client(user)

    assert_problem(client.patch(f"{URL}{row.pk}/", {"allow_short": True}), 409)
    assert_problem(client.delete(f"{URL}{row.pk}/"), 409)


def test_a_change_of_nothing_is_refused(user: Any) -> None:
    assert_problem(api_client(user).patch(f"{URL}{make_strategy(user).pk}/", {}), 400)


def test_strategies_of_others_do_not_exist(user: Any) -> None:
    row = make_strategy(user)

    for method, data in (("get", None), ("patch", {"name": "New"}), ("delete", None)):
        assert_owner_only(f"{URL}{row.pk}/", owner=user, stranger=make_user(), method=method, data=data)


def test_scopes_are_asked_for(user: Any) -> None:
    assert_scope_needed(URL, user=user, scope="read")
    assert_scope_needed(URL, user=user, scope="trade", method="post", data=body(user))


def test_a_list_can_be_filtered_by_state_type_and_account(user: Any) -> None:
    row = make_strategy(user)
    client = api_client(user)

    for query in ("state=draft", "type=sma_cross", f"account={row.account_id}"):
        assert len(client.get(f"{URL}?{query}").json()["results"]) == 1, query
    assert client.get(f"{URL}?state=running").json()["results"] == []
    assert_problem(client.get(f"{URL}?state=asleep"), 400, field="state")


def test_the_same_key_makes_one_strategy(user: Any) -> None:
    client, wanted = api_client(user), body(user)

    first = client.post(URL, wanted, headers={"Idempotency-Key": "k1"})
    again = client.post(URL, wanted, headers={"Idempotency-Key": "k1"})

    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert Strategy.objects.count() == 1
