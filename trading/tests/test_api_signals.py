"""signals/, webhooks/ and strategies' actions: outside signals, approval, traces, secret addresses."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache

from core.testing import assert_problem
from domain.orders import OrderStatus
from marketdata import replay_services as replays
from trading import pipeline
from trading.models import Order, Signal
from trading.services import approvals, orders
from trading.tests.api_scene import ApiScene, caller, make_api_scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> ApiScene:
    cache.clear()
    return make_api_scene()


def strategy(api: ApiScene, **more: Any) -> str:
    made = api.scene.strategy("buy_and_hold", {}, **more)
    return str(made.pk)


def running(api: ApiScene, **more: Any) -> str:
    pk = strategy(api, **more)
    assert api.owner("post", f"/strategies/{pk}/start/", {}).status_code == 200
    return pk


def play(api: ApiScene, n: int = 1) -> None:
    for _ in range(n):
        replays.play(api.scene.replay())
        pipeline.run_account(api.scene.account.pk)


def manual(api: ApiScene) -> None:
    """Switch automatic execution off."""
    answer = api.owner("put", "/preferences/trading/", {"auto_execute_signals": False})
    assert answer.status_code == 200, answer.content


def test_an_outside_signal_becomes_an_order(api: ApiScene) -> None:
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy", "reason": "a hunch"})

    assert made.status_code == 201
    assert (made.json()["outcome"], made.json()["source"], made.json()["reason"]) == ("executed", "api", "a hunch")
    order = Order.objects.get(signal_id=made.json()["id"], role="entry")
    assert order.status == OrderStatus.ACCEPTED
    assert api.owner("get", "/signals/?outcome=executed").json()["results"][0]["id"] == made.json()["id"]
    assert api.stranger("get", "/signals/").json()["results"] == []


def test_a_signal_below_the_threshold_is_skipped_with_its_code(api: ApiScene) -> None:
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy", "confidence": 0.1}).json()

    assert (made["outcome"], made["code"]) == ("skipped", "below_confidence")
    assert not Order.objects.exists()


def test_selling_what_is_not_held_opens_no_short(api: ApiScene) -> None:
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "sell"}).json()

    assert (made["side"], made["outcome"], made["code"]) == ("exit", "skipped", "no_position")


def test_the_same_key_takes_a_signal_once(api: ApiScene) -> None:
    body = {"symbol": api.scene.symbol, "side": "buy"}

    first = api.owner("post", "/signals/", body, **{"Idempotency-Key": "s1"})
    again = api.owner("post", "/signals/", body, **{"Idempotency-Key": "s1"})

    assert first.json() == again.json()
    assert Signal.objects.count() == 1
    assert Order.objects.get(role="entry").status == OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"side": "hold"}, "side", "invalid_choice"),
        ({"confidence": 1.2}, "confidence", "too_large"),
        ({"confidence": "0.9"}, "confidence", "invalid"),
        ({"confidence": -0.1}, "confidence", "too_small"),
        ({"reason": "a\u202eb"}, "reason", "unfit"),
        ({"reason": "x" * 301}, "reason", "max_length"),
        ({"stop": "900"}, "stop", "wrong_side"),
        ({"take_profit": "1"}, "take_profit", "wrong_side"),
        ({"stop": "0"}, "stop", "not_above"),
        ({"strategy": "x"}, "strategy", "invalid"),
        ({"quantity": "1"}, "quantity", "unknown_field"),
    ],
)
def test_a_bad_signal_is_refused_at_its_field(api: ApiScene, changes: Any, field: str, code: str) -> None:
    body = {"symbol": api.scene.symbol, "side": "buy", **changes}

    assert_problem(api.owner("post", "/signals/", body), 400, field=field, code=code)
    assert not Signal.objects.exists()


def test_a_signal_for_a_foreign_strategy_is_not_found(api: ApiScene) -> None:
    body = {"symbol": api.scene.symbol, "side": "buy"}
    foreign = api.stranger("post", "/signals/", {**body, "strategy": strategy(api)})
    unknown = api.stranger("post", "/signals/", {**body, "strategy": str(uuid.uuid4())})

    assert_problem(foreign, 404)
    assert foreign.content == unknown.content
    assert_problem(api.stranger("post", "/signals/", body), 400, field="account", code="required")


def test_a_waiting_signal_is_approved_once(api: ApiScene) -> None:
    manual(api)
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy"}).json()

    approved = api.owner("post", f"/signals/{made['id']}/approve/")
    again = api.owner("post", f"/signals/{made['id']}/approve/")

    assert made["outcome"] == "awaiting_approval"
    assert approved.json()["outcome"] == "approved"
    assert_problem(again, 409, code="not_waiting")
    assert Order.objects.get(signal_id=made["id"], role="entry").status == OrderStatus.ACCEPTED


def test_a_dismissed_signal_sends_nothing(api: ApiScene) -> None:
    manual(api)
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy"}).json()

    assert api.owner("post", f"/signals/{made['id']}/dismiss/").json()["outcome"] == "dismissed"
    assert_problem(api.owner("post", f"/signals/{made['id']}/approve/"), 409, code="not_waiting")
    assert Order.objects.get().status == OrderStatus.CANCELED


def test_a_waiting_signal_whose_order_was_canceled_is_dismissed_not_approved(api: ApiScene) -> None:
    manual(api)
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy"}).json()
    order = Order.objects.get()
    orders.cancel_order(order.pk, at=order.market_at)

    assert_problem(api.owner("post", f"/signals/{made['id']}/approve/"), 409, code="order_is_final")
    assert api.owner("post", f"/signals/{made['id']}/dismiss/").json()["outcome"] == "dismissed"


def test_expiry_goes_on_past_a_signal_whose_order_is_gone(api: ApiScene) -> None:
    manual(api)
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy"}).json()
    order = Order.objects.get()
    orders.cancel_order(order.pk, at=order.market_at)
    row = Signal.objects.get(pk=made["id"])
    assert row.expires_at is not None

    assert approvals.expire_waiting(now=row.expires_at) == 1

    row.refresh_from_db()
    assert row.outcome == "expired"


def test_the_trace_tells_every_step_from_the_bar_to_the_fill(api: ApiScene) -> None:
    running(api)
    play(api, 5)
    made = api.owner("get", "/signals/?outcome=executed").json()["results"][0]

    trace = api.owner("get", f"/signals/{made['id']}/trace/").json()

    stages = [step["stage"] for step in trace["steps"]]
    wanted = ["bar", "signal", "preferences", "sizing", "rule", "risk", "outcome", "order", "fill"]
    firsts = [stages.index(stage) for stage in wanted]
    assert firsts == sorted(firsts), stages
    bar = trace["steps"][0]
    assert bar["verdict"] == "good" and bar["details"]["close"] == made["price"]
    rules = [step["details"] for step in trace["steps"] if step["stage"] == "rule"]
    assert len(rules) == len(trace["decision"]["reasons"]) > 3
    assert all({"value", "limit", "verdict"} <= set(rule) for rule in rules)
    assert trace["fills"][0]["order"] == trace["orders"][0]["id"]
    assert_problem(api.stranger("get", f"/signals/{made['id']}/trace/"), 404)


def test_the_trace_of_a_denied_signal_ends_with_the_reason(api: ApiScene) -> None:
    api.owner("put", f"/accounts/{api.scene.account.pk}/trading-state/", {"state": "reducing", "reason": "holiday"})
    made = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "buy"}).json()

    trace = api.owner("get", f"/signals/{made['id']}/trace/").json()

    assert made["outcome"] == "denied"
    assert trace["decision"]["verdict"] == "denied"
    assert any(step["stage"] == "rule" and step["verdict"] == "denied" for step in trace["steps"])
    assert trace["fills"] == []


def test_strategies_start_pause_and_stop_in_their_order(api: ApiScene) -> None:
    pk = strategy(api)

    started = api.owner("post", f"/strategies/{pk}/start/", {})
    twice = api.owner("post", f"/strategies/{pk}/start/", {})
    paused = api.owner("post", f"/strategies/{pk}/pause/", {"reason": "lunch"})
    resumed = api.owner("post", f"/strategies/{pk}/start/")
    stopped = api.owner("post", f"/strategies/{pk}/stop/", {})

    states = [answer.json()["state"] for answer in (started, paused, resumed, stopped)]
    assert states == ["running", "paused", "running", "stopped"]
    assert_problem(twice, 409, code="already_running")
    assert_problem(api.owner("post", f"/strategies/{pk}/pause/", {}), 409, code="illegal_state")
    assert_problem(
        api.owner("post", f"/strategies/{pk}/start/", {"speed": 1}), 400, field="speed", code="unknown_field"
    )


@pytest.mark.parametrize("action", ["start", "pause", "stop"])
def test_a_strategy_is_its_owners_alone(api: ApiScene, action: str) -> None:
    pk = strategy(api)

    assert_problem(api.stranger("post", f"/strategies/{pk}/{action}/", {}), 404)
    assert_problem(caller(api.scene.user, scopes=("read",))("post", f"/strategies/{pk}/{action}/", {}), 403)
