"""risk/headroom/history/, risk/unprotected/, risk/waivers/, risk/stress-scenarios/: for their owner alone."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from core.testing import assert_problem
from marketdata import replay_services as replays
from notifications.models import Notification
from notifications.services.routing import route_event
from portfolio.models import Position
from preferences.definitions import Category
from preferences.services import change
from trading import pipeline
from trading.services.watching import watch_accounts
from trading.tests.api_scene import ApiScene, make_api_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    made = make_api_scene()
    change(made.scene.user, Category.RISK_MANAGEMENT, {"stop_loss_percent": D(0)}, confirmed=True)
    return made


def holding(api: ApiScene) -> str:
    """Buy ten, let them fill, watch; return the account's query."""
    api.place()
    replays.play(api.scene.replay())
    pipeline.run_account(api.scene.account.pk)
    watch_accounts()
    return f"?account={api.scene.account.pk}"


def test_headroom_has_a_history_by_rule(api: ApiScene) -> None:
    account = holding(api)
    replays.play(api.scene.replay())
    pipeline.run_account(api.scene.account.pk)
    api.place(quantity="20")
    watch_accounts()

    found = api.owner("get", f"/risk/headroom/history/{account}").json()["results"]
    one = api.owner("get", f"/risk/headroom/history/{account}&key=preferences:max_position_size_percent").json()

    assert {"Largest position", "Largest leverage"} <= {each["name"] for each in found}
    (series,) = one["results"]
    assert len(series["at"]) == len(series["used"]) == 2 and series["used"][1] > series["used"][0] > 0
    assert series["limit"] == ["5", "5"]


@pytest.mark.parametrize(
    "query", ["&max_points=1", "&start=yesterday", "&start=2024-01-02T00:00:00Z&end=2024-01-01T00:00:00Z"]
)
def test_a_history_of_nonsense_is_refused(api: ApiScene, query: str) -> None:
    answer = api.owner("get", f"/risk/headroom/history/?account={api.scene.account.pk}{query}")

    assert_problem(answer, 400)


@pytest.mark.parametrize("path", ["/risk/headroom/history/", "/risk/unprotected/"])
def test_strangers_see_no_account(api: ApiScene, path: str) -> None:
    assert_problem(api.stranger("get", f"{path}?account={api.scene.account.pk}"), 404)


def test_the_gauge_tells_what_nothing_protects_and_one_critical_notice_goes_out(api: ApiScene) -> None:
    account = holding(api)
    watch_accounts()

    gauge = api.owner("get", f"/risk/unprotected/{account}").json()

    value = D(gauge["value"])
    assert value == Position.objects.get().value and gauge["currency"] == "USD"
    (episode,) = gauge["open"]
    assert episode["symbol"] == api.scene.symbol and episode["alarmed_at"] and episode["ended_at"] is None
    for row in OutboxEvent.objects.filter(name="position.unprotected"):
        route_event(row, at=timezone.now())
    assert [n.priority for n in Notification.objects.filter(title__startswith="Nothing protects")] == ["CRITICAL"]


def test_a_waiver_is_signed_shown_and_taken_back(api: ApiScene) -> None:
    account = holding(api)
    body = {"position": str(Position.objects.get().pk), "reason": "hedged with options"}

    made = api.owner("post", "/risk/waivers/", body)
    watch_accounts()
    gauge = api.owner("get", f"/risk/unprotected/{account}").json()

    assert made.status_code == 201 and made.json()["signed_by"] == api.scene.user.username
    assert gauge["open"] == [] and gauge["past"][0]["ended_by"] == "a waiver"
    assert_problem(api.stranger("post", "/risk/waivers/", body), 404)
    assert_problem(api.owner("post", "/risk/waivers/", {**body, "reason": " "}), 400)
    assert_problem(api.stranger("delete", f"/risk/waivers/{made.json()['id']}/"), 404)
    assert api.owner("delete", f"/risk/waivers/{made.json()['id']}/").status_code == 204
    watch_accounts()
    assert len(api.owner("get", f"/risk/unprotected/{account}").json()["open"]) == 1


def scenario(**changed: Any) -> dict[str, Any]:
    return {"name": "My crisis", "default_percent": "-20", "shocks": {}, **changed}


def test_an_own_crisis_is_measured_beside_the_historical_ones(api: ApiScene) -> None:
    account = holding(api)

    made = api.owner("post", "/risk/stress-scenarios/", scenario(shocks={api.scene.symbol.lower(): "-50"}))
    stress = api.owner("get", f"/risk/portfolio/{account}").json()["stress"]

    assert made.status_code == 201 and made.json()["shocks"] == {api.scene.symbol: "-50"}
    assert [each["name"] for each in stress][-1] == "My crisis" and len(stress) == 4
    assert D(stress[-1]["pnl"]) == -Position.objects.get().value / 2
    path = f"/risk/stress-scenarios/{made.json()['id']}/"
    changed = api.owner("patch", path, {"shocks": {"equity": "-10"}})
    assert changed.json()["shocks"] == {"equity": "-10"} and changed.json()["name"] == "My crisis"
    assert_problem(api.stranger("patch", path, {"name": "x"}), 404)
    assert api.owner("delete", path).status_code == 204
    assert api.owner("get", "/risk/stress-scenarios/").json()["results"] == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"default_percent": "-101"}, "default_percent"),
        ({"shocks": {"NOSUCH": "-5"}}, "shocks.NOSUCH"),
        ({"shocks": {"equity": "x"}}, "shocks"),
        ({"name": ""}, "name"),
        ({"moves": {}}, "moves"),
    ],
)
def test_a_crisis_that_makes_no_sense_is_refused_by_field(api: ApiScene, changed: dict[str, Any], field: str) -> None:
    answer = api.owner("post", "/risk/stress-scenarios/", scenario(**changed))

    assert_problem(answer, 400)
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])


def test_a_name_is_taken_once(api: ApiScene) -> None:
    assert api.owner("post", "/risk/stress-scenarios/", scenario()).status_code == 201

    assert_problem(api.owner("post", "/risk/stress-scenarios/", scenario()), 409)
