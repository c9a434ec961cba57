"""What time and crashes leave behind: missed facts, held messages, snoozes; each is told once in the end."""

import multiprocessing
import os
import signal
from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from core.models import OutboxEvent
from core.outbox import sweep as sweep_outbox
from core.testing import make_user
from domain import events
from domain.notices import Channel
from notifications import policy, selectors, tasks
from notifications.models import Delivery, Notification, RoutingDecision, SweepCursor
from notifications.quiet import QuietHours
from notifications.services import reading, releasing, routing
from notifications.services.releasing import end_snoozes, release_held
from notifications.services.routing import route_event
from notifications.services.sweeping import LATEST_COMMIT, route_undecided
from notifications.tests.facts import NOON, stored
from notifications.tests.test_routing import prefer
from notifications.wishes import Wishes, wishes_from
from preferences.definitions import Category
from preferences.selectors import current
from preferences.services import change

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user()


def later(**delta: float) -> Any:
    return timezone.now() + timedelta(**delta)


def test_a_fact_whose_wake_up_was_lost_is_told_by_the_sweep(user: Any) -> None:
    stored(events.OrderFilled, user)

    assert route_undecided(at=timezone.now()) == 0  # the wake-up gets two seconds first
    assert route_undecided(at=later(seconds=3)) == 1
    assert route_undecided(at=later(seconds=6)) == 0
    assert selectors.unread_count(user) == 1


def test_the_cursor_never_passes_a_fact_that_may_still_be_committed(user: Any) -> None:
    stored(events.OrderFilled, user)
    at = later(seconds=3)

    route_undecided(at=at)
    assert not SweepCursor.objects.filter(seq__gt=0).exists()

    route_undecided(at=at + LATEST_COMMIT)
    assert SweepCursor.objects.get().seq == OutboxEvent.objects.get().seq


def test_a_fact_that_fails_stops_neither_the_next_nor_is_it_forgotten(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = stored(events.OrderFilled, user), stored(events.OrderFilled, user)
    real = routing.choose

    def choose(*args: Any, **kwargs: Any) -> Any:
        if not Notification.objects.filter(event_id=good.event_id).exists() and not seen:
            seen.append(1)
            raise RuntimeError("the database is gone")
        return real(*args, **kwargs)

    seen: list[int] = []
    monkeypatch.setattr(routing, "choose", choose)
    at = later(seconds=3) + LATEST_COMMIT

    assert route_undecided(at=at) == 2
    assert list(Notification.objects.values_list("event_id", flat=True)) == [good.event_id]
    assert SweepCursor.objects.get_or_create(pk=1)[0].seq < bad.seq
    assert route_undecided(at=at) == 1
    assert Notification.objects.count() == 2


def test_what_a_full_channel_holds_is_shown_a_minute_later(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy.RATE_LIMITS, Channel.IN_APP, 2)
    for _ in range(3):
        route_event(stored(events.OrderFilled, user), at=NOON)

    assert selectors.shown(user).count() == 2
    assert release_held(at=NOON + timedelta(seconds=59)) == 0
    assert release_held(at=NOON + timedelta(seconds=61)) == 1
    assert release_held(at=NOON + timedelta(seconds=62)) == 0
    assert sorted(selectors.shown(user).values_list("seq", flat=True)) == [1, 2, 3]
    held = RoutingDecision.objects.filter(notification=selectors.latest(user)[0]).order_by("round")
    assert [(row.round, row.outcome) for row in held] == [(0, "held"), (1, "sent")]


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> QuietHours:
    """Quiet from 11:00 to 13:00 UTC for everybody."""
    quiet = QuietHours(time(11), time(13), "UTC")

    def wishes(user_id: Any) -> Wishes:
        found = wishes_from(current(user_id))
        return Wishes(version=found.version, entries=found.entries, quiet=quiet)

    monkeypatch.setattr(routing, "wishes_of", wishes)
    monkeypatch.setattr(releasing, "wishes_of", wishes)
    return quiet


def test_quiet_hours_hold_and_then_show(user: Any, night: QuietHours) -> None:
    route_event(stored(events.OrderFilled, user), at=NOON)

    assert selectors.shown(user).count() == selectors.unread_count(user) == 0
    assert Delivery.objects.get().state == "held"
    assert release_held(at=NOON + timedelta(minutes=59)) == 0
    assert release_held(at=NOON + timedelta(hours=1)) == 1
    assert selectors.shown(user).get().shown_at == NOON + timedelta(hours=1)


def test_critical_passes_quiet_hours(user: Any, night: QuietHours) -> None:
    route_event(stored(events.OrderUnresolved, user), at=NOON)

    assert selectors.shown(user).get().priority == "CRITICAL"


def test_what_is_released_together_is_throttled_and_comes_as_one_digest(user: Any, night: QuietHours) -> None:
    prefer(user, "ORDER_FILLED", throttle_minutes=15)
    for _ in range(5):
        route_event(stored(events.OrderFilled, user), at=NOON)
    morning = NOON + timedelta(hours=1)

    assert release_held(at=morning) == 1
    assert Delivery.objects.filter(state="folded").count() == 4
    assert releasing.send_digests(at=morning + timedelta(minutes=15)) == 1
    assert [row.n_suppressed for row in selectors.latest(user)] == [4, 0]


def test_new_quiet_hours_are_asked_at_once(user: Any, night: QuietHours, monkeypatch: pytest.MonkeyPatch) -> None:
    route_event(stored(events.OrderFilled, user), at=NOON)
    monkeypatch.setattr(releasing, "wishes_of", lambda user_id: wishes_from(current(user_id)))

    releasing.ask_again(user.pk, at=NOON)

    assert release_held(at=NOON) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("category", "is_woken"), [(Category.NOTIFICATIONS, True), (Category.TRADING, False)])
