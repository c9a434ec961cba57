"""Portfolio risk of 50 positions: how long the report takes on the server, and how many statements it needs.

Run with ``python -m bench.portfolio_risk``; it makes a database of its own (SQLite, or where DATABASE_URL points) and
drops it. The aim is 150 ms.
"""

import os
import tempfile
import time

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

import django

django.setup()

import exchange_calendars  # noqa: E402
import numpy as np  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases  # noqa: E402

from bench.risk_gate import AT, make_account  # noqa: E402
from core.testing import page_client  # noqa: E402
from domain.bars import BarArrays, BarSource, Timeframe  # noqa: E402
from marketdata import services as marketdata  # noqa: E402
from marketdata.models import Instrument  # noqa: E402
from trading.portfolio_report import portfolio_report  # noqa: E402

N_TIMES = 60
GOAL_MS = 150


def store_prices(instruments: list[Instrument]) -> None:
    """Store three years of daily bars, half of each move common to all."""
    days = exchange_calendars.get_calendar("XNYS").sessions_in_range("2023-01-03", "2026-02-27")
    t = days.values.astype("datetime64[s]").astype(np.int64)
    source = np.random.default_rng(7)
    common = source.normal(0, 0.01, len(t))
    for row in instruments:
        close = np.round(50 * np.exp(np.cumsum(0.5 * common + 0.5 * source.normal(0, 0.01, len(t)))), 2)
        bars = BarArrays(t, close, close, close, close, np.full(len(t), 1e6))
        marketdata.record_bars(row, Timeframe.D1, bars, BarSource.IMPORTED, at=AT)


def measured(work: object, n: int = N_TIMES) -> str:
    """Return median, 99th percentile and CPU time of a call in words."""
    assert callable(work)
    work()
    taken, started = [], time.process_time()
    for _ in range(n):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1_000)
    cpu = (time.process_time() - started) / n * 1_000
    taken.sort()
    with CaptureQueriesContext(connection) as asked:
        work()
    return (
        f"median {taken[n // 2]:.0f} ms, p99 {taken[int(n * 0.99)]:.0f} ms, CPU {cpu:.0f} ms, {len(asked)} statements"
    )


def main() -> None:
    """Measure and print."""
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        account, instruments = make_account()
        account.market_at = AT
        account.save()
        store_prices(instruments)
        report = portfolio_report(account)
        assert len(report["correlation"]["symbols"]) == len(instruments) and not report["warnings"]
        print(f"{connection.vendor}: {len(instruments)} positions, 3 years of daily bars; aim {GOAL_MS} ms")
        print(f"report: {measured(lambda: portfolio_report(account))}")
        client = page_client(account.user)

        def fragment() -> None:
            assert client.get("/risk/portfolio/", headers={"host": "localhost"}).status_code == 200

        print(f"fragment of the risk page: {measured(fragment)}")
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
