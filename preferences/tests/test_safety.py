"""Critical changes, temporary values, subsystems, operator defaults, export: what must never slip through."""

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import OutboxEvent
from core.testing import PASSWORD, api_client, assert_problem, make_user
from notifications.services.routing import route_event
from preferences import selectors, services, subsystems, suggesting, tasks
from preferences.critical import loosenings
from preferences.defaults import defaults_of
from preferences.definitions import Category
from preferences.models import PreferenceHead, PreferenceVersion, Suggestion
from preferences.registry import Preferences
from preferences.subsystems import Step, Subsystem
from preferences.suggesting import Finding
from users import reauthentication

pytestmark = pytest.mark.django_db
V1 = "/api/v1/preferences"
RISK = f"{V1}/risk/"


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def client(user: Any) -> Any:
    return api_client(user)


# --- critical ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "is_critical"),
    [
        ({"max_position_size_percent": 7.5}, False),
        ({"max_position_size_percent": 7.6}, True),
        ({"max_position_size_percent": 0.01}, False),
        ({"max_leverage": 1.5}, False),
        ({"max_leverage": 3.1}, True),
        ({"stop_loss_percent": 0}, True),
        ({"stop_loss_percent": 3}, False),
        ({"max_correlation": 0.9}, False),
        ({"max_correlation": 0.96}, True),
        ({"take_profit_percent": 60}, False),
        ({"max_drawdown_percent": 31}, True),
    ],
)
def test_a_limit_loosened_by_more_than_half_or_past_its_ceiling_needs_a_word(
    client: Any, values: dict[str, Any], is_critical: bool
) -> None:
    first = client.put(RISK, values)

    if not is_critical:
        assert first.status_code == 200, first.content
        assert not PreferenceVersion.objects.filter(is_critical=True).exists()
        return
    assert_problem(first, 400, field="confirm", code="confirmation_needed")
    assert not PreferenceVersion.objects.exists()
    assert client.put(RISK, {**values, "confirm": True, "reason": "a test"}).status_code == 200
    row = PreferenceVersion.objects.get()
    assert row.is_critical and row.reason == "a test"


def test_the_ceiling_is_asked_about_even_for_a_small_step(client: Any) -> None:
    assert client.put(RISK, {"max_position_size_percent": 24, "confirm": True}).status_code == 200
    assert_problem(client.put(RISK, {"max_position_size_percent": 26}), 400, field="confirm")
    assert client.put(RISK, {"max_position_size_percent": 1}).status_code == 200


def test_a_token_without_admin_may_tighten_and_not_loosen(user: Any) -> None:
    trader = api_client(user, scopes=("read", "trade"))

    assert trader.put(RISK, {"max_leverage": 0.5}).status_code == 200
    assert_problem(trader.put(RISK, {"max_leverage": 2, "confirm": True}), 403, code="missing_scope")
    assert selectors.current(user.pk).risk_management.max_leverage == Decimal("0.5")


def test_a_browser_gives_the_password_again_and_it_counts_for_five_minutes(user: Any) -> None:
    browser = APIClient(raise_request_exception=False)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    body = {"max_leverage": 2, "confirm": True}

    assert_problem(browser.put(RISK, body), 403, code="reauthentication_needed")
    _remember(browser, timezone.now() - timedelta(minutes=6))
    assert_problem(browser.put(RISK, body), 403, code="reauthentication_needed")
    _remember(browser, timezone.now() - timedelta(minutes=4))
    assert browser.put(RISK, body).status_code == 200


def _remember(browser: Any, at: Any) -> None:
    session = browser.session
    session["password_given_at"] = at.timestamp()
    session.save()


def test_only_the_right_password_is_remembered(user: Any, rf: Any) -> None:
    request = rf.post("/")
    request.user, request.session = user, {}
    now = timezone.now()

    assert not reauthentication.confirm(request, "not it", at=now) and not reauthentication.is_fresh(request, at=now)
    assert reauthentication.confirm(request, PASSWORD, at=now) and reauthentication.is_fresh(request, at=now)
    assert not reauthentication.is_fresh(request, at=now - timedelta(seconds=1))


def test_a_critical_change_raises_a_security_alert_and_a_tightening_does_not(user: Any, client: Any) -> None:
    client.put(RISK, {"max_leverage": 2, "confirm": True})
    client.put(RISK, {"max_leverage": 0.5})

    told = [route_event(event, at=timezone.now()) for event in OutboxEvent.objects.order_by("seq")]

    assert [[row.type for row in rows] for rows in told] == [["SECURITY_ALERT"], []]


def test_what_held_once_comes_back_without_a_word_up_to_the_ceiling(user: Any, client: Any) -> None:
    client.put(RISK, {"max_leverage": 0.1})
    assert client.post(f"{V1}/rollback/", {"version": 0}).status_code == 200
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(10)}, confirmed=True)
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(1)})

    assert_problem(client.post(f"{V1}/rollback/", {"version": 3}), 400, field="confirm")
    assert (
        client.post(f"{V1}/rollback/", {"version": 3, "confirm": True}).json()["risk_management"]["max_leverage"] == 10
    )
    assert client.post(f"{V1}/reset/", {}).status_code == 200


