"""positions/ and fills/: what is held, closing one, closing all, and never turning a position round."""

import pytest

from core.testing import assert_problem
from marketdata import replay_services as replays
from portfolio.models import Position
from trading import pipeline
from trading.models import Fill, Order
from trading.tests.api_scene import ApiScene, make_api_scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held() -> ApiScene:
    api = make_api_scene()
    api.place()
    play(api)
    return api


def play(api: ApiScene) -> None:
    replays.play(api.scene.replay())
    pipeline.run_account(api.scene.account.pk)


def test_a_filled_order_shows_as_position_and_fill(held: ApiScene) -> None:
    position = held.owner("get", "/positions/").json()["results"][0]
    fill = held.owner("get", f"/fills/?symbol={held.scene.symbol}").json()["results"][0]

    assert (position["quantity"], position["side"], position["symbol"]) == ("10", "long", held.scene.symbol)
    assert position["average_price"] == fill["price"]
    assert position["stop_percent"] is not None
    assert (fill["quantity"], fill["side"]) == ("10", "buy")
    assert held.stranger("get", "/positions/").json()["results"] == []
    assert held.stranger("get", "/fills/").json()["results"] == []


def test_closing_sells_what_is_held_and_the_stops_go(held: ApiScene) -> None:
    position = held.owner("get", "/positions/").json()["results"][0]

    made = held.owner("post", f"/positions/{position['id']}/close/", {}).json()
    play(held)

    assert (made["side"], made["quantity"], made["reduce_only"], made["role"]) == ("sell", "10", True, "exit")
    assert held.owner("get", "/positions/").json()["results"] == []
    flat = held.owner("get", "/positions/?include_flat=true").json()["results"][0]
    assert (flat["quantity"], flat["side"], flat["is_open"]) == ("0", "flat", False)
    assert not Order.objects.exclude(status__in=["filled", "canceled"]).exists()
    assert_problem(held.owner("post", f"/positions/{position['id']}/close/", {}), 409, code="position_is_flat")


def test_a_part_is_closed_and_never_more_than_is_held(held: ApiScene) -> None:
    pk = held.owner("get", "/positions/").json()["results"][0]["id"]

    assert_problem(held.owner("post", f"/positions/{pk}/close/", {"quantity": "11"}), 400, field="quantity")
    part = held.owner("post", f"/positions/{pk}/close/", {"quantity": "4"})
    rest = held.owner("post", f"/positions/{pk}/close/", {})
    third = held.owner("post", f"/positions/{pk}/close/", {})
    play(held)

    assert (part.json()["quantity"], rest.json()["quantity"]) == ("4", "6")
    assert_problem(third, 400, field="reduce_only", code="nothing_to_reduce")
    assert Position.objects.get().quantity == 0


def test_closing_with_a_key_makes_one_order(held: ApiScene) -> None:
    pk = held.owner("get", "/positions/").json()["results"][0]["id"]
    key = {"Idempotency-Key": "close-1"}

    first = held.owner("post", f"/positions/{pk}/close/", {}, **key)
    again = held.owner("post", f"/positions/{pk}/close/", {}, **key)

    assert first.json()["id"] == again.json()["id"]
    assert Order.objects.filter(role="exit").count() == 1


def test_close_all_cancels_entries_first_and_may_be_asked_again(held: ApiScene) -> None:
    resting = held.place(type="limit", limit_price="50")

    done = held.owner("post", "/positions/close-all/", {}).json()
    again = held.owner("post", "/positions/close-all/", {}).json()
    play(held)
    after = held.owner("post", "/positions/close-all/", {}).json()

    assert [row["order_id"] for row in done["canceled"]] == [resting["id"]]
    assert [row["outcome"] for row in done["results"]] == ["closing"]
    assert [row["outcome"] for row in again["results"]] == ["closing_already"]
    assert after == {"canceled": [], "results": []}
    assert Position.objects.get().quantity == 0
    assert Fill.objects.count() == 2


def test_close_all_with_the_same_key_names_the_same_orders(held: ApiScene) -> None:
    key = {"Idempotency-Key": "all-1"}

    first = held.owner("post", "/positions/close-all/", {}, **key).json()["results"]
    again = held.owner("post", "/positions/close-all/", {}, **key).json()["results"]

    assert first[0]["order_id"] == again[0]["order_id"] is not None


def test_a_stranger_closes_nothing(held: ApiScene) -> None:
    assert held.stranger("post", "/positions/close-all/", {}).json()["results"] == []
    assert_problem(held.stranger("post", "/positions/close-all/", {"account": str(held.scene.account.pk)}), 404)
    assert Position.objects.get().quantity == 10


def test_a_reset_account_begins_anew_and_its_old_books_are_history(held: ApiScene) -> None:
    answer = held.owner("post", f"/accounts/{held.scene.account.pk}/reset/", {})

    assert answer.status_code == 200
    assert (answer.json()["cash"], answer.json()["equity"]) == ("100000", "100000")
    assert held.owner("get", "/positions/").json()["results"] == []
    assert not Order.objects.filter(status="accepted").exists()
    reconciled = held.owner("post", f"/accounts/{held.scene.account.pk}/reconcile/", {}).json()
    assert reconciled["differences"] == [] and reconciled["fills_booked"] == 0


def test_a_traded_account_reconciles_without_difference(held: ApiScene) -> None:
    answer = held.owner("post", f"/accounts/{held.scene.account.pk}/reconcile/", {})

    assert answer.json() == {"carried_on": 0, "fills_booked": 0, "protected": 0, "differences": []}


def test_a_resting_reduce_only_order_goes_when_nothing_is_left_to_reduce(held: ApiScene) -> None:
    resting = held.place(side="sell", type="limit", limit_price="500", reduce_only=True)

    held.place(side="sell", quantity="10")
    play(held)

    assert Position.objects.get().quantity == 0
    assert held.owner("get", f"/orders/{resting['id']}/").json()["status"] == "canceled"


def test_a_resting_reduce_only_order_shrinks_with_its_position(held: ApiScene) -> None:
    resting = held.place(side="sell", type="limit", limit_price="500", reduce_only=True)

    held.place(side="sell", quantity="4")
    play(held)

    now = held.owner("get", f"/orders/{resting['id']}/").json()
    assert (now["quantity"], now["status"]) == ("6", "accepted")
