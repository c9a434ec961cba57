"""Throttles are exact in threads and processes: one a window and subject, the rest is counted in the next."""

import multiprocessing
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from core.models import OutboxEvent
from core.testing import in_threads, make_user
from domain import events
from notifications.models import Notification, RoutingDecision, ThrottleWindow
from notifications.services.releasing import send_digests
from notifications.services.routing import route_event
from notifications.tests.facts import NOON, stored
from notifications.tests.test_routing import prefer

SUBJECTS = ("AAPL", "IBM", "MSFT", "GOOG", "META")


@pytest.fixture
def user(transactional_db: None) -> Any:
    user = make_user()
    prefer(user, "ORDER_FILLED", throttle_minutes=15)
    return user


def fill(user: Any, at: datetime, symbol: str = "AAPL") -> list[Notification]:
    return route_event(stored(events.OrderFilled, user, symbol=symbol), at=at)


def test_the_next_after_the_window_says_how_many_were_held_back(user: Any) -> None:
    first = fill(user, NOON)
    held = [fill(user, NOON + timedelta(minutes=n)) for n in (1, 5, 14)]
    other = fill(user, NOON + timedelta(minutes=2), "IBM")
    (second,) = fill(user, NOON + timedelta(minutes=15))
    (third,) = fill(user, NOON + timedelta(minutes=30))

    assert len(first) == len(other) == 1 and held == [[], [], []]
    assert (second.n_suppressed, third.n_suppressed) == (3, 0)


def test_a_window_that_ends_in_silence_sends_one_digest(user: Any) -> None:
    for n in range(4):
        fill(user, NOON + timedelta(minutes=n))

    early = send_digests(at=NOON + timedelta(minutes=14, seconds=59))
    sent = [send_digests(at=NOON + timedelta(minutes=15 + n)) for n in range(3)]

    assert (early, sent) == (0, [1, 0, 0])
    digest = Notification.objects.get(event_name="notification.digest")
    assert digest.title == "3 more: Bought 1,250 AAPL" and digest.n_suppressed == 3
    assert fill(user, NOON + timedelta(minutes=20)) == []  # the digest opened a window of its own


def test_the_throttle_holds_in_threads(user: Any) -> None:
    rows = [stored(events.OrderFilled, user, symbol=SUBJECTS[n % 5]) for n in range(60)]

    results = in_threads(6, lambda n: [route_event(row, at=NOON) for row in rows[n::6]])

    assert not [each for each in results if isinstance(each, Exception)]
    assert_exact(n_events=60)


def _work(rows: list[OutboxEvent]) -> None:
    connections.close_all()
    for row in rows:
        route_event(row, at=NOON)
    connections.close_all()


def test_the_throttle_holds_in_four_processes(user: Any) -> None:
    rows = [stored(events.OrderFilled, user, symbol=SUBJECTS[n % 5]) for n in range(120)]
    connections.close_all()
    context = multiprocessing.get_context("fork")
    # Every fact goes to two processes: duplicates must neither be told nor counted twice.
    shares = [rows[n::4] + rows[(n + 1) % 4 :: 4] for n in range(4)]
    workers = [context.Process(target=_work, args=(share,)) for share in shares]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert_exact(n_events=120)


def assert_exact(*, n_events: int) -> None:
    """One sent for each subject, all others counted."""
    sent = list(Notification.objects.order_by("subject").values_list("subject", flat=True))
    counted = dict(ThrottleWindow.objects.values_list("subject", "n_suppressed"))

    assert sent == sorted(SUBJECTS)
    assert counted == dict.fromkeys(SUBJECTS, n_events // 5 - 1)
    assert RoutingDecision.objects.filter(outcome="throttled").count() == n_events - 5
    assert RoutingDecision.objects.count() == n_events
