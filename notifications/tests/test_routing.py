"""From a fact to a stored, shown notification: once, with every answer kept."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from core.bus import publish
from core.models import OutboxEvent
from core.testing import in_threads, make_user
from domain import events
from domain.notices import Channel
from notifications import selectors, tasks
from notifications.models import Delivery, Mute, Notification, RoutingDecision
from notifications.services.reading import mute
from notifications.services.routing import recipients, route_event
from notifications.tests.facts import NOON, example, stored
from preferences.definitions import Category
from preferences.services import change
from realtime import push

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user()


def prefer(user: Any, kind: str, **values: Any) -> None:
    change(user, Category.NOTIFICATIONS, {"update": {"event_type": kind, **values}})


def outcome_of(event: OutboxEvent, user: Any) -> str:
    return RoutingDecision.objects.get(event_id=event.event_id, user=user).outcome


def test_a_fill_is_stored_shown_numbered_and_delivered_in_the_application(user: Any) -> None:
    first, second = stored(events.OrderFilled, user), stored(events.OrderFilled, user)

    for event in (first, second):
        route_event(event, at=NOON)

    rows = list(selectors.shown(user).order_by("seq"))
    assert [row.seq for row in rows] == [1, 2]
    assert rows[0].title == "Bought 1,250 AAPL" and rows[0].shown_at == NOON
    delivery = rows[0].deliveries.get()
    assert (delivery.channel, delivery.state, delivery.delivered_at) == ("IN_APP", "delivered", NOON)
    assert selectors.unread_count(user) == 2


def test_a_fact_that_comes_again_is_told_once(user: Any) -> None:
    event = stored(events.OrderFilled, user)

    told = [len(route_event(event, at=NOON + timedelta(minutes=n))) for n in range(3)]

    assert told == [1, 0, 0]
    assert Notification.objects.count() == RoutingDecision.objects.count() == 1


def test_every_check_is_kept_also_of_what_was_not_sent(user: Any) -> None:
    prefer(user, "ORDER_FILLED", enabled=False)
    event = stored(events.OrderFilled, user)

    assert route_event(event, at=NOON) == []

    (decision,) = selectors.why(user, event.event_id)
    assert decision.outcome == "disabled" and decision.preferences_version == 1
    assert decision.checks[-1] == {
        "type": "ORDER_FILLED",
        "check": "enabled",
        "answer": "Order filled is switched off.",
        "stopped": True,
        "until": None,
    }


def test_what_is_not_worth_telling_leaves_a_decision_too(user: Any) -> None:
    event = stored(events.SignalSettled, user, outcome="executed")

    route_event(event, at=NOON)

    assert outcome_of(event, user) == "nothing_to_tell"


@pytest.mark.parametrize(
    ("equity", "kind"),
    [(Decimal(50000), "LARGE_LOSS"), (Decimal(100000), "POSITION_UPDATE"), (None, "POSITION_UPDATE")],
)
def test_a_loss_is_large_from_the_users_share_of_the_equity_on(user: Any, equity: Decimal | None, kind: str) -> None:
    (row,) = route_event(stored(events.PositionClosed, user, equity=equity), at=NOON)

    assert row.type == kind


@pytest.mark.parametrize(("minimum", "kind"), [(1000, "LARGE_LOSS"), (2000, "POSITION_UPDATE")])
def test_the_users_own_conditions_say_what_a_large_loss_is(user: Any, minimum: int, kind: str) -> None:
    prefer(user, "LARGE_LOSS", conditions={"loss_amount": {"min": minimum}}, channels=["EMAIL", "SMS"])
    event = stored(events.PositionClosed, user, equity=None)

    (row,) = route_event(event, at=NOON)

    assert row.type == kind
    asked = [(check["type"], check["check"]) for check in RoutingDecision.objects.get().checks]
    assert asked[:2] == [("LARGE_LOSS", "enabled"), ("LARGE_LOSS", "conditions")]


def test_a_channel_without_transport_has_no_delivery(user: Any) -> None:
    prefer(user, "ORDER_FILLED", channels=["EMAIL", "IN_APP"])

    route_event(stored(events.OrderFilled, user), at=NOON)

    assert [row.channel for row in Delivery.objects.all()] == [Channel.IN_APP]
    assert "Not set up on this server: e-mail." in RoutingDecision.objects.get().checks[-1]["answer"]


def test_a_mute_of_a_subject_stops_that_subject_alone(user: Any) -> None:
    mute(user, "ORDER_FILLED", subject="AAPL", until=NOON + timedelta(hours=1), at=NOON)
    muted, other = stored(events.OrderFilled, user), stored(events.OrderFilled, user, symbol="IBM")

    for event in (muted, other):
        route_event(event, at=NOON)

    assert (outcome_of(muted, user), outcome_of(other, user)) == ("muted", "sent")
    assert Mute.objects.count() == 1


def test_a_fact_of_one_user_is_told_to_nobody_else(user: Any) -> None:
    make_user()

    assert recipients(stored(events.OrderFilled, user)) == [user.pk]


def test_a_platform_wide_kill_switch_is_told_to_everybody_active(user: Any) -> None:
    other, gone = make_user(), make_user(is_active=False)

    rows = route_event(stored(events.KillSwitchEngaged, scope="platform"), at=NOON)

    assert {row.user_id for row in rows} == {user.pk, other.pk}
    assert gone.pk not in {row.user_id for row in rows}
    assert {row.priority for row in rows} == {"CRITICAL"}


def test_a_fact_without_user_that_concerns_nobody_is_told_to_nobody(user: Any) -> None:
    assert route_event(stored(events.OrderFilled), at=NOON) == []


def test_equal_events_group_into_one_incident_until_it_is_acknowledged(user: Any) -> None:
    order = uuid4()
    rows = [
        route_event(stored(cls, user, order_id=order), at=NOON)[0]
        for cls in (events.OrderUnresolved, events.OrderResolved)
    ]
    other = route_event(stored(events.OrderUnresolved, user), at=NOON)[0]

    assert rows[0].incident == rows[1].incident == rows[0].pk
    assert other.incident == other.pk


def test_a_fact_without_fitting_words_is_told_plainly_rather_than_lost(user: Any) -> None:
    event = stored(events.RiskRuleBreached, user)
    event.payload = None  # a row that nobody can read

    (row,) = route_event(event, at=NOON)

    assert row.title == "Risk rule breached"


@pytest.mark.django_db(transaction=True)
def test_a_fill_reaches_the_browser_after_the_commit_with_the_unread_count(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str, Any]] = []
    monkeypatch.setattr(push, "send", lambda topic, type, data: sent.append((topic, type, data)))

    (row,) = route_event(stored(events.OrderFilled, user), at=NOON)

    (topic, kind, data) = sent[0]
    assert (topic, kind) == (f"user-{user.pk}", "notification.created")
    assert data["id"] == row.pk and data["unread"] == 1 and data["title"] == row.title


@pytest.mark.django_db(transaction=True)
def test_a_push_that_fails_loses_nothing(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no Redis")

    monkeypatch.setattr(push, "send", broken)

    route_event(stored(events.OrderFilled, user), at=NOON)

    assert selectors.unread_count(user) == 1


@pytest.mark.django_db(transaction=True)
def test_publishing_a_fact_wakes_the_task_that_tells_it(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(tasks.route_fact, "apply_async", lambda args, **_: woken.append(args))

    event = stored(events.OrderFilled, user)

    assert woken == [(str(event.event_id),)]
    assert tasks.route_fact(str(event.event_id)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_never_reaches_the_publisher(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("broker down")

    monkeypatch.setattr(tasks.route_fact, "apply_async", refuse)

    event = stored(events.OrderFilled, user)

    assert OutboxEvent.objects.get(pk=event.pk).delivered_at is not None


@pytest.mark.django_db(transaction=True)
def test_ten_threads_that_get_the_same_fact_tell_it_once(user: Any) -> None:
    event = stored(events.OrderFilled, user)

    results = in_threads(10, lambda _: len(route_event(event, at=NOON)))

    assert sorted(results) == [0] * 9 + [1]
    assert list(Notification.objects.values_list("seq", flat=True)) == [1]


@pytest.mark.django_db(transaction=True)
def test_threads_with_different_facts_number_without_gaps(user: Any) -> None:
    rows = [stored(events.OrderFilled, user) for _ in range(24)]

    results = in_threads(6, lambda n: [route_event(row, at=NOON) for row in rows[n::6]])

    assert not [each for each in results if isinstance(each, Exception)]
    assert sorted(Notification.objects.values_list("seq", flat=True)) == list(range(1, 25))


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_fact_is_never_told(user: Any) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        publish(example(events.OrderFilled, user_id=user.pk))
        raise RuntimeError("rolled back")

    assert selectors.undecided(before=NOON + timedelta(days=3650), limit=10) == []
