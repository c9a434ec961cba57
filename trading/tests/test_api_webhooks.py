"""webhooks/signals/{token}/ and what accounts may do: secret addresses, alerts, trading states."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from core.testing import assert_problem
from marketdata import replay_services as replays
from trading.models import Signal, WebhookToken
from trading.tests.api_scene import ApiScene, Caller, caller, make_api_scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> ApiScene:
    cache.clear()
    return make_api_scene()


def webhook(api: ApiScene) -> tuple[str, str]:
    """Return a running strategy and the path of its webhook below /api/v1."""
    pk = str(api.scene.strategy("buy_and_hold", {}).pk)
    assert api.owner("post", f"/strategies/{pk}/start/", {}).status_code == 200
    replays.play(api.scene.replay())
    made = api.owner("post", f"/strategies/{pk}/webhook/", {})
    assert made.status_code == 201
    path = made.json()["path"]
    assert path == f"/api/v1/webhooks/signals/{made.json()['token']}/"
    return pk, path.removeprefix("/api/v1")


def alert(api: ApiScene, **changes: Any) -> dict[str, Any]:
    return {
        "action": "buy",
        "ticker": f"NASDAQ:{api.scene.symbol}",
        "price": 123.4,
        "time": "2026-01-02T15:04:00Z",
    } | changes


def test_an_alert_needs_no_header_and_becomes_a_signal_of_the_strategy(api: ApiScene) -> None:
    pk, path = webhook(api)

    answer = caller()("post", path, alert(api))

    assert answer.status_code == 201, answer.content
    assert (answer.json()["strategy"], answer.json()["source"]) == (pk, "webhook")
    assert answer.json()["outcome"] == "executed"
    assert WebhookToken.objects.get().last_used_at is not None


def test_the_token_is_stored_hashed_and_shown_once(api: ApiScene) -> None:
    pk, path = webhook(api)
    token = path.rstrip("/").rpartition("/")[2]

    shown = api.owner("get", f"/strategies/{pk}/webhook/")

    assert token not in shown.content.decode()
    assert shown.json()["webhook"]["hint"] == token[-4:]
    row = WebhookToken.objects.get()
    assert token not in str(vars(row))


def test_a_revoked_or_replaced_address_is_not_found(api: ApiScene) -> None:
    pk, first = webhook(api)
    second = api.owner("post", f"/strategies/{pk}/webhook/").json()["path"].removeprefix("/api/v1")
    nobody = caller()

    assert_problem(nobody("post", first, alert(api)), 404)
    assert nobody("post", second, alert(api)).status_code == 201
    assert api.owner("delete", f"/strategies/{pk}/webhook/").status_code == 204
    gone = nobody("post", second, alert(api))
    assert_problem(gone, 404)
    assert gone.content == nobody("post", "/webhooks/signals/nonsense/", alert(api)).content
    assert api.owner("get", f"/strategies/{pk}/webhook/").json() == {"webhook": None}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"action": "hodl"}, "action", "invalid"),
        ({"action": 1}, "action", "invalid"),
        ({"side": "buy"}, "action", "one_of"),
        ({"symbol": "X"}, "ticker", "one_of"),
        ({"ticker": "A B"}, "ticker", "invalid"),
        ({"price": {"x": 1}}, "price", "invalid"),
        ({"confidence": 2}, "confidence", "too_large"),
        ({"leverage": 100}, "leverage", "unknown_field"),
    ],
)
def test_a_bad_alert_is_refused(api: ApiScene, changes: Any, field: str, code: str) -> None:
    _, path = webhook(api)

    assert_problem(caller()("post", path, alert(api, **changes)), 400, field=field, code=code)
    assert not Signal.objects.exists()


def test_an_alert_for_something_that_the_strategy_does_not_trade_is_refused(api: ApiScene) -> None:
    _, path = webhook(api)
    other = make_api_scene().scene.symbol

    assert_problem(caller()("post", path, alert(api, ticker=other)), 400, field="symbol", code="not_traded")
    assert_problem(caller()("post", path, alert(api, ticker="NOSUCH")), 404)


def test_alerts_are_bounded_by_address(api: ApiScene, settings: Any) -> None:
    settings.API_RATES = {"webhook": (3, 60)}
    _, path = webhook(api)

    answers = [caller()("post", path, alert(api, action="exit")).status_code for _ in range(8)]

    assert answers.count(429) >= 2 and answers[0] == 201  # a minute may end in between: three before, three after


def test_a_strangers_webhook_is_not_found(api: ApiScene) -> None:
    pk = str(api.scene.strategy("buy_and_hold", {}).pk)

    for method in ("get", "post", "delete"):
        assert_problem(api.stranger(method, f"/strategies/{pk}/webhook/"), 404)


# --- accounts --------------------------------------------------------------------------------------------------------


def state(who: Caller, api: ApiScene, value: str) -> Any:
    return who("put", f"/accounts/{api.scene.account.pk}/trading-state/", {"state": value, "reason": "test"})


def test_tightening_needs_trade_and_loosening_admin(api: ApiScene) -> None:
    trader = caller(api.scene.user, scopes=("read", "trade"))

    assert state(trader, api, "halted").json()["trading_state"] == "halted"
    assert_problem(state(trader, api, "active"), 403, code="missing_scope")
    assert_problem(state(trader, api, "reducing"), 403, code="missing_scope")
    assert state(api.owner, api, "active").json()["trading_state"] == "active"
    assert_problem(state(api.owner, api, "asleep"), 400, field="state", code="invalid_choice")
    assert_problem(state(api.stranger, api, "halted"), 404)


def test_a_halted_account_denies_an_order_and_says_why(api: ApiScene) -> None:
    state(api.owner, api, "halted")

    made = api.place()

    assert made["status"] == "denied"
    assert "halted" in made["reason"]
    assert Decimal(made["filled_quantity"]) == 0


def test_an_alert_before_the_first_bar_says_that_there_is_no_price() -> None:
    api = make_api_scene()
    pk = str(api.scene.strategy("buy_and_hold", {}).pk)
    api.owner("post", f"/strategies/{pk}/start/", {})
    path = api.owner("post", f"/strategies/{pk}/webhook/").json()["path"].removeprefix("/api/v1")

    assert_problem(caller()("post", path, alert(api)), 409, field="symbol", code="no_price")
