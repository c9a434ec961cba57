"""From a strategy's signal to the booked paper fill at 20 signals a second, on the way of running that is configured.

Run with ``python -m bench.signal_to_fill``: embedded (SQLite, worker threads in this process); with DATABASE_URL and
REDIS_URL the services way (PostgreSQL, Redis, Celery worker processes); ``--both`` runs the two, each in a process of
its own. It makes a database of its own and drops it. The wait for the next bar, at whose open a paper order fills, is
not counted: "signal to fill" is (strategy spoke → order at the venue) + (next bar closed → fill booked). Goal: p99 of
at most 50 ms on PostgreSQL.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ["REDIS_PREFIX"] = f"bench-{os.getpid()}:"  # no queue of anybody else's
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

N_ACCOUNTS = 20  # each with a strategy on an instrument of its own, and so on a clock of its own
WARM_UP_SECONDS = 10
RATE = 20.0  # bars, and so signals, a second
POSTGRES = "postgres://postgres@127.0.0.1:5432/test"
REDIS = "redis://127.0.0.1:6379/15"


@contextmanager
def database() -> Iterator[str]:
    """A fresh database; yields the address under which worker processes find it."""
    from django.conf import settings
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"bench_{os.getpid()}"
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(Path(settings.VAR_DIR) / "bench.sqlite3")
    old = setup_databases(verbosity=0, interactive=False)
    try:
        yield f"{POSTGRES.rsplit('/', 1)[0]}/bench_{os.getpid()}"
    finally:
        connections.close_all()
        teardown_databases(old, verbosity=0)


@contextmanager
def workers(address: str) -> Iterator[None]:
    """The Celery workers of this way of running: threads here, or two processes as docs/operations.md starts them."""
    from django.conf import settings

    from tradeplatform.celery import app
    from tradeplatform.runtime.worker import WorkerThread

    if settings.IS_EMBEDDED:
        thread = WorkerThread(app, concurrency=4)
        thread.start()
        thread.wait_until_ready()
        yield
        thread.stop(5)
        return
    environment = os.environ | {"DATABASE_URL": address}
    base = [sys.executable, "-m", "celery", "-A", "tradeplatform", "worker", "--loglevel", "ERROR"]
    queues = (("0", "trading,risk", "4", "trading@bench"), ("10", "notifications,default", "2", "notify@bench"))
    started = [
        subprocess.Popen(["nice", "-n", nice, *base, "-Q", names, "-c", n, "-n", host], cwd=ROOT, env=environment)
        for nice, names, n, host in queues
    ]
    _wait_for_workers(app, len(started))
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # it still works off what it could not keep up with
                process.kill()


def _wait_for_workers(app: Any, n: int) -> None:
    end = time.monotonic() + 60
    while len(app.control.ping(timeout=1) or []) < n:
        if time.monotonic() > end:
            raise RuntimeError("the workers did not start")


def make_world() -> list[Any]:
    """Accounts with strategies that say something at every bar; returns the clocks."""
    import numpy as np
    from django.utils import timezone

    from domain.bars import BarArrays, BarSource, Timeframe
    from domain.instruments import AssetClass
    from domain.sizing import SizingMethod
    from marketdata import services as marketdata
    from marketdata.models import Replay
    from portfolio.services.accounts import open_account
    from strategies import services as strategies
    from trading.services.strategies import start_strategy
    from users.models import User

    n = 4000
    closes = np.where(np.arange(n) % 2, 101.0, 100.0)
    opens = np.concatenate([closes[:1], closes[:-1]])
    t = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) + 86_400 * np.arange(n, dtype=np.int64)
    bars = BarArrays(t, opens, np.maximum(opens, closes), np.minimum(opens, closes), closes, np.full(n, 1e6))
    for a in range(N_ACCOUNTS):
        user = User.objects.create_user(f"bench{a}", password="bench phrase 2026")
        account = open_account(user, name=f"Bench {a}", starting_cash=Decimal(1_000_000), at=timezone.now())
        instrument = marketdata.create_instrument(
            f"B{a}",
            venue="BENCH",
            asset_class=AssetClass.EQUITY,
            currency="USD",
            tick_size=Decimal("0.01"),
            lot_size=Decimal(1),
            calendar="24/7",
        )
        marketdata.record_bars(instrument, Timeframe.D1, bars, BarSource.IMPORTED, at=timezone.now())
        settings = strategies.Settings(
            name=f"flip {a}",
            type="sma_cross",
            parameters={"fast": 1, "slow": 2},
            symbols=[instrument.symbol],
            timeframe=Timeframe.D1,
            account_id=account.pk,
            sizing_method=SizingMethod.PERCENT_EQUITY,
            sizing_value=Decimal(1),
        )
        start_strategy(strategies.create_strategy(user, settings, at=timezone.now()), by="bench")
    return list(Replay.objects.order_by("created_at"))


def drive(clocks: list[Any], seconds: float) -> dict[tuple[Any, str], datetime]:
    """Step one clock after the other, ``RATE`` bars a second; return when each bar closed by the wall clock."""
    from django.utils import timezone

    from marketdata import replay_services as replays
    from marketdata.models import Instrument, Replay

    names = {row.replay_id: row.pk for row in Instrument.objects.exclude(replay=None)}
    closed: dict[tuple[Any, str], datetime] = {}
    began = time.perf_counter()
    for n in range(int(seconds * RATE)):
        time.sleep(max(0.0, began + n / RATE - time.perf_counter()))
        clock = clocks[n % len(clocks)]
        at = timezone.now()
        replays.play(clock)
        moment = Replay.objects.values_list("market_time", flat=True).get(pk=clock.pk)
        closed[names[clock.pk], moment.isoformat()] = at
    return closed


def measure(closed: dict[tuple[Any, str], datetime], *, skip: int) -> dict[str, list[float]]:
    """Milliseconds from signal to order at the venue, from the next bar to the fill, their sum; and from the bar."""
    from trading.models import Fill, OrderEvent

    known = set(list(closed)[skip:])
    spoken, ordered, filled = {}, {}, {}
    events = OrderEvent.objects.filter(to_status="accepted", order__role__in=("entry", "exit"))
    for event in events.filter(order__signal__isnull=False).select_related("order__signal"):
        signal, order = event.order.signal, event.order
        key = (order.instrument_id, signal.at.isoformat())
        if key in known:
            began = datetime.fromisoformat(signal.trace[0]["at"])
            spoken[order.pk] = (event.created_at - began).total_seconds() * 1000
            ordered[order.pk] = (event.created_at - closed[key]).total_seconds() * 1000
    for fill in Fill.objects.filter(order__role__in=("entry", "exit")):
        key = (fill.instrument_id, fill.at.isoformat())
        if key in known:
            filled[fill.order_id] = (fill.created_at - closed[key]).total_seconds() * 1000
    both = [spoken[order] + filled[order] for order in spoken.keys() & filled.keys()]
    return {
        "bar closed to order at the venue": list(ordered.values()),
        "signal to order at the venue": list(spoken.values()),
        "bar closed to fill booked": list(filled.values()),
        "signal to fill": both,
    }


def run(seconds: float) -> None:
    """Measure this way of running and print the figures."""
    import django

    django.setup()
    import numpy as np
    from django.conf import settings

    way = "embedded, SQLite" if settings.IS_EMBEDDED else "services, PostgreSQL + Redis"
    with database() as address:
        clocks = make_world()
        with workers(address):
            drive(clocks, WARM_UP_SECONDS)  # each worker process makes its connections and composes its queries
            closed = drive(clocks, seconds)
            time.sleep(2)
            figures = measure(closed, skip=0)
            print(f"{way}: {len(closed):,} bars in {seconds:g} s, {RATE:g} signals a second", flush=True)
    for name, values in figures.items():
        p50, p99, worst = np.percentile(values, [50, 99, 100]) if values else (float("nan"),) * 3
        print(f"{way}: {name}: n {len(values):,}, p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {worst:.1f} ms", flush=True)


def main() -> None:
    """Measure one way of running, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--one", action="store_true", help="only the way that the environment configures")
    options = parser.parse_args()
    if options.one:
        run(options.seconds)
        return
    command = [sys.executable, "-m", "bench.signal_to_fill", "--one", "--seconds", str(options.seconds)]
    plain = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "VAR_DIR")}
    services = {
        "DATABASE_URL": os.environ.get("DATABASE_URL", POSTGRES),
        "REDIS_URL": os.environ.get("REDIS_URL", REDIS),
    }
    keys = {"SECRET_KEY": "bench-" * 12, "AUDIT_KEY": "bench-audit-" * 4, "FIELD_MASTER_KEYS": "1:" + "ab" * 32}
    for environment in (plain, plain | services | keys):
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