def test_no_tightening_is_ever_critical() -> None:
    loose = Preferences()
    strict = dataclasses.replace(
        loose, risk_management=dataclasses.replace(loose.risk_management, stop_loss_percent=Decimal(1))
    )

    assert loosenings(loose, strict) == () and len(loosenings(strict, loose)) == 1


# --- temporary values ----------------------------------------------------------------------------------------------


def test_a_temporary_value_ends_by_itself_even_when_nobody_puts_it_away(
    user: Any, client: Any, monkeypatch: Any
) -> None:
    until = timezone.now() + timedelta(hours=1)
    answer = client.put(RISK, {"max_leverage": 0.5, "expires_at": until.isoformat()})

    assert answer.status_code == 200, answer.content
    assert answer.json()["max_leverage"] == 0.5
    assert [each["field"] for each in answer.json()["overrides"]] == ["max_leverage"]
    assert selectors.current(user.pk).risk_management.max_leverage == Decimal("0.5")

    monkeypatch.setattr(timezone, "now", lambda: until)

    assert selectors.current(user.pk).risk_management.max_leverage == 1
    assert selectors.current_in_transaction(user.pk).overrides == ()
    assert "overrides" not in client.get(RISK).json()


def test_an_expired_value_is_put_away_as_a_version_and_told(user: Any, client: Any, monkeypatch: Any) -> None:
    until = timezone.now() + timedelta(hours=1)
    client.put(RISK, {"max_leverage": 0.5, "expires_at": until.isoformat()})
    assert tasks.expire() == 0

    monkeypatch.setattr(timezone, "now", lambda: until + timedelta(seconds=1))
    assert tasks.expire() == 1
    assert tasks.expire() == 0

    newest = PreferenceVersion.objects.get(version=2)
    assert newest.changed == {"risk_management.max_leverage": {"old": "0.5", "new": "1"}}
    assert newest.reason == "temporary values expired" and newest.overrides == {} and not newest.is_critical
    assert OutboxEvent.objects.filter(name="preference.changed").count() == 2
    assert PreferenceHead.objects.get(user=user).next_expiry_at is None


def test_a_lasting_change_takes_the_place_of_a_temporary_one_of_the_same_field(user: Any, client: Any) -> None:
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    client.put(RISK, {"max_leverage": 0.5, "max_drawdown_percent": 5, "expires_at": until})
    client.put(RISK, {"max_leverage": 0.7})

    now = selectors.current(user.pk)
    assert (now.risk_management.max_leverage, now.risk_management.max_drawdown_percent) == (Decimal("0.7"), 5)
    assert [each.field for each in now.overrides] == ["max_drawdown_percent"]
    assert selectors.version_of(user.pk, 2).risk_management.max_drawdown_percent == 10


@pytest.mark.parametrize("hours", [-1, 0, 24 * 31])
def test_a_temporary_value_ends_within_thirty_days(client: Any, hours: int) -> None:
    until = (timezone.now() + timedelta(hours=hours)).isoformat()

    assert_problem(client.put(RISK, {"max_leverage": 0.5, "expires_at": until}), 400, field="expires_at")
    assert_problem(
        client.put(RISK, {"max_leverage": 0.5, "expires_at": "2030-01-01T00:00:00"}), 400, field="expires_at"
    )


def test_a_temporary_loosening_is_as_critical_as_a_lasting_one(client: Any) -> None:
    until = (timezone.now() + timedelta(hours=1)).isoformat()

    assert_problem(client.put(RISK, {"max_leverage": 5, "expires_at": until}), 400, field="confirm")


# --- subsystems ----------------------------------------------------------------------------------------------------


def test_every_subsystem_that_a_change_concerns_is_in_the_history(client: Any) -> None:
    client.put(f"{V1}/trading/", {"max_daily_trades": 5})

    said = client.get(f"{V1}/history/").json()["results"][0]["acknowledgements"]

    assert [each["subsystem"] for each in said] == ["risk_engine", "strategy_manager", "order_executor"]
    assert all(each["message"] for each in said)


def test_a_subsystem_that_fails_leaves_no_mixed_state(user: Any, client: Any, monkeypatch: Any) -> None:
    def broken(step: Step) -> str:
        raise RuntimeError("no memory")

    table = dict(subsystems.subsystems())
    table["order_executor"] = Subsystem(categories=frozenset({Category.TRADING}), acknowledge=broken)
    monkeypatch.setattr(subsystems, "subsystems", lambda: table)

    problem = assert_problem(client.put(f"{V1}/trading/", {"max_daily_trades": 5}), 409, code="not_applied")

    assert "order executor" in problem["detail"] and "nothing was changed" in problem["detail"]
    assert selectors.current(user.pk).version == 0 and not PreferenceVersion.objects.exists()
    told = OutboxEvent.objects.get()
    assert (told.name, told.payload["subsystem"]) == ("preference.change_failed", "order_executor")
    assert route_event(told, at=timezone.now())[0].type == "SYSTEM_ALERT"


