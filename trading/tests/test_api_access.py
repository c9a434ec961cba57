"""Every endpoint of the trading API: nobody 401, a missing scope 403, a stranger the 404 of what does not exist."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.testing import ALL_SCOPES, PROBLEM, api_client, assert_problem
from trading.models import Order, Signal
from trading.tests.api_scene import V1, ApiScene, caller, make_api_scene

pytestmark = [pytest.mark.django_db, pytest.mark.long]

COLLECTIONS = [
    ("get", "/orders/", "read"),
    ("post", "/orders/", "trade"),
    ("post", "/orders/preview/", "trade"),
    ("post", "/orders/cancel-all/", "trade"),
    ("get", "/positions/", "read"),
    ("post", "/positions/close-all/", "trade"),
    ("get", "/fills/", "read"),
    ("get", "/signals/", "read"),
    ("post", "/signals/", "trade"),
    ("post", "/risk/rules/test/", "trade"),
    ("post", "/risk/position-size/", "trade"),
]
ROWS = [
    ("get", "/orders/{order}/", "read"),
    ("patch", "/orders/{order}/", "trade"),
    ("delete", "/orders/{order}/", "trade"),
    ("get", "/orders/{order}/events/", "read"),
    ("get", "/positions/{position}/", "read"),
    ("post", "/positions/{position}/close/", "trade"),
    ("get", "/signals/{signal}/", "read"),
    ("post", "/signals/{signal}/approve/", "trade"),
    ("post", "/signals/{signal}/dismiss/", "trade"),
    ("get", "/signals/{signal}/trace/", "read"),
    ("post", "/strategies/{strategy}/start/", "trade"),
    ("post", "/strategies/{strategy}/pause/", "trade"),
    ("post", "/strategies/{strategy}/stop/", "trade"),
    ("get", "/strategies/{strategy}/webhook/", "read"),
    ("post", "/strategies/{strategy}/webhook/", "trade"),
    ("delete", "/strategies/{strategy}/webhook/", "trade"),
    ("post", "/accounts/{account}/reset/", "trade"),
    ("post", "/accounts/{account}/reconcile/", "trade"),
    ("put", "/accounts/{account}/trading-state/", "trade"),
]


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene()


def rows_of(api: ApiScene) -> dict[str, str]:
    """One row of each kind that belongs to the scene's owner."""
    order = api.place(type="limit", limit_price="90")["id"]
    signal = api.owner("post", "/signals/", {"symbol": api.scene.symbol, "side": "exit"}).json()["id"]
    account = api.scene.account
    position = account.positions.create(user=account.user, instrument=api.scene.instrument)
    strategy = str(api.scene.strategy("buy_and_hold", {}).pk)
    return {
        "order": order,
        "signal": signal,
        "position": str(position.pk),
        "strategy": strategy,
        "account": str(account.pk),
    }


@pytest.mark.parametrize(("method", "path", "scope"), COLLECTIONS + ROWS)
def test_nobody_is_sent_away_and_a_missing_scope_refused(api: ApiScene, method: str, path: str, scope: str) -> None:
    url = path.format(**dict.fromkeys(["order", "signal", "position", "strategy", "account"], str(uuid.uuid4())))
    others = tuple(each for each in ALL_SCOPES if each != scope)

    assert_problem(caller()(method, url), 401)
    assert_problem(caller(api.scene.user, scopes=others)(method, url), 403, code="missing_scope")


@pytest.mark.parametrize(("method", "path", "scope"), ROWS)
def test_a_strangers_row_looks_like_one_that_is_not_there(api: ApiScene, method: str, path: str, scope: str) -> None:
    rows = rows_of(api)

    foreign = api.stranger(method, path.format(**rows))
    nowhere = api.stranger(method, path.format(**{name: str(uuid.uuid4()) for name in rows}))

    assert_problem(foreign, 404)
    assert foreign.content == nowhere.content
    assert Order.objects.get(pk=rows["order"]).status == "accepted"
    assert Signal.objects.get(pk=rows["signal"]).outcome == "skipped"


@pytest.mark.parametrize("path", ["/orders/", "/positions/", "/fills/", "/signals/"])
def test_odd_query_parameters_are_refused(api: ApiScene, path: str) -> None:
    for query in ("limit=0", "limit=501", "limit=1_0", "cursor=x", "symbol=A%00B", "account=1", "ordering=user", "x=1"):
        assert_problem(api.owner("get", f"{path}?{query}"), 400)


VALUES = (
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=12)
    | some.sampled_from(
        ["1", "10", "0.5", "1e9", "-0", "100", "90", "9" * 26, "buy", "sell", "limit", "gtc", "١", "\u202e"]
    )
)
TREES = some.recursive(
    VALUES, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3)
)
FIELDS = [
    "symbol", "side", "type", "quantity", "notional", "time_in_force", "limit_price", "stop_price", "trail_percent",
    "client_order_id", "order_class", "take_profit", "stop_loss", "reduce_only", "strategy", "account", "confidence",
    "reason", "stop", "state", "keep_protective", "method", "value", "rule", "order", "action", "ticker",
]  # fmt: skip
PATHS = [(m, p) for m, p, _ in COLLECTIONS + ROWS if m in ("post", "patch", "put") and "reset" not in p]


@pytest.mark.timeout(600)
@settings(max_examples=120, suppress_health_check=list(HealthCheck), derandomize=True)
@given(where=some.sampled_from(PATHS), changes=some.dictionaries(some.sampled_from(FIELDS), TREES, max_size=4))
def test_no_generated_body_makes_a_server_error(api: ApiScene, where: tuple[str, str], changes: dict[str, Any]) -> None:
    method, path = where
    rows = _rows(api)
    base = api.order() if path in ("/orders/", "/orders/preview/") else {}
    base = {"symbol": api.scene.symbol, "side": "buy"} if path == "/signals/" else base
    text = json.dumps({**base, **changes})
    client = api_client(api.scene.user)

    answer = client.generic(method.upper(), V1 + path.format(**rows), text, content_type="application/json")

    assert answer.status_code < 500, (method, path, text, answer.content)
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"].startswith(PROBLEM)


_kept: dict[Any, dict[str, str]] = {}


def _rows(api: ApiScene) -> dict[str, str]:
    """The scene's rows, made once for all examples of a test."""
    key = api.scene.user.pk
    if key not in _kept:
        _kept[key] = rows_of(api)
    return _kept[key]


def test_bodies_that_are_no_objects_are_refused(api: ApiScene) -> None:
    client = api_client(api.scene.user)
    for raw in ("[]", "1", '"x"', "null", "{", "", '{"a":1,"a":2}', '{"quantity":NaN}', "[" * 5000, '{"a":"\\ud800"}'):
        answer = client.generic("POST", f"{V1}/orders/", raw, content_type="application/json")
        assert_problem(answer, 400)
    assert_problem(client.generic("POST", f"{V1}/orders/", "a=1", content_type="text/plain"), 415)
    assert_problem(client.generic("PUT", f"{V1}/orders/", "{}", content_type="application/json"), 405)