def test_changed_notification_preferences_wake_the_question(
    user: Any, category: Category, is_woken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Any] = []
    monkeypatch.setattr(tasks.ask_again, "apply_async", lambda args, **_: woken.append(args))
    values = {"update": {"event_type": "ORDER_FILLED", "throttle_minutes": 5}}

    change(user, category, values if is_woken else {"max_daily_trades": 7})

    assert woken == ([(str(user.pk),)] if is_woken else [])
    assert tasks.ask_again(str(user.pk)) == 0


def test_a_snoozed_notification_comes_back_unread(user: Any) -> None:
    (row,) = route_event(stored(events.OrderFilled, user), at=NOON)
    now = timezone.now()
    reading.snooze(user, row.pk, until=now + timedelta(hours=1), at=now)

    assert selectors.unread_count(user) == 0
    assert selectors.unread(user, at=now + timedelta(hours=1)).count() == 1
    assert end_snoozes(at=now + timedelta(hours=1)) == 1
    assert selectors.unread_count(user) == 1


def test_the_sweep_task_does_all_of_it(user: Any) -> None:
    event = stored(events.OrderFilled, user)
    OutboxEvent.objects.filter(pk=event.pk).update(created_at=later(seconds=-30))

    assert tasks.sweep() == 1
    assert selectors.unread_count(user) == 1


def _publish_and_tell(user: Any, point: str) -> None:
    os.environ["FAULT_POINT"] = point
    event = stored(events.OrderFilled, user)
    tasks.route_fact(str(event.event_id))


@pytest.mark.parametrize("point", ["outbox.before_delivery", "outbox.after_delivery", "notifications.after_store"])
@pytest.mark.django_db(transaction=True)
def test_a_process_killed_at_any_moment_has_told_once_in_the_end(point: str) -> None:
    user = make_user()
    connections.close_all()
    process = multiprocessing.get_context("fork").Process(target=_publish_and_tell, args=(user, point))

    process.start()
    process.join(timeout=60)

    assert process.exitcode == -signal.SIGKILL
    assert OutboxEvent.objects.filter(name="order.filled").count() == 1
    for seconds in (3, 8):
        route_undecided(at=later(seconds=seconds))
        sweep_outbox(at=later(seconds=seconds + 10))
    assert Notification.objects.count() == selectors.unread_count(user) == 1
