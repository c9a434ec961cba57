"""Routing of notifications: p99 of a decision with its reads, of the whole road to the stored row, and exact throttles.

Run with `python -m bench.notification_routing`; it makes a database of its own (SQLite, or where DATABASE_URL points)
and drops it. Goals: a decision with 50 conditions, mutes and windows under 5 ms (p99); no event of 4 processes × 1,000
events × 10 subjects told or counted twice.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from core.bus import publish  # noqa: E402
from core.models import OutboxEvent  # noqa: E402
from domain.events import OrderFilled  # noqa: E402
from notifications import tasks  # noqa: E402
from notifications.catalogue import messages_for  # noqa: E402
from notifications.models import Mute, Notification, RoutingDecision, ThrottleWindow  # noqa: E402
from notifications.services.routing import choose, route_event  # noqa: E402
from notifications.wishes import wishes_of  # noqa: E402
from preferences.definitions import Category  # noqa: E402
from preferences.services import change  # noqa: E402

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
N_ENTRIES = 50
N_CONDITIONS = 45  # with their tests close to the 100 nodes that may be saved
N_DECISIONS = 2_000
N_PROCESSES, N_EVENTS, N_SUBJECTS = 4, 1_000, 10


def fill(user: Any, symbol: str) -> OutboxEvent:
    """Publish one filled order."""
    event = OrderFilled(
        at=AT,
        user_id=user.pk,
        order_id=uuid4(),
        client_order_id="bench",
        strategy_id=None,
        symbol=symbol,
        side="buy",
        type="market",
        quantity=Decimal(10),
        status="filled",
    )
    with transaction.atomic():
        publish(event)
    return OutboxEvent.objects.get(event_id=event.event_id)


def percentile_99(work: Callable[[Any], Any], items: Iterable[Any]) -> tuple[float, float]:
    """Return median and 99th percentile of the call, in milliseconds."""
    taken = []
    for item in items:
        start = time.perf_counter()
        work(item)
        taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return taken[len(taken) // 2], taken[int(len(taken) * 0.99)]


def demanding_user() -> Any:
    """Make a user with a throttle and 50 conditions, mutes and open windows."""
    user = get_user_model().objects.create_user("bench", "bench@example.com", "bench")
    any_of = [{"symbol": {"in": [f"S{n}"]}} for n in range(N_CONDITIONS)] + [{"quantity": {"min": 1}}]
    entry = {"event_type": "ORDER_FILLED", "throttle_minutes": 15, "conditions": {"any": any_of}}
    change(user, Category.NOTIFICATIONS, {"add": entry})
    for n in range(N_ENTRIES):
        Mute.objects.create(user=user, type="ORDER_FILLED", subject=f"M{n}", until=AT + timedelta(days=1))
        ThrottleWindow.objects.create(
            user=user, type="ORDER_FILLED", subject=f"W{n}", opened_at=AT, closes_at=AT + timedelta(minutes=15)
        )
    return user


def measure_decisions(user: Any) -> None:
    """Print how long a decision takes with everything that it reads, and the whole road to the stored row."""
    messages = messages_for("order.filled", fill(user, "AAPL").payload)
    median, worst = percentile_99(lambda _: choose(user.pk, messages, wishes_of(user.pk), at=AT), range(N_DECISIONS))
    print(f"decision with its reads, {N_ENTRIES} entries: median {median:.2f} ms, p99 {worst:.2f} ms (goal 5 ms)")
    rows = [fill(user, f"X{n}") for n in range(300)]
    median, worst = percentile_99(lambda row: route_event(row, at=AT), rows)
    print(f"fact to stored notification: median {median:.2f} ms, p99 {worst:.2f} ms (goal 5 ms, required 25 ms)")


def _share(rows: list[OutboxEvent]) -> None:
    connections.close_all()
    for row in rows:
        route_event(row, at=AT)
    connections.close_all()


def measure_throttle(user: Any) -> None:
    """Print whether four processes together keep a throttle exact, and how fast."""
    shares = [[fill(user, f"T{n % N_SUBJECTS}") for n in range(N_EVENTS)] for _ in range(N_PROCESSES)]
    Notification.objects.filter(subject__startswith="T").delete()
    connections.close_all()
    workers = [multiprocessing.get_context("fork").Process(target=_share, args=(share,)) for share in shares]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    n_sent = Notification.objects.filter(subject__startswith="T").count()
    n_held = sum(ThrottleWindow.objects.filter(subject__startswith="T").values_list("n_suppressed", flat=True))
    total = N_PROCESSES * N_EVENTS
    wrong = abs(n_sent - N_SUBJECTS) + abs(n_sent + n_held - total)
    wrong += abs(RoutingDecision.objects.filter(subject__startswith="T").count() - total)
    print(
        f"throttle, {N_PROCESSES} processes × {N_EVENTS:,} events × {N_SUBJECTS} subjects: {n_sent} sent,"
        f" {n_held:,} counted, {wrong} wrong; {total / seconds:,.0f} events/s"
    )


def main() -> None:
    """Measure on a fresh database and print the figures."""
    tasks.route_fact.apply_async = lambda *args, **kwargs: None  # the bench itself does the work
    old = setup_databases(verbosity=0, interactive=False)
    try:
        print(f"notification routing on {connection.vendor}")
        user = demanding_user()
        measure_decisions(user)
        measure_throttle(user)
    finally:
        teardown_databases(old, verbosity=0)


if __name__ == "__main__":
    main()
