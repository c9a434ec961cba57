"""Kill switches at random moments under load, and a strategy gone wild: what still reaches the venue, and how late.

Run with ``python -m bench.kill_drill``: twenty strategies speak ten times a second each (as fast as the machine lets
them), a kill switch of a random scope is engaged at a random moment, again and again. Goals: the last order of the
scope arrives at the venue at most 1 s (p99) after the switch was answered (printed too: since it was asked for); the
cancels of a hundred working orders are sent within 5 s. With ``--redis-down`` the broker's address leads nowhere. Then
ten thousand signals of one strategy as fast as they go: its configured few are placed, it is disabled, one notice. It
makes a database of its own (SQLite, or where DATABASE_URL points) and drops it.
"""

import argparse
import logging
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")
DEAD_REDIS = "redis://127.0.0.1:6399/0"

N_ACCOUNTS = 5
WORKING = 100
START = datetime(2020, 1, 1, tzinfo=UTC)
WATCH_SECONDS = 1.5
"""How long after a switch the venue is watched for orders that come late."""


@dataclass
class Load:
    """Strategies that speak in threads of their own; each has an account, an instrument and a clock."""

    strategies: list[Any]
    rate: float
    stop: threading.Event = field(default_factory=threading.Event)
    spoken: int = 0
    faults: list[str] = field(default_factory=list)

    def start(self) -> list[threading.Thread]:
        """Let every strategy speak until `stop`."""
        threads = [
            threading.Thread(target=self._speak, args=(i, strategy), daemon=True)
            for i, strategy in enumerate(self.strategies)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _speak(self, i: int, strategy: Any) -> None:
        from django.db import connection

        chance, n, due = random.Random(i), 0, time.perf_counter()
        instrument = strategy.instruments.first()
        while not self.stop.is_set():
            n += 1
            try:
                speak(strategy, instrument, at=START + timedelta(hours=n))
                self.spoken += 1
            except Exception as error:  # whatever it is, it is counted
                self.faults.append(f"{type(error).__name__}: {error}"[:200])
            due = max(due + 1 / self.rate, time.perf_counter() - 1)
            time.sleep(max(0.0, due - time.perf_counter()) * chance.uniform(0.8, 1.2))
        connection.close()


def speak(strategy: Any, instrument: Any, *, at: datetime) -> Any:
    """One entry from outside, as a program would send it."""
    from domain.signals import SignalRow, SignalSide
    from trading.services.signals import Statement, take_signal

    row = SignalRow(SignalSide.BUY, 1.0)
    return take_signal(
        Statement(
            account_id=strategy.account_id, instrument=instrument, strategy=strategy, row=row, price=Decimal(100),
            at=at, is_from_bar=False,
        )
    )  # fmt: skip


@contextmanager
def database() -> Iterator[None]:
    """A fresh database."""
    from django.conf import settings
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"kill_{os.getpid()}"
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(Path(settings.VAR_DIR) / "kill.sqlite3")
    old = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        connections.close_all()
        teardown_databases(old, verbosity=0)


def make_strategies(n: int) -> list[Any]:
    """A user with a few accounts; each strategy trades an instrument of its own."""
    from marketdata.models import Instrument
    from portfolio.services.accounts import open_account
    from strategies.models import Strategy
    from trading.services import strategies as strategy_services
    from trading.tests.scene import make_scene

    scene = make_scene([100.0] * 60, cash="1000000000")
    wide_open(scene.user)
    accounts = [scene.account]
    for i in range(1, min(N_ACCOUNTS, n)):
        accounts.append(open_account(scene.user, name=f"Drill {i}", starting_cash=Decimal(10**9), at=START))
    made = []
    for i in range(n):
        row = scene if i == 0 else make_scene([100.0] * 60)
        scene.instrument = Instrument.objects.get(pk=row.instrument.pk)
        scene.account = accounts[i % len(accounts)]
        strategy = scene.strategy("buy_and_hold", {}, sizing_method="fixed_quantity", sizing_value=Decimal(1))
        strategy_services.start_strategy(strategy, by="drill")
        made.append(Strategy.objects.select_related("account").get(pk=strategy.pk))
    return made


def wide_open(user: Any) -> None:
    """Limits that do not stop the load, for it is the switch that must."""
    from preferences.definitions import Category
    from preferences.services import change

    change(user, Category.TRADING, {"max_daily_trades": 500, "max_concurrent_positions": 50})
    change(user, Category.STRATEGY, {"max_strategies": 50})


@dataclass(frozen=True)
class Kill:
    """One switch (seconds since it was asked for): its last order, its cancels, its answer."""

    scope: str
    last_order: float
    n_working: int
    cancels: float
    answered: float


def kill_once(strategies: list[Any], chance: random.Random, *, scope: str = "") -> Kill:
    """Engage a switch of a random scope, watch the venue, rearm it."""
    from django.utils import timezone

    from risk.services.kill_switches import engage_kill_switch, rearm_kill_switch
    from trading.models import Order

    scope = scope or chance.choice(["platform", "user", "account", "strategy"])
    one = chance.choice(strategies)
    target = {"user": one.user_id, "account": one.account_id, "strategy": one.pk}.get(scope)
    mine = {"user": {"user_id": target}, "account": {"account_id": target}, "strategy": {"strategy_id": target}}
    orders = Order.objects.filter(**mine.get(scope, {}))
    working = list(orders.filter(role="entry", status="accepted").values_list("pk", flat=True))
    asked_at, began = timezone.now(), time.perf_counter()
    engage_kill_switch(scope=scope, target_id=target, reason="drill", by="bench", at=asked_at)
    answered = time.perf_counter() - began
    time.sleep(WATCH_SECONDS)
    found = Kill(scope, _last_order(orders, asked_at), len(working), _cancels(working, asked_at), answered)
    rearm_kill_switch(scope=scope, target_id=target, reason="drill over", by="bench", at=timezone.now())
    return found


def _last_order(orders: Any, asked_at: datetime) -> float:
    """Seconds from the switch to the last order of its scope that reached the venue (0: none came)."""
    from trading.venue_models import PaperOrder

    late = PaperOrder.objects.filter(created_at__gt=asked_at).order_by("-created_at")
    ids = set(orders.filter(created_at__gt=asked_at - timedelta(seconds=30)).values_list("client_order_id", flat=True))
    times = [row.created_at for row in late if row.client_order_id in ids]
    return (times[0] - asked_at).total_seconds() if times else 0.0


def _cancels(working: list[Any], asked_at: datetime) -> float:
    """Seconds until the venue had confirmed the cancel of the last working order; -1 when one has none."""
    from trading.models import OrderEvent

    sent: dict[Any, datetime] = {}
    rows = OrderEvent.objects.filter(order_id__in=working, to_status="canceled")
    for order_id, at in rows.order_by("seq").values_list("order_id", "created_at"):
        sent.setdefault(order_id, at)
    if len(sent) < len(working):
        return -1.0
    return max(((at - asked_at).total_seconds() for at in sent.values()), default=0.0)


def drill(n_kills: int, n_strategies: int, rate: float, seed: int) -> bool:
    """Kill again and again under load; print the figures; tell whether the goals were met."""
    strategies = make_strategies(n_strategies)
    load, chance, kills = Load(strategies, rate), random.Random(seed), []
    threads, began = load.start(), time.perf_counter()
    for _ in range(n_kills):
        time.sleep(chance.uniform(0.1, 1.0))
        kills.append(kill_once(strategies, chance))
    _fill_up(strategies)
    kills.append(kill_once(strategies, chance, scope="platform"))
    load.stop.set()
    for thread in threads:
        thread.join(10)
    took = time.perf_counter() - began
    late = sorted(kill.last_order for kill in kills)
    after = sorted(kill.last_order - kill.answered for kill in kills)
    full = kills[-1]
    unsent = sum(kill.cancels < 0 for kill in kills)
    p99 = late[min(len(late) - 1, int(len(late) * 0.99))]
    _print(load, kills, took=took, p99=p99)
    return (
        after[min(len(after) - 1, int(len(after) * 0.99))] <= 1
        and not unsent
        and 0 <= full.cancels <= 5
        and full.n_working >= WORKING
    )


def _print(load: Load, kills: list[Kill], *, took: float, p99: float) -> None:
    late, full = sorted(kill.last_order for kill in kills), kills[-1]
    scopes = {name: sum(kill.scope == name for kill in kills) for name in ("platform", "user", "account", "strategy")}
    print(f"{len(load.strategies)} strategies, {load.spoken / took:.0f} signals/s, faults: {load.faults[:2] or 'none'}")
    print(f"{len(kills)} kills {scopes}")
    print(f"last order after the kill: median {late[len(late) // 2]:.3f} s, p99 {p99:.3f} s, most {late[-1]:.3f} s")
    after = [max(0.0, kill.last_order - kill.answered) for kill in kills]
    print(f"later than 1 s after it was asked for: {sum(x > 1 for x in late)} of {len(kills)}")
    print(f"later than 1 s after its answer: {sum(x > 1 for x in after)}, at all after it: {sum(x > 0 for x in after)}")
    unsent = sum(kill.cancels < 0 for kill in kills)
    slowest = max(kill.cancels for kill in kills)
    print(f"cancels: {sum(k.n_working for k in kills)}, kills with one unsent: {unsent}, slowest {slowest:.2f} s")
    print(f"{full.n_working} working at once: cancels sent in {full.cancels:.2f} s, answer after {full.answered:.2f} s")


def _fill_up(strategies: list[Any]) -> None:
    """Wait until a hundred entries work."""
    from trading.models import Order

    until = time.perf_counter() + 60
    while Order.objects.filter(role="entry", status="accepted").count() < WORKING and time.perf_counter() < until:
        time.sleep(0.2)


def runaway(n_signals: int, seconds: float) -> bool:
    """Let one strategy speak far too often; print what came of it."""
    from core.models import OutboxEvent
    from notifications.models import Notification
    from notifications.services.routing import route_event
    from preferences.definitions import Category
    from preferences.services import change
    from strategies.models import Strategy
    from trading.models import Order, Signal

    strategy = make_strategies(1)[0]
    few = 5
    change(strategy.user, Category.TRADING, {"max_daily_trades": few})
    instrument, began, n = strategy.instruments.first(), time.perf_counter(), 0
    while n < n_signals and time.perf_counter() - began < seconds * 60:
        speak(strategy, instrument, at=START + timedelta(days=400, milliseconds=n))
        n += 1
    took = time.perf_counter() - began
    placed = Order.objects.filter(strategy=strategy, role="entry").exclude(status="denied").count()
    events = list(OutboxEvent.objects.filter(name="strategy.failed", payload__strategy_id=str(strategy.pk)))
    for event in events:
        route_event(event, at=event.at)
    notices = Notification.objects.filter(user=strategy.user, title__contains="failed").count()
    state = Strategy.objects.values_list("state", flat=True).get(pk=strategy.pk)
    skipped = Signal.objects.filter(strategy=strategy, code="strategy_paused").count()
    print(f"runaway: {n:,} signals in {took:.1f} s, {placed} placed (configured: {few})")
    print(f"the strategy is {state}, {skipped:,} signals after that, {notices} notice")
    return placed <= few and state == "failed" and notices == 1 and n == n_signals


def main() -> None:
    """Read the options, drill, print; exit status 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--strategies", type=int, default=20)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--redis-down", action="store_true")
    options = parser.parse_args()
    if options.redis_down:
        os.environ["REDIS_URL"] = DEAD_REDIS
    import django

    django.setup()
    logging.disable(logging.ERROR)
    from django.db import connection

    with database():
        print(
            f"{connection.vendor}, redis {'down' if options.redis_down else os.environ.get('REDIS_URL') or 'not used'}"
        )
        met = drill(options.kills, options.strategies, options.rate, options.seed)
        met = (runaway(options.signals, 10.0) if options.signals else True) and met
    print("goals met" if met else "GOALS MISSED")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
