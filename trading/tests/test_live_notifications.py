"""Notification preferences changed through the API while a strategy runs: what it does next is told by them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from core.testing import changes
from notifications.models import Notification, RoutingDecision
from notifications.services import releasing, sweeping
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import FALLING, RISING, play, put, running

pytestmark = pytest.mark.django_db

FILLED = "ORDER_FILLED"


@pytest.fixture
def api() -> ApiScene:
    api = make_api_scene(RISING)
    running(api)
    play(api, 2)
    route()  # the strategy's own first fill
    return api


def entry(api: ApiScene, kind: str = FILLED, **values: Any) -> None:
    put(api, "notifications", update={"event_type": kind, **values})


def fill(api: ApiScene, quantity: str) -> list[Notification]:
    """Have an order filled by the strategy's market; return what was stored of the fill, oldest first."""
    before = set(Notification.objects.values_list("pk", flat=True))
    api.place(quantity=quantity)
    play(api)
    route()
    return list(Notification.objects.filter(type=FILLED).exclude(pk__in=before).order_by("seq"))


def route() -> None:
    """Tell what happened, as the sweep does a moment later."""
    sweeping.route_undecided(at=timezone.now() + timedelta(seconds=3))


def outcome(name: str = "order.filled") -> str:
    event = OutboxEvent.objects.filter(name=name).latest("seq")
    return RoutingDecision.objects.get(event_id=event.event_id).outcome


@changes("notifications.enabled")
def test_a_type_that_is_switched_off_is_not_told_any_more(api: ApiScene) -> None:
    assert len(fill(api, "3")) == 1

    entry(api, enabled=False)

    assert fill(api, "4") == [] and outcome() == "disabled"
    entry(api, enabled=True)
    assert len(fill(api, "5")) == 1


@changes("notifications.conditions")
def test_conditions_choose_among_the_next_fills(api: ApiScene) -> None:
    entry(api, conditions={"quantity": {"min": 5}})

    assert fill(api, "4") == [] and outcome() == "conditions"
    assert len(fill(api, "5")) == 1


@changes("notifications.priority")
def test_the_priority_is_that_of_the_preferences(api: ApiScene) -> None:
    entry(api, priority="HIGH")

    assert [each.priority for each in fill(api, "3")] == ["HIGH"]


@changes("notifications.throttle_minutes")
def test_a_throttle_holds_the_next_fills_of_the_same_subject(api: ApiScene) -> None:
    entry(api, throttle_minutes=60)

    first, second = fill(api, "3"), fill(api, "4")

    assert [each.shown_at is not None for each in first] == [True]
    assert all(each.shown_at is None for each in second) and outcome() == "throttled"


@changes("notifications.channels")
def test_the_next_fill_goes_by_the_channels_that_are_wanted_and_says_which_are_not_set_up(api: ApiScene) -> None:
    assert routes(fill(api, "3")) == "Goes to the application."

    entry(api, channels=["EMAIL", "IN_APP"])

    assert routes(fill(api, "4")) == "Goes to the application. Not set up on this server: e-mail."


@changes("notifications.contacts")
def test_the_next_fill_knows_of_a_contact_point_that_was_given_and_of_one_that_was_taken_away(api: ApiScene) -> None:
    entry(api, channels=["SMS", "IN_APP"])
    lacking = "Goes to the application. Not set up on this server: SMS."

    assert routes(fill(api, "3")) == f"{lacking} You gave no contact point for SMS."
    put(api, "notifications", contacts={"phone": "+12125550100"})
    assert routes(fill(api, "4")) == lacking
    put(api, "notifications", contacts={"phone": ""})
    assert routes(fill(api, "5")) == f"{lacking} You gave no contact point for SMS."


def routes(told: list[Notification]) -> str:
    (row,) = told
    assert [each.channel for each in row.deliveries.all()] == ["IN_APP"]
    return RoutingDecision.objects.get(notification=row).checks[-1]["answer"]


@changes("notifications.quiet_hours")
def test_quiet_hours_hold_what_is_not_critical(api: ApiScene) -> None:
    now = datetime.now(UTC)
    start, end = (time((now.hour + n) % 24) for n in (-1, 2))

    put(api, "notifications", quiet_hours={"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timezone": "UTC"})

    assert [each.shown_at for each in fill(api, "3")] == [None] and outcome() == "held"
    put(api, "notifications", quiet_hours=None)
    assert [each.shown_at is not None for each in fill(api, "4")] == [True]


@changes("notifications.digest")
def test_what_a_throttle_holds_is_told_at_the_time_of_digests(api: ApiScene) -> None:
    entry(api, throttle_minutes=1)
    fill(api, "3")
    assert all(each.shown_at is None for each in fill(api, "4"))
    soon = timezone.now() + timedelta(minutes=2)
    far = soon + timedelta(hours=3)

    put(api, "notifications", digest={"at": f"{far:%H:%M}", "timezone": "UTC"})
    assert releasing.send_digests(at=soon) == 0

    put(api, "notifications", digest=None)
    releasing.ask_again(api.scene.user.pk, at=soon)  # what the fact of the change wakes
    assert releasing.send_digests(at=soon) == 1
    assert Notification.objects.filter(event_name="notification.digest").count() == 1


@changes("performance.loss_alert_percent")
def test_a_loss_is_large_from_the_preferred_share_of_equity_on() -> None:
    api = make_api_scene(FALLING)
    put(api, "performance", loss_alert_percent=50)
    running(api)
    _lose(api, n=1)
    assert not Notification.objects.filter(type="LARGE_LOSS").exists()

    put(api, "performance", loss_alert_percent=0.01)
    _lose(api, n=2)

    told = Notification.objects.filter(type="LARGE_LOSS", title__startswith="Lost ")
    assert told.count() == 1 and api.scene.symbol in told.get().title


def _lose(api: ApiScene, n: int) -> None:
    """Play until the strategy has been stopped out n times, and tell it."""
    while OutboxEvent.objects.filter(name="position.closed").count() < n:
        play(api)
    route()
