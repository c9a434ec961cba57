"""The preferences API as its user wrote it down: both mounts, with and without the slash."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import OutboxEvent
from core.testing import api_client, assert_problem, assert_scope_needed, make_user
from preferences import selectors
from preferences.models import PreferenceVersion

pytestmark = [pytest.mark.django_db, pytest.mark.long]
V1 = "/api/v1/preferences"
MOUNTS = [V1, "/api/trading-engine/preferences"]
PLACES = [mount + slash for mount in MOUNTS for slash in ("/{}", "/{}/")]


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def client(user: Any) -> Any:
    return api_client(user)


@pytest.mark.parametrize("place", PLACES)
def test_a_put_changes_the_named_fields_and_answers_the_category_and_its_version(client: Any, place: str) -> None:
    body = {"auto_execute_signals": False, "min_confidence_threshold": 0.8, "max_daily_trades": 25}

    response = client.put(place.format("trading"), body)

    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["version"] == 1 and response.headers["ETag"] == '"1"'
    assert {name: answer[name] for name in body} == body
    assert answer["max_concurrent_positions"] == 10
    assert client.get(place.format("trading")).json() == answer


def test_risk_limits_and_a_notification_entry_as_in_the_users_document(client: Any) -> None:
    risk = {"max_position_size_percent": 3.0, "stop_loss_percent": 1.5, "max_drawdown_percent": 8.0}
    entry = {
        "event_type": "LARGE_LOSS",
        "channels": ["EMAIL", "SMS"],
        "priority": "HIGH",
        "conditions": {"loss_amount": {"min": 1000}},
    }

    assert client.put(f"{MOUNTS[1]}/risk", risk).status_code == 200
    assert client.put(f"{MOUNTS[1]}/notifications", {"add": entry}).status_code == 200

    everything = client.get(f"{MOUNTS[1]}/").json()
    assert {name: everything["risk_management"][name] for name in risk} == risk
    kept = everything["notifications"]["entries"]
    assert kept == [{**entry, "enabled": True, "throttle_minutes": 0}]
    summary = client.get(f"{MOUNTS[1]}/summary").json()
    assert summary["notifications"] == {"total_preferences": 1, "enabled_preferences": 1}
    assert summary["version"] == 2


def test_everything_names_the_user_the_version_and_six_categories(user: Any, client: Any) -> None:
    body = client.get(f"{V1}/").json()

    assert body["user_id"] == str(user.pk) and body["version"] == 0
    categories = {"trading", "risk_management", "notifications", "strategy", "market_data", "performance"}
    assert categories <= set(body)


def test_entries_are_changed_and_removed(client: Any) -> None:
    url = f"{V1}/notifications/"
    client.put(url, {"add": {"event_type": "order_filled"}})
    changed = client.put(url, {"update": {"event_type": "ORDER_FILLED", "enabled": False, "throttle_minutes": 5}})

    assert changed.json()["entries"][0]["throttle_minutes"] == 5
    assert client.get(f"{V1}/summary/").json()["notifications"] == {"total_preferences": 1, "enabled_preferences": 0}
    assert_problem(client.put(url, {"add": {"event_type": "ORDER_FILLED"}}), 409)
    assert client.put(url, {"remove": {"event_type": "ORDER_FILLED"}}).json()["entries"] == []
    assert_problem(client.put(url, {"remove": {"event_type": "ORDER_FILLED"}}), 404)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"event_type": "SOMETHING"}, "add.event_type"),
        ({}, "add.event_type"),
        ({"event_type": "LARGE_LOSS", "channels": ["PIGEON"]}, "add.channels.0"),
        ({"event_type": "LARGE_LOSS", "channels": []}, "add.channels"),
        ({"event_type": "LARGE_LOSS", "channels": ["EMAIL", "email"]}, "add.channels"),
        ({"event_type": "LARGE_LOSS", "priority": "URGENT"}, "add.priority"),
        ({"event_type": "LARGE_LOSS", "throttle_minutes": -1}, "add.throttle_minutes"),
        ({"event_type": "LARGE_LOSS", "conditions": {"confidence": {"min": 1}}}, "add.conditions.confidence"),
        (
            {"event_type": "LARGE_LOSS", "conditions": {"loss_amount": {"min": "1000"}}},
            "add.conditions.loss_amount.min",
        ),
        ({"event_type": "LARGE_LOSS", "conditions": {"loss_amount": 1000}}, "add.conditions.loss_amount"),
        ({"event_type": "LARGE_LOSS", "conditions": {"any": []}}, "add.conditions.any"),
        ({"event_type": "SECURITY_ALERT", "enabled": False}, "add.enabled"),
        ({"event_type": "SECURITY_ALERT", "conditions": {"not": {}}}, "add.conditions"),
        ({"event_type": "SECURITY_ALERT", "channels": ["EMAIL"]}, "add.channels"),
        ({"event_type": "LARGE_LOSS", "typo": 1}, "add.typo"),
    ],
)
def test_a_bad_entry_is_refused_by_field_and_changes_nothing(client: Any, entry: dict[str, Any], field: str) -> None:
    assert_problem(client.put(f"{V1}/notifications/", {"add": entry}), 400, field=field)
    assert not PreferenceVersion.objects.exists()


@pytest.mark.parametrize(
    ("category", "body", "field", "code"),
    [
        ("trading", {"max_daily_trade": 5}, "max_daily_trade", "unknown_field"),
        ("trading", {"version": 5}, "version", "unknown_field"),
        ("trading", {"max_daily_trades": "5"}, "max_daily_trades", "invalid"),
        ("trading", {"max_daily_trades": 5.5}, "max_daily_trades", "invalid"),
        ("trading", {"max_daily_trades": True}, "max_daily_trades", "invalid"),
        ("trading", {"max_daily_trades": -1}, "max_daily_trades", "too_small"),
        ("trading", {"max_daily_trades": None}, "max_daily_trades", "null"),
        ("trading", {"min_confidence_threshold": 1.01}, "min_confidence_threshold", "too_large"),
        ("trading", {"min_confidence_threshold": "0.8"}, "min_confidence_threshold", "invalid"),
        ("trading", {"auto_execute_signals": "false"}, "auto_execute_signals", "invalid"),
        ("trading", {"preferred_order_types": []}, "preferred_order_types", "min_length"),
        ("trading", {"preferred_order_types": ["market", "market"]}, "preferred_order_types", "duplicate"),
        ("trading", {"default_sizing_method": "yolo"}, "default_sizing_method", "invalid_choice"),
        ("risk", {"max_leverage": 0}, "max_leverage", "too_small"),
        ("risk", {"max_leverage": 1e9}, "max_leverage", "too_large"),
        ("risk", {"max_position_size_percent": 150}, "max_position_size_percent", "too_large"),
        ("risk", {"max_position_size_percent": 0.12345678}, "max_position_size_percent", "too_precise"),
        ("risk", {"stop_loss_percent": 11}, "stop_loss_percent", "contradiction"),
        ("performance", {"benchmark_symbol": "QQQ"}, "benchmark_symbol", "unknown_symbol"),
        ("market-data", {"refresh_interval_seconds": 0}, "refresh_interval_seconds", "too_small"),
        ("market-data", {"preferred_sources": ["replay", "bloomberg"]}, "preferred_sources.1", "invalid_choice"),
        ("risk", {"stop_loss_percent": 4, "max_daily_loss_percent": 3}, "stop_loss_percent", "contradiction"),
    ],
)
def test_a_bad_value_is_refused_by_field_and_changes_nothing(
    client: Any, category: str, body: dict[str, Any], field: str, code: str
) -> None:
    assert_problem(client.put(f"{V1}/{category}/", body), 400, field=field, code=code)
    assert not PreferenceVersion.objects.exists()


def test_every_fault_is_named_and_a_good_field_beside_a_bad_one_is_not_stored(client: Any) -> None:
    body = {"max_daily_trades": 5, "min_confidence_threshold": 7, "max_concurrent_positions": -3}

    problem = assert_problem(client.put(f"{V1}/trading/", body), 400)

    assert {error["field"] for error in problem["errors"]} == {"min_confidence_threshold", "max_concurrent_positions"}
    assert client.get(f"{V1}/trading/").json()["max_daily_trades"] == 50


def test_if_match_makes_an_update_conditional(client: Any) -> None:
    url = f"{V1}/trading/"
    assert client.put(url, {"max_daily_trades": 5}, HTTP_IF_MATCH='"0"').status_code == 200

    assert_problem(client.put(url, {"max_daily_trades": 6}, HTTP_IF_MATCH="0"), 412, code="version_moved")
    assert_problem(client.put(url, {"max_daily_trades": 6}, HTTP_IF_MATCH="soon"), 400, field="If-Match")
    assert client.put(url, {"max_daily_trades": 6}, HTTP_IF_MATCH='W/"1"').json()["version"] == 2


def test_history_tells_who_changed_what_and_a_rollback_restores_it_as_a_new_version(user: Any, client: Any) -> None:
    client.put(f"{V1}/trading/", {"max_daily_trades": 5}, HTTP_USER_AGENT="a script")
    client.put(f"{V1}/trading/", {"max_daily_trades": 7})

    restored = client.post(f"{V1}/rollback/", {"version": 1})

    assert restored.json()["version"] == 3 and restored.json()["trading"]["max_daily_trades"] == 5
    newest, _, oldest = client.get(f"{V1}/history/").json()["results"]
    assert oldest["changed"] == {"trading.max_daily_trades": {"old": 50, "new": 5}}
    assert (oldest["author"], oldest["ip"], oldest["user_agent"]) == (user.username, "127.0.0.1", "a script")
    assert newest["restored_version"] == 1
    first, third = (PreferenceVersion.objects.get(version=version) for version in (1, 3))
    assert first.values == third.values and first.digest == third.digest
    names = OutboxEvent.objects.order_by("seq").values_list("name", flat=True)
    assert list(names) == ["preference.changed", "preference.changed", "preference.rolled_back"]
    assert_problem(client.post(f"{V1}/rollback/", {"version": 99}), 404)


def test_reset_of_one_category_leaves_the_others(client: Any) -> None:
    client.put(f"{V1}/trading/", {"max_daily_trades": 5})
    client.put(f"{V1}/risk/", {"max_leverage": 0.5})

    body = client.post(f"{V1}/reset/", {"category": "risk"}).json()

    assert (body["trading"]["max_daily_trades"], body["risk_management"]["max_leverage"]) == (5, 1)
    assert client.post(f"{V1}/reset/").json()["trading"]["max_daily_trades"] == 50
    assert_problem(client.post(f"{V1}/reset/", {"category": "everything"}), 400, field="category")


def test_a_repeated_reset_with_the_same_key_is_made_once(client: Any) -> None:
    client.put(f"{V1}/trading/", {"max_daily_trades": 5})
    first = client.post(f"{V1}/rollback/", {"version": 0}, HTTP_IDEMPOTENCY_KEY="k")
    client.put(f"{V1}/trading/", {"max_daily_trades": 6})
    again = client.post(f"{V1}/rollback/", {"version": 0}, HTTP_IDEMPOTENCY_KEY="k")

    assert first.json() == again.json() and again.headers["Idempotency-Replayed"] == "true"
    assert client.get(f"{V1}/trading/").json()["max_daily_trades"] == 6


def test_a_preview_tells_the_difference_and_makes_none(client: Any) -> None:
    change = {"category": "risk", "values": {"max_leverage": 0.5, "max_drawdown_percent": 10}}

    body = client.post(f"{V1}/preview/", change).json()

    assert body["changed"] == {"risk_management.max_leverage": {"old": "1", "new": "0.5"}}
    assert client.get(f"{V1}/").json()["version"] == 0
    assert_problem(client.post(f"{V1}/preview/", {"category": "risk", "values": {"x": 1}}), 400, field="x")


def test_defaults_describe_every_offered_field(client: Any) -> None:
    body = client.get(f"{V1}/defaults/").json()

    leverage = next(f for f in body["fields"]["risk_management"] if f["name"] == "max_leverage")
    assert leverage["maximum"] == 20 and leverage["effect"] and leverage["help"]
    assert body["defaults"]["trading"]["max_daily_trades"] == 50
    assert all(f["help"] and f["effect"] for fields in body["fields"].values() for f in fields)


def test_nobody_is_401_a_reader_may_not_write_and_users_do_not_see_each_other(user: Any, client: Any) -> None:
    assert_problem(api_client().get(f"{V1}/"), 401)
    assert_scope_needed(f"{V1}/trading/", user=user, scope="trade", method="put", data={"max_daily_trades": 1})
    client.put(f"{V1}/trading/", {"max_daily_trades": 5})

    stranger = api_client(make_user())
    assert stranger.get(f"{V1}/trading/").json()["max_daily_trades"] == 50
    assert stranger.get(f"{V1}/history/").json()["results"] == []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_WORDS = st.sampled_from(
    ["", "trading", "risk", "notifications", "strategy", "reset", "rollback", "preview", "history"]
)
_FIELDS = st.sampled_from(
    [
        "max_daily_trades",
        "max_leverage",
        "preferred_order_types",
        "add",
        "update",
        "remove",
        "version",
        "category",
        "values",
        "event_type",
        "conditions",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    word=_WORDS,
    method=st.sampled_from(["get", "put", "patch", "post", "delete"]),
    body=st.dictionaries(_FIELDS | st.text(max_size=5), _VALUES, max_size=4),
)
def test_no_generated_request_is_a_server_fault(client: Any, user: Any, word: str, method: str, body: Any) -> None:
    url = f"{V1}/{word}/" if word else f"{V1}/"
    response = client.generic(method.upper(), url, json.dumps(body), content_type="application/json")

    assert response.status_code < 500
    if response.status_code >= 400:
        assert_problem(response, response.status_code)
    selectors.current(user.pk)
