"""risk/: what owners, strangers and careless clients get."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from core.testing import api_client, assert_owner_only, assert_problem, assert_scope_needed, make_user
from domain.sizing import SizingMethod
from portfolio.models import Account
from portfolio.tests.factories import START, make_account, make_instrument
from risk.models import KillSwitch, RiskBreach, RiskDecision, RiskRule
from strategies.models import Strategy

D = Decimal
pytestmark = pytest.mark.django_db
RULES = "/api/v1/risk/rules/"
KILL = "/api/v1/risk/kill-switch/"


@pytest.fixture
def account() -> Account:
    return make_account()


def body(**changed: Any) -> dict[str, Any]:
    values = {"name": "Fat finger", "type": "max_order_value", "scope": "account", "limit": "5000", "action": "reject"}
    return {**values, **changed}


def make_strategy(account: Account) -> Strategy:
    return Strategy.objects.create(
        user=account.user,
        name=f"S {uuid4().hex[:6]}",
        type="sma_cross",
        account=account,
        sizing_method=SizingMethod.PERCENT_EQUITY,
        sizing_value=D(5),
    )


def test_a_rule_is_made_changed_and_removed(account: Account) -> None:
    client = api_client(account.user)
    make_instrument("AAPL")

    response = client.post(RULES, body(account=str(account.pk), scope="instrument", symbol="AAPL"))
    url = response.headers["Location"]

    assert response.status_code == 201
    made = client.get(url).json()
    expected = {"limit": "5000", "symbol": "AAPL", "unit": "currency", "warning_at": 0.8, "latched": False,
                "cool_down_seconds": 0, "enabled": True, "sector": None, "account": str(account.pk)}  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert client.patch(url, {"limit": "6000.50", "enabled": False}).json()["limit"] == "6000.5"
    assert client.delete(url).status_code == 204
    assert_problem(client.get(url), 404)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"type": "max_ordr_value"}, "type"),
        ({"limt": "5"}, "limt"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "five"}, "limit"),
        ({"limit": None}, "limit"),
        ({"action": "explode"}, "action"),
        ({"scope": "world"}, "scope"),
        ({"scope": "instrument"}, "symbol"),
        ({"symbol": "NOPE"}, "symbol"),
        ({"parameters": {"x": 1}}, "parameters"),
        ({"parameters": []}, "parameters"),
        ({"warning_at": 0}, "warning_at"),
        ({"warning_at": 1.5}, "warning_at"),
        ({"cool_down_seconds": -1}, "cool_down_seconds"),
        ({"latched": "yes"}, "latched"),
        ({"strategy": str(uuid4()), "scope": "strategy"}, "strategy"),
    ],
)
def test_what_makes_no_rule_is_refused_by_field(account: Account, changed: dict[str, Any], field: str) -> None:
    response = api_client(account.user).post(RULES, body(**changed))

    assert response.status_code in (400, 404)
    assert_problem(response, response.status_code, field=field)
    assert not RiskRule.objects.exists()


def test_a_rule_for_somebody_elses_account_or_strategy_is_refused(account: Account) -> None:
    client = api_client(make_user())

    assert_problem(client.post(RULES, body(account=str(account.pk))), 404)
    foreign = body(scope="strategy", strategy=str(make_strategy(account).pk))
    assert_problem(client.post(RULES, foreign), 400, field="strategy")


def test_rules_decisions_and_breaches_are_their_owners(account: Account) -> None:
    rule = api_client(account.user).post(RULES, body()).json()
    decision = RiskDecision.objects.create(
        user=account.user, account=account, instrument=make_instrument(), side="buy", requested=D(1), quantity=D(0),
        verdict="denied", reasons=[], inputs={}, decided_at=START,
    )  # fmt: skip
    breach = make_breach(account)
    stranger = make_user()

    assert_owner_only(f"{RULES}{rule['id']}/", owner=account.user, stranger=stranger)
    assert_owner_only(f"/api/v1/risk/decisions/{decision.id}/", owner=account.user, stranger=stranger)
    assert_owner_only(f"/api/v1/risk/breaches/{breach.pk}/", owner=account.user, stranger=stranger)
    acknowledging = f"/api/v1/risk/breaches/{breach.pk}/acknowledge/"
    assert_owner_only(acknowledging, owner=account.user, stranger=stranger, method="post")
    for name in ("rules", "decisions", "breaches"):
        assert api_client(stranger).get(f"/api/v1/risk/{name}/").json() == {"results": [], "next": None}
        assert len(api_client(account.user).get(f"/api/v1/risk/{name}/").json()["results"]) == 1
        assert_scope_needed(f"/api/v1/risk/{name}/", user=account.user, scope="read")


def make_breach(account: Account) -> RiskBreach:
    return RiskBreach.objects.create(
        user=account.user, account=account, rule_key="rule:x", rule_name="x", type="max_drawdown", source="rule",
        level="breach", action="halt", value=D(6), limit=D(5), message="m", raised_at=START, broken_at=START,
        is_latched=True,
    )  # fmt: skip


def test_a_breach_is_acknowledged_and_its_latch_released(account: Account) -> None:
    breach = make_breach(account)
    client, url = api_client(account.user), f"/api/v1/risk/breaches/{breach.pk}/acknowledge/"

    seen = client.post(url, {}).json()
    released = client.post(url, {"release": True}).json()

    assert (seen["holds"], seen["released_at"]) == (True, None) and seen["acknowledged_at"]
    assert (released["holds"], released["acknowledged_at"]) == (False, seen["acknowledged_at"])


def test_bulk_changes_are_all_or_nothing(account: Account) -> None:
    client, url = api_client(account.user), f"{RULES}bulk/"
    rule = client.post(RULES, body()).json()
    create = {"op": "create", "rule": body(name="Two")}

    failed = client.post(url, {"operations": [create, {"op": "update", "id": rule["id"], "rule": {"limit": "-2"}}]})
    assert failed.status_code == 400 and RiskRule.objects.count() == 1
    assert_problem(client.post(url, {"operations": [{"op": "delete"}]}), 400, field="operations.0")
    assert_problem(client.post(url, {"operations": []}), 400, field="operations")
    assert_problem(client.post(url, {"operations": [{"op": "delete", "id": str(uuid4())}]}), 404)

    done = client.post(url, {"operations": [create, {"op": "disable", "id": rule["id"]}]}).json()
    assert [(each["name"], each["enabled"]) for each in done["results"]] == [("Two", True), ("Fat finger", False)]


def test_types_tell_units_scopes_actions_and_parameters(account: Account) -> None:
    rows = {row["name"]: row for row in api_client(account.user).get(f"{RULES}types/").json()["results"]}

    assert rows["max_position_size"]["unit"] == "percent"
    assert "resize" in rows["max_position_size"]["actions"] and "resize" not in rows["max_daily_loss"]["actions"]
    assert rows["max_exposure"]["parameters"]["properties"] == {"measure": {"enum": ["gross", "net"]}}
    assert rows["restricted_list"]["parameters"]["required"] == ["symbols"]


def test_a_kill_switch_is_engaged_and_rearmed_with_a_reason(account: Account) -> None:
    client = api_client(account.user)
    assert client.get(KILL).json()["engaged"] is False

    on = {"engaged": True, "scope": "account", "target": str(account.pk), "reason": "fire", "flatten": True}
    engaged = client.put(KILL, on).json()

    assert (engaged["engaged"], engaged["scope"], engaged["reason"]) == (True, "account", "fire")
    assert (engaged["flatten"], engaged["forbid_all"], len(engaged["switches"])) == (True, False, 1)
    assert api_client(make_user()).get(KILL).json()["engaged"] is False
    off = {**on, "engaged": False, "reason": "out"}
    assert_problem(api_client(account.user, scopes=("read", "trade")).put(KILL, off), 403)
    assert client.put(KILL, off).json()["engaged"] is False
    assert_problem(client.put(KILL, off), 409)


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"reason": ""}, 400, "reason"),
        ({"reason": None}, 400, "reason"),
        ({"engaged": "true"}, 400, "engaged"),
        ({"scope": "planet"}, 400, "scope"),
        ({"scope": "account"}, 400, "target"),
        ({"scope": "account", "target": str(uuid4())}, 404, None),
        ({"scope": "strategy", "target": str(uuid4())}, 404, None),
        ({"scope": "platform"}, 404, None),
        ({"forbidall": True}, 400, "forbidall"),
    ],
)
def test_a_kill_switch_that_makes_no_sense_is_refused(changed: dict[str, Any], status: int, field: str | None) -> None:
    response = api_client(make_user()).put(KILL, {"engaged": True, "reason": "x", **changed})

    assert_problem(response, status, field=field)
    assert not KillSwitch.objects.exists()


def test_without_a_scope_a_user_stops_their_own_trading_and_staff_the_platform(account: Account) -> None:
    api_client(account.user).put(KILL, {"engaged": True, "reason": "x"})
    staff = make_user(is_staff=True)
    api_client(staff).put(KILL, {"engaged": True, "scope": "platform", "reason": "y"})

    assert {(k.scope, k.target_id) for k in KillSwitch.objects.all()} == {("user", account.user_id), ("platform", None)}
    assert api_client(account.user).get(KILL).json()["scope"] == "platform"