# --- defaults, export, quiet hours, suggestions --------------------------------------------------------------------


def test_the_operator_sets_defaults_and_a_misread_one_stops_the_start() -> None:
    found = defaults_of({"risk_management": {"max_leverage": "0.5"}})

    assert found.risk_management.max_leverage == Decimal("0.5") and found.trading == Preferences().trading
    for bad in ({"risk_management": {"max_leverage": "50"}}, {"risk": {}}, {"trading": {"typo": 1}}, {"trading": 5}):
        with pytest.raises(ValueError, match="PREFERENCE_DEFAULTS"):
            defaults_of(bad)


def test_an_export_comes_back_byte_for_byte(user: Any, client: Any) -> None:
    client.put(RISK, {"max_leverage": 0.5})
    client.put(f"{V1}/notifications/", {"quiet_hours": {"start": "22:00", "end": "07:00", "timezone": "Europe/Paris"}})
    exported = client.get(f"{V1}/export/").json()
    client.post(f"{V1}/reset/", {})

    assert client.post(f"{V1}/import/", exported).status_code == 200

    assert PreferenceVersion.objects.get(version=4).values == PreferenceVersion.objects.get(version=2).values
    exported["values"]["risk_management"]["max_leverage"] = "NaN"
    assert_problem(client.post(f"{V1}/import/", exported), 400, field="values")


@pytest.mark.parametrize(
    ("quiet", "field"),
    [
        ({"start": "25:00", "end": "07:00", "timezone": "UTC"}, "quiet_hours.start"),
        ({"start": "22:00", "end": "7", "timezone": "UTC"}, "quiet_hours.end"),
        ({"start": "22:00", "end": "22:00", "timezone": "UTC"}, "quiet_hours.end"),
        ({"start": "22:00", "end": "07:00", "timezone": "../etc"}, "quiet_hours.timezone"),
    ],
)
def test_quiet_hours_that_are_none_are_refused(client: Any, quiet: dict[str, str], field: str) -> None:
    assert_problem(client.put(f"{V1}/notifications/", {"quiet_hours": quiet}), 400, field=field)
    assert not PreferenceVersion.objects.exists()


def test_quiet_hours_hold_a_message_and_are_taken_away_again(user: Any, client: Any) -> None:
    now = timezone.now()
    around = {
        "start": f"{now - timedelta(hours=1):%H:%M}",
        "end": f"{now + timedelta(hours=1):%H:%M}",
        "timezone": "UTC",
    }

    set_to = client.put(f"{V1}/notifications/", {"quiet_hours": around})
    assert set_to.status_code == 200 and set_to.json()["quiet_hours"] == around
    client.put(RISK, {"max_leverage": 2, "confirm": True})
    alert = OutboxEvent.objects.filter(payload__critical=True).get()
    assert [row.seq for row in route_event(alert, at=now)] == [None]

    assert client.put(f"{V1}/notifications/", {"quiet_hours": None}).json()["quiet_hours"] is None
    assert selectors.current(user.pk).notifications.quiet_hours is None


def _finding(**changes: Any) -> Finding:
    given = {
        "key": "trading.min_confidence_threshold",
        "category": "trading",
        "field": "min_confidence_threshold",
        "present": "0.7",
        "value": "0.8",
        "title": "Trade from 0.8 on",
        "evidence": {"trades": 40, "interval_percent": [-2, -1]},
    }
    return Finding(**{**given, **changes})


def test_a_suggestion_changes_nothing_until_it_is_accepted(user: Any, client: Any) -> None:
    suggesting.propose(user.pk, _finding())
    shown = client.get(f"{V1}/suggestions/").json()["results"]

    assert len(shown) == 1 and shown[0]["evidence"]["trades"] == 40
    assert selectors.current(user.pk).version == 0
    accepted = client.post(f"{V1}/suggestions/{shown[0]['id']}/accept/", {})
    assert accepted.json()["state"] == "accepted" and accepted.json()["decided_version"] == 1
    assert selectors.current(user.pk).trading.min_confidence_threshold == Decimal("0.8")
    assert_problem(client.post(f"{V1}/suggestions/{shown[0]['id']}/dismiss/", {}), 409)


def test_a_dismissed_suggestion_is_not_made_again_and_a_stranger_sees_none(user: Any, client: Any) -> None:
    row = suggesting.propose(user.pk, _finding())
    stranger = api_client(make_user())
    assert_problem(stranger.post(f"{V1}/suggestions/{row.pk}/accept/", {}), 404)

    assert client.post(f"{V1}/suggestions/{row.pk}/dismiss/", {}).json()["state"] == "dismissed"

    assert suggesting.propose(user.pk, _finding()) is None
    assert suggesting.propose(user.pk, _finding(value="0.85")) is not None
    client.put(f"{V1}/strategy/", {"suggestions_enabled": False})
    assert client.get(f"{V1}/suggestions/").json()["results"] == []
    assert Suggestion.objects.for_user(user).count() == 2
