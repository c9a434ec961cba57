"""orders/: placing by quantity and notional, brackets, denial, replacing, canceling, history, idempotency."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from core.testing import assert_problem
from marketdata.tests.factories import make_instrument
from risk.models import RiskRule
from trading.models import Order
from trading.services.orders import cancel_order
from trading.tests.api_scene import ApiScene, caller, make_api_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene()


def deny_above(api: ApiScene, value: str) -> None:
    RiskRule.objects.create(
        user=api.scene.user, name="Largest order", type="max_order_value", limit=Decimal(value), action="reject"
    )


def test_a_market_order_goes_to_the_venue_and_is_answered_whole(api: ApiScene) -> None:
    made = api.place()

    assert made["status"] in ("submitted", "accepted")
    assert made["symbol"] == api.scene.symbol
    assert (made["quantity"], made["filled_quantity"], made["side"]) == ("10", "0", "buy")
    assert made["decision"]["verdict"] in ("allowed", "warned")
    assert {"rule", "type", "source", "value", "limit", "headroom", "verdict", "message"} <= set(
        made["decision"]["reasons"][0]
    )
    assert api.owner("get", f"/orders/{made['id']}/").json()["status"] == "accepted"


@pytest.mark.django_db(transaction=True)
def test_without_a_key_the_answer_waits_for_the_venue() -> None:
    api = make_api_scene()

    made = api.owner.client.post("/api/v1/orders/", api.order()).json()

    assert made["status"] == "accepted"


def test_a_denied_order_is_made_with_its_reasons(api: ApiScene) -> None:
    deny_above(api, "500")

    made = api.place()

    assert made["status"] == "denied"
    denial = [r for r in made["decision"]["reasons"] if r["type"] == "max_order_value"]
    assert denial[0]["verdict"] == "denied"
    assert denial[0]["limit"] == "500"
    assert Decimal(denial[0]["value"]) > 500
    assert made["decision"]["preferences_version"] is not None
    assert api.owner("get", "/orders/?status=denied").json()["results"][0]["id"] == made["id"]


def test_a_notional_becomes_whole_lots_at_the_mark(api: ApiScene) -> None:
    made = api.place(quantity=None, notional="1000")

    mark = Order.objects.get(pk=made["id"]).reference_price
    assert mark is not None
    assert Decimal(made["quantity"]) == Decimal(1000) // mark


def test_a_notional_below_one_lot_is_refused_at_its_field(api: ApiScene) -> None:
    answer = api.owner("post", "/orders/", api.order(quantity=None, notional="3"))

    assert_problem(answer, 400, field="notional", code="too_small")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("stop", "target"),
    [("90", "200"), ({"price": "90"}, {"price": "200"}), ({"percent": "3"}, {"percent": "9"}), ("90", None)],
)
def test_a_bracket_holds_its_legs_until_the_entry_fills(api: ApiScene, stop: Any, target: Any) -> None:
    made = api.place(order_class="bracket", stop_loss=stop, take_profit=target)

    assert made["order_class"] == "bracket"
    roles = {leg["role"]: leg for leg in made["legs"]}
    assert roles["stop_loss"]["status"] == "held"
    assert roles["take_profit"]["status"] == "held"  # one that is not named is set by the preferences


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"quantity": None}, "quantity", "required"),
        ({"notional": "100"}, "quantity", "one_of"),
        ({"quantity": "0"}, "quantity", "not_above"),
        ({"quantity": "-1"}, "quantity", "not_above"),
        ({"quantity": "1e3"}, "quantity", "invalid"),
        ({"quantity": "1_000"}, "quantity", "invalid"),
        ({"quantity": " 1"}, "quantity", "invalid"),
        ({"quantity": "NaN"}, "quantity", "invalid"),
        ({"quantity": "١٢"}, "quantity", "invalid"),
        ({"quantity": True}, "quantity", "invalid"),
        ({"quantity": ["1"]}, "quantity", "invalid"),
        ({"quantity": "1.5"}, "quantity", "lot_size"),
        ({"quantity": "9" * 13}, "quantity", "too_large"),
        ({"quantity": "9" * 30}, "quantity", "too_long"),
        ({"side": "hold"}, "side", "invalid_choice"),
        ({"side": "BUY"}, "side", "invalid_choice"),
        ({"side": None}, "side", "required"),
        ({"type": "iceberg"}, "type", "invalid_choice"),
        ({"type": "limit"}, "limit_price", "required"),
        ({"type": "stop"}, "stop_price", "required"),
        ({"type": "trailing_stop"}, "trail_percent", "required"),
        ({"limit_price": "100"}, "limit_price", "not_allowed"),
        ({"type": "limit", "limit_price": "100.001"}, "limit_price", "off_tick"),
        ({"type": "limit", "limit_price": "-5"}, "limit_price", "not_above"),
        ({"type": "stop", "stop_price": "130", "time_in_force": "ioc"}, "time_in_force", "not_allowed"),
        ({"time_in_force": "forever"}, "time_in_force", "invalid_choice"),
        ({"client_order_id": "a b"}, "client_order_id", "invalid"),
        ({"client_order_id": "x" * 57}, "client_order_id", "invalid"),
        ({"client_order_id": "\u202eabc"}, "client_order_id", "invalid"),
        ({"client_order_id": "mine-sl1"}, "client_order_id", "reserved"),
        ({"order_class": "oco"}, "order_class", "not_allowed"),
        ({"order_class": "bracket"}, "order_class", "not_allowed"),
        ({"order_class": "simple", "stop_loss": "90"}, "order_class", "not_allowed"),
        ({"stop_loss": {"price": "90", "percent": "1"}}, "stop_loss", "one_of"),
        ({"stop_loss": {}}, "stop_loss", "one_of"),
        ({"stop_loss": {"prise": "90"}}, "stop_loss.prise", "unknown_field"),
        ({"stop_loss": "900"}, "stop_loss", "wrong_side"),
        ({"take_profit": "1"}, "take_profit", "wrong_side"),
        ({"stop_loss": "90.001"}, "stop_loss", "off_tick"),
        ({"stop_loss": {"percent": "100"}}, "stop_loss", "out_of_range"),
        ({"reduce_only": True}, "reduce_only", "nothing_to_reduce"),
        ({"reduce_only": True, "stop_loss": "90"}, "stop_loss", "not_allowed"),
        ({"reduce_only": "yes"}, "reduce_only", "invalid"),
        ({"symbol": "A\u202eB"}, "symbol", "invalid"),
        ({"symbol": "x" * 33}, "symbol", "invalid"),
        ({"account": "1"}, "account", "invalid"),
        ({"account": None}, "account", "required"),
        ({"quantaty": "1"}, "quantaty", "unknown_field"),
        ({"status": "filled"}, "status", "unknown_field"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_made(api: ApiScene, changes: Any, field: str, code: str) -> None:
    for path in ("/orders/", "/orders/preview/"):
        answer = api.owner("post", path, api.order(**changes))

        assert_problem(answer, 400, field=field, code=code)
    assert not Order.objects.exists()
    assert api.owner("get", "/fills/").json() == {"results": [], "next": None}


def test_foreign_and_unknown_accounts_look_the_same(api: ApiScene) -> None:
    foreign = api.stranger("post", "/orders/", api.order())
    unknown = api.stranger("post", "/orders/", api.order(account=str(uuid.uuid4())))

    assert_problem(foreign, 404)
    assert foreign.content == unknown.content


def test_an_unknown_symbol_and_one_without_bars_say_so(api: ApiScene) -> None:
    empty = make_instrument()

    assert_problem(
        api.owner("post", "/orders/", api.order(symbol="NOSUCH")), 404, field="symbol", code="unknown_symbol"
    )
    answer = api.owner("post", "/orders/", api.order(symbol=empty.symbol))
    body = assert_problem(answer, 400, field="symbol", code="no_bars")
    assert "no bars" in body["detail"].lower()


def test_the_same_key_and_body_make_one_order_with_one_answer(api: ApiScene) -> None:
    key = {"Idempotency-Key": "once"}

    first = api.owner("post", "/orders/", api.order(), **key)
    again = api.owner("post", "/orders/", api.order(), **key)
    other = api.owner("post", "/orders/", api.order(quantity="11"), **key)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert_problem(other, 409, code="idempotency_key_reused")
    assert Order.objects.filter(role="manual").count() == 1
    assert api.owner("get", f"/orders/{first.json()['id']}/").json()["status"] == "accepted"


@pytest.mark.parametrize("size", [{"quantity": "10"}, {"quantity": None, "notional": "1500"}])
def test_the_same_client_order_id_gives_the_first_order(api: ApiScene, size: dict[str, Any]) -> None:
    first = api.place(client_order_id="mine", **size)
    again = api.place(client_order_id="mine", **size)
    answer = api.owner("post", "/orders/", api.order(client_order_id="mine", side="sell", **size))

    assert first["id"] == again["id"]
    assert_problem(answer, 409, field="client_order_id", code="client_order_id_used")


def test_the_same_client_order_id_with_another_limit_is_a_conflict(api: ApiScene) -> None:
    api.place(client_order_id="mine", type="limit", limit_price="100")

    answer = api.owner("post", "/orders/", api.order(client_order_id="mine", type="limit", limit_price="101"))

    assert_problem(answer, 409, field="client_order_id", code="client_order_id_used")


def test_a_working_order_is_changed_and_its_history_tells_it(api: ApiScene) -> None:
    made = api.place(type="limit", limit_price="90")

    changed = api.owner("patch", f"/orders/{made['id']}/", {"limit_price": "91", "quantity": "9"})

    assert changed.status_code == 200
    now = api.owner("get", f"/orders/{made['id']}/").json()
    assert (now["limit_price"], now["quantity"], now["status"]) == ("91", "9", "accepted")
    history = api.owner("get", f"/orders/{made['id']}/events/").json()["results"]
    assert [event["to_status"] for event in history] == ["submitted", "accepted", "pending_update", "accepted"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "", "empty"),
        ({"stop_price": "80"}, "stop_price", "not_allowed"),
        ({"limit_price": "90.001"}, "limit_price", "off_tick"),
        ({"quantity": "0"}, "quantity", "not_above"),
        ({"side": "sell"}, "side", "unknown_field"),
    ],
)
def test_a_bad_change_changes_nothing(api: ApiScene, body: Any, field: str, code: str) -> None:
    made = api.place(type="limit", limit_price="90")

    assert_problem(api.owner("patch", f"/orders/{made['id']}/", body), 400, field=field, code=code)

    now = api.owner("get", f"/orders/{made['id']}/").json()
    assert (now["limit_price"], now["status"]) == ("90", "accepted")


def test_a_change_that_a_rule_denies_leaves_the_order_as_it_was(api: ApiScene) -> None:
    made = api.place(type="limit", limit_price="90")
    deny_above(api, "1000")

    dearer = api.owner("patch", f"/orders/{made['id']}/", {"limit_price": "110"})
    larger = api.owner("patch", f"/orders/{made['id']}/", {"quantity": "12"})

    assert_problem(dearer, 409, code="denied")
    assert_problem(larger, 409, code="denied")
    assert api.owner("get", f"/orders/{made['id']}/").json()["status"] == "accepted"


def test_a_canceled_order_stays_canceled(api: ApiScene) -> None:
    made = api.place(type="limit", limit_price="90")

    canceled = api.owner("delete", f"/orders/{made['id']}/")

    assert canceled.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert_problem(api.owner("delete", f"/orders/{made['id']}/"), 409, code="order_is_final")
    assert_problem(api.owner("patch", f"/orders/{made['id']}/", {"quantity": "5"}), 409, code="illegal_state")


def test_cancel_all_tells_each_order_and_may_be_asked_again(api: ApiScene) -> None:
    ids = [
        api.place(type="limit", limit_price=price, client_order_id=f"o{price}")["id"] for price in ("90", "91", "92")
    ]
    cancel_order(Order.objects.get(pk=ids[0]).pk, at=api.scene.replay().market_time)

    done = api.owner("post", "/orders/cancel-all/", {"symbol": api.scene.symbol}).json()["results"]
    again = api.owner("post", "/orders/cancel-all/", {}).json()["results"]

    held = Order.objects.filter(parent__in=ids)
    assert {row["order_id"] for row in done if row["outcome"] == "canceled"} == set(ids[1:])
    assert all(row["outcome"] in ("canceled", "already_final") for row in done)
    assert {order.status for order in held} == {"canceled"}
    assert again == []


def test_cancel_all_of_another_strategy_or_account_touches_nothing(api: ApiScene) -> None:
    made = api.place(type="limit", limit_price="90")

    assert api.stranger("post", "/orders/cancel-all/", {}).json()["results"] == []
    assert_problem(api.stranger("post", "/orders/cancel-all/", {"account": str(api.scene.account.pk)}), 404)
    assert_problem(api.owner("post", "/orders/cancel-all/", {"symbol": "NOSUCH"}), 404)
    assert api.owner("get", f"/orders/{made['id']}/").json()["status"] == "accepted"


def test_lists_are_filtered_and_come_in_pages(api: ApiScene) -> None:
    made = [api.place(type="limit", limit_price=str(80 + i), stop_loss="50")["id"] for i in range(3)]

    first = api.owner("get", "/orders/?role=manual&limit=2").json()
    rest = api.owner("get", f"/orders/?role=manual&limit=2&cursor={first['next']}").json()

    assert [row["id"] for row in first["results"] + rest["results"]] == made[::-1]
    assert rest["next"] is None
    assert api.owner("get", f"/orders/?symbol={api.scene.symbol.lower()}&status=accepted").json()["results"]
    assert api.owner("get", "/orders/?status=filled").json()["results"] == []
    assert api.stranger("get", "/orders/").json()["results"] == []
    assert_problem(api.owner("get", "/orders/?status=open"), 400, field="status")
    assert_problem(api.owner("get", "/orders/?strategi=1"), 400, field="strategi", code="unknown_field")


def test_orders_need_the_scope_trade_and_looking_the_scope_read(api: ApiScene) -> None:
    made = api.place(type="limit", limit_price="90")
    reader, trader = (caller(api.scene.user, scopes=(scope,)) for scope in ("read", "trade"))

    for method, path, body in (
        ("post", "/orders/", api.order()),
        ("post", "/orders/preview/", api.order()),
        ("post", "/orders/cancel-all/", {}),
        ("delete", f"/orders/{made['id']}/", None),
        ("patch", f"/orders/{made['id']}/", {"quantity": "5"}),
    ):
        assert_problem(reader(method, path, body), 403, code="missing_scope")
    for path in ("/orders/", f"/orders/{made['id']}/", f"/orders/{made['id']}/events/"):
        assert reader("get", path).status_code == 200
        assert_problem(trader("get", path), 403, code="missing_scope")
