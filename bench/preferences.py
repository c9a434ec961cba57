"""Preferences under load: no decision under old values, and how long a change, its effect, a read and routing take.

Run with ``python -m bench.preferences [seconds]`` (60); it makes a database of its own (SQLite, or where DATABASE_URL
points) and drops it. Four writers, 20 updates a second together, and eight evaluators run in processes of their own;
every second one has a Redis that can not be reached. Limits: p99 of an update 50 ms, of its live effect 100 ms, of a
cached read 10 ms, of routing 25 ms; goals: a fifth of each.
"""

import logging
import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from notifications.catalogue import messages_for  # noqa: E402
from notifications.services.routing import choose  # noqa: E402
from notifications.wishes import wishes_of  # noqa: E402
from preferences import selectors, services  # noqa: E402
from preferences.definitions import Category  # noqa: E402
from tradeplatform.celery import app  # noqa: E402
from tradeplatform.configuration.messaging import broker_options  # noqa: E402

N_WRITERS, N_EVALUATORS = 4, 8
UPDATES_A_SECOND = 20
PAUSE_SECONDS, READ_EVERY = 0.03, 5  # of an evaluator: 12 processes must not saturate two cores by themselves
UNREACHABLE = "redis://127.0.0.1:1/0"
LIMITS = {"update": 50.0, "live effect": 100.0, "cached read": 10.0, "routing": 25.0}


@dataclass
class Found:
    """What one process measured, in milliseconds; ``stale`` decisions used a version older than an answered one."""

    n_decisions: int = 0
    stale: int = 0
    taken: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, name: str, milliseconds: float) -> None:
        """Note one measurement."""
        self.taken.setdefault(name, []).append(milliseconds)


@dataclass(frozen=True)
class Shared:
    """What the processes share: the newest answered version and when it was answered (under one lock), and the end."""

    answered: Any
    answered_at: Any
    lock: Any
    until: float


def lose_redis() -> None:
    """Let everything in this process that speaks to Redis fail, as it does while Redis is stopped."""
    settings.REDIS_URL = UNREACHABLE
    for name in ("CACHES", "CHANNEL_LAYERS"):
        block = getattr(settings, name)["default"]
        if "LOCATION" in block:
            block["LOCATION"] = UNREACHABLE
    options = broker_options(UNREACHABLE, prefix="bench:")
    app.conf.update(broker_url=UNREACHABLE, broker_write_url=UNREACHABLE, broker_transport_options=options)
    app.amqp._producer_pool = app._pool = None  # made anew with these
    logging.disable(logging.WARNING)  # each wake-up that is lost says so


def write(user_id: UUID, shared: Shared, index: int, found: Found) -> None:
    """Change one limit again and again at this writer's share of the rate."""
    user = get_user_model().objects.get(pk=user_id)
    pause = N_WRITERS / UPDATES_A_SECOND
    due = time.monotonic() + pause * index / N_WRITERS
    n = 0
    while time.monotonic() < shared.until:
        time.sleep(max(0.0, due - time.monotonic()))
        due += pause
        n += 1
        start = time.perf_counter()
        after = services.change(user, Category.TRADING, {"max_daily_trades": 1 + (n * N_WRITERS + index) % 9_000})
        found.add("update", (time.perf_counter() - start) * 1_000)
        with shared.lock:
            if after.version > shared.answered.value:
                shared.answered.value, shared.answered_at.value = after.version, time.monotonic()


def evaluate(user_id: UUID, shared: Shared, index: int, found: Found) -> None:
    """Decide again and again inside transactions, as the gate does; a version below an answered one is stale."""
    seen = 0
    messages = messages_for("order.filled", {"symbol": "AAPL", "side": "buy", "quantity": "10", "type": "market"})
    while time.monotonic() < shared.until:
        with shared.lock:
            floor, answered_at = shared.answered.value, shared.answered_at.value
        with transaction.atomic():
            version = selectors.current_in_transaction(user_id).version
        found.n_decisions += 1
        found.stale += version < floor
        if floor > seen:
            found.add("live effect", (time.monotonic() - answered_at) * 1_000)
            seen = floor
        if found.n_decisions % READ_EVERY == 0:
            _read(user_id, messages, found)
        time.sleep(PAUSE_SECONDS)


def _read(user_id: UUID, messages: Any, found: Found) -> None:
    start = time.perf_counter()
    selectors.current(user_id)
    found.add("cached read", (time.perf_counter() - start) * 1_000)
    start = time.perf_counter()
    choose(user_id, messages, wishes_of(user_id), at=datetime.now(UTC))
    found.add("routing", (time.perf_counter() - start) * 1_000)


def _process(work: Any, user_id: UUID, shared: Shared, index: int, answers: Any) -> None:
    connections.close_all()
    found = Found()
    if index % 2:
        lose_redis()
    try:
        work(user_id, shared, index, found)
    except Exception as error:
        found.errors.append(f"{type(error).__name__}: {error}")
    finally:
        connections.close_all()
    answers.put(found)


def run(seconds: float, user_id: UUID) -> list[Found]:
    """Run writers and evaluators for some seconds and return what each found.

    One change beforehand loads everything that hears of it, as it is loaded in a server.
    """
    services.change(get_user_model().objects.get(pk=user_id), Category.TRADING, {"max_daily_trades": 9_500})
    choose(user_id, messages_for("order.filled", {"symbol": "AAPL"}), wishes_of(user_id), at=datetime.now(UTC))
    context = multiprocessing.get_context("fork")
    answered, answered_at = context.Value("q", 0, lock=False), context.Value("d", 0.0, lock=False)
    shared = Shared(answered, answered_at, context.Lock(), time.monotonic() + seconds)
    answers = context.Queue()
    connections.close_all()
    work = [(write, i) for i in range(N_WRITERS)] + [(evaluate, i) for i in range(N_EVALUATORS)]
    workers = [context.Process(target=_process, args=(what, user_id, shared, i, answers)) for what, i in work]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=seconds + 60) for _ in workers]
    for worker in workers:
        worker.join(timeout=30)
    return found


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(found: list[Found], seconds: float) -> None:
    """Print the figures."""
    n, stale = sum(each.n_decisions for each in found), sum(each.stale for each in found)
    errors = [error for each in found for error in each.errors]
    bound = f" (95 % bound: {3 / n:.2g} of all)" if n and not stale else ""
    print(f"{n:,} decisions in {seconds:g} s: {stale} under old values{bound}; errors: {errors or 'none'}")
    for name, limit in LIMITS.items():
        values = [value for each in found for value in each.taken.get(name, [])]
        if values:
            half, most = percentile(values, 0.5), percentile(values, 0.99)
            goal = limit / 5
            print(f"{name}: p50 {half:.2f} ms, p99 {most:.2f} ms of {len(values):,} (limit {limit:g}, goal {goal:g})")


def main() -> None:
    """Measure on a fresh database and print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    old = setup_databases(verbosity=0, interactive=False)
    try:
        user = get_user_model().objects.create_user(f"bench-{uuid4().hex[:6]}")
        print(
            f"preferences on {connection.vendor}: {N_WRITERS} writers ({UPDATES_A_SECOND}/s), {N_EVALUATORS} evaluators"
        )
        report(run(seconds, user.pk), seconds)
    finally:
        teardown_databases(old, verbosity=0)


if __name__ == "__main__":
    main()
