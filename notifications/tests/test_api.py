"""The notifications API: owner only, strict, and what each action changes."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from core.testing import api_client, assert_owner_only, assert_problem, assert_scope_needed, make_user
from domain import events
from notifications.models import Notification
from notifications.services.routing import route_event
from notifications.tests.facts import NOON, stored
from notifications.tests.test_routing import prefer

pytestmark = pytest.mark.django_db
BASE = "/api/v1/notifications/"


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def client(user: Any) -> Any:
    return api_client(user)


def tell(user: Any, cls: Any = events.OrderFilled, **values: Any) -> Notification:
    return route_event(stored(cls, user, **values), at=NOON)[0]


def test_the_list_is_newest_first_and_pages_by_cursor(user: Any, client: Any) -> None:
    rows = [tell(user) for _ in range(5)]
    tell(make_user())

    first = client.get(BASE, {"limit": 3}).json()
    second = client.get(BASE, {"limit": 3, "cursor": first["next"]}).json()

    assert [row["number"] for row in first["results"] + second["results"]] == [5, 4, 3, 2, 1]
    assert second["next"] is None
    assert first["results"][0]["id"] == str(rows[-1].pk)
    assert first["results"][0]["happened_at"] == "2026-03-02T12:00:00Z"


def test_the_list_narrows_by_unread_type_priority_and_incident(user: Any, client: Any) -> None:
    fill, alert = tell(user), tell(user, events.OrderUnresolved)
    client.post(f"{BASE}{fill.pk}/read/")

    def ids(**query: Any) -> list[str]:
        return [row["id"] for row in client.get(BASE, query).json()["results"]]

    assert ids(unread="true") == [str(alert.pk)]
    assert ids(unread="false") == [str(fill.pk)]
    assert ids(type="order_filled") == [str(fill.pk)]
    assert ids(priority="CRITICAL") == [str(alert.pk)]
    assert ids(incident=str(alert.incident)) == [str(alert.pk)]


@pytest.mark.parametrize(
    "query", [{"unread": "maybe"}, {"type": "X"}, {"colour": "red"}, {"limit": "501"}, {"cursor": "x"}]
)
def test_a_query_that_does_not_fit_is_refused(client: Any, query: dict[str, str]) -> None:
    assert_problem(client.get(BASE, query), 400, field=next(iter(query)))


@pytest.mark.parametrize(
    ("path", "method"), [("", "get"), ("deliveries/", "get"), ("read/", "post"), ("acknowledge/", "post")]
)
def test_one_notification_is_its_owners_alone(user: Any, path: str, method: str) -> None:
    row = tell(user)

    assert_owner_only(f"{BASE}{row.pk}/{path}", owner=user, stranger=make_user(), method=method)


def test_marking_as_read_is_safe_to_repeat(user: Any, client: Any) -> None:
    row = tell(user)

    first, second = (client.post(f"{BASE}{row.pk}/read/").json() for _ in range(2))

    assert first["read_at"] is not None and first == second


def test_acknowledging_takes_the_whole_incident_and_is_told(user: Any, client: Any) -> None:
    order = uuid4()
    first, second = tell(user, events.OrderUnresolved, order_id=order), tell(user, events.OrderResolved, order_id=order)
    other = tell(user, events.OrderUnresolved)

    answer = client.post(f"{BASE}{second.pk}/acknowledge/").json()

    first.refresh_from_db()
    other.refresh_from_db()
    assert answer["acknowledged_at"] and first.acknowledged_at and first.read_at and not other.acknowledged_at
    assert OutboxEvent.objects.filter(name="notification.acknowledged").count() == 1
    client.post(f"{BASE}{first.pk}/acknowledge/")
    assert OutboxEvent.objects.filter(name="notification.acknowledged").count() == 1


def test_read_all_counts_what_it_changed(user: Any, client: Any) -> None:
    tell(user)
    tell(user, events.OrderUnresolved)
    kept = tell(make_user())

    assert client.post(f"{BASE}read-all/", {"type": "ORDER_FILLED"}).json() == {"changed": 1}
    assert client.post(f"{BASE}read-all/", {}).json() == {"changed": 1}
    kept.refresh_from_db()
    assert kept.read_at is None


def test_snoozing_puts_away_within_bounds(user: Any, client: Any) -> None:
    url = f"{BASE}{tell(user).pk}/snooze/"

    until = (timezone.now() + timedelta(hours=1)).isoformat()
    assert client.post(url, {"until": until}).status_code == 200
    assert client.get(BASE, {"unread": "true"}).json()["results"] == []
    for bad in (timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(days=31)):
        assert_problem(client.post(url, {"until": bad.isoformat()}), 400, field="until", code="out_of_range")


def test_stats_count_types_priorities_and_outcomes(user: Any, client: Any) -> None:
    prefer(user, "ORDER_CANCELED", enabled=False)
    tell(user)
    alert = tell(user, events.OrderUnresolved)
    route_event(stored(events.OrderCanceled, user), at=timezone.now())

    stats = client.get(f"{BASE}stats/").json()

    assert (stats["total"], stats["unread"], stats["unacknowledged_critical"]) == (2, 2, 1)
    assert stats["by_type"] == {"ORDER_FILLED": 1, "SYSTEM_ALERT": 1}
    assert stats["by_priority"][alert.priority] == 1
    assert stats["last_24_hours"] == {"disabled": 1}


def test_why_explains_what_was_not_sent(user: Any, client: Any) -> None:
    prefer(user, "ORDER_FILLED", conditions={"symbol": {"in": ["IBM"]}})
    event = stored(events.OrderFilled, user)
    route_event(event, at=NOON)

    answer = client.get(f"{BASE}why/", {"event": str(event.event_id)}).json()

    assert answer["answer"] == "Your conditions are not met."
    (decision,) = answer["decisions"]
    assert (decision["outcome"], decision["notification"]) == ("conditions", None)
    assert [check["check"] for check in decision["checks"]] == ["enabled", "conditions"]


def test_why_knows_what_was_not_looked_at_and_hides_what_is_not_yours(user: Any, client: Any) -> None:
    event = stored(events.OrderFilled, user)
    url = f"{BASE}why/?event={event.event_id}"

    assert client.get(url).json()["decisions"] == []
    assert_problem(api_client(make_user()).get(url), 404)
    assert_problem(client.get(f"{BASE}why/?event={uuid4()}"), 404)
    assert_problem(client.get(f"{BASE}why/"), 400, field="event")


def test_a_test_message_goes_to_a_channel_that_exists_and_to_no_other(user: Any, client: Any) -> None:
    answer = client.post(f"{BASE}test/", {"channel": "in_app"})

    assert answer.status_code == 201 and answer.json()["title"] == "This is a test"
    assert_problem(client.post(f"{BASE}test/", {"channel": "EMAIL"}), 409, field="channel", code="channel_unavailable")
    assert Notification.objects.count() == 1


def test_channels_say_what_this_server_has(client: Any) -> None:
    results = client.get(f"{BASE}channels/").json()["results"]

    assert [row["channel"] for row in results if row["available"]] == ["IN_APP"]


def test_mutes_are_made_listed_and_ended(user: Any, client: Any) -> None:
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    made = client.post(f"{BASE}mutes/", {"type": "order_filled", "subject": "AAPL", "until": until})

    assert made.status_code == 201
    assert [row["subject"] for row in client.get(f"{BASE}mutes/").json()["results"]] == ["AAPL"]
    url = f"{BASE}mutes/{made.json()['id']}/"
    assert_problem(api_client(make_user()).delete(url), 404)
    assert client.delete(url).status_code == 204
    assert_problem(client.delete(url), 404)
    assert_problem(client.post(f"{BASE}mutes/", {"type": "SECURITY_ALERT", "until": until}), 400, field="type")


def test_reading_needs_read_and_acting_needs_trade(user: Any) -> None:
    row = tell(user)

    assert_scope_needed(BASE, user=user, scope="read")
    assert_scope_needed(f"{BASE}{row.pk}/read/", user=user, scope="trade", method="post")


@pytest.mark.parametrize("body", [[], {"typ": "X"}, {"type": 5}, "x"])
def test_bodies_that_do_not_fit_change_nothing(user: Any, client: Any, body: Any) -> None:
    row = tell(user)

    assert_problem(client.post(f"{BASE}read-all/", body), 400)
    row.refresh_from_db()
    assert row.read_at is None
