"""Workers of their own: one is killed half way and every result is there once; one leaves what is canceled at once."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.test_runtime import ROOT

DATABASE_URL, REDIS_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
BIN = Path(sys.executable).parent
WITHIN_SECONDS = 600

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.services,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not (DATABASE_URL and REDIS_URL), reason="DATABASE_URL and REDIS_URL are not set"),
]

SUBMIT = """
from backtesting.services.searching import SearchRequest, submit_sweep
from backtesting.tests.jobs import request, stored_walk
from users.models import User
stored_walk(n=20_000)
user = User.objects.create_user("sweeper", password="a long enough password")
space = {"fast": {"min": 2, "max": 41}, "slow": {"min": 50, "max": 98, "step": 2}}
print(submit_sweep(user, SearchRequest(run=request(), space=space)).pk)
"""
LOOK = """
SELECT (SELECT status FROM backtesting_job), count(*) FILTER (WHERE status = 'completed'), count(*),
       coalesce(string_agg(holder, ' ') FILTER (WHERE status = 'running'), '')
FROM backtesting_chunk
"""
RESULT = """
from backtesting import result_tables
from backtesting.models import Chunk, Job, ResultFile
trials = result_tables.arrays(ResultFile.objects.get(name="trials").data)
pairs = list(zip(trials["parameters.fast"].tolist(), trials["parameters.slow"].tolist()))
again = Chunk.objects.filter(attempts__gt=1).count()
failed = sum(1 for error in trials["error"].tolist() if error)
print(len(pairs), len(set(pairs)), failed, again, Job.objects.get().status)
"""


LONG = """
from decimal import Decimal
from backtesting.services import searching, submitting
from backtesting.services.searching import SearchRequest, WalkRequest
from backtesting.tests.jobs import request, walk
from domain.bars import Timeframe
from marketdata.models import Instrument
from marketdata.tests.factories import make_instrument, store_bars
from users.models import User
if not Instrument.objects.filter(symbol="WALK").exists():
    store_bars(make_instrument("WALK"), walk(200_000, timeframe=Timeframe.M5), Timeframe.M5)
    User.objects.create_user("sweeper", password="a long enough password")
user = User.objects.get()
quick = request(timeframe=Timeframe.M5)
slow = request(timeframe=Timeframe.M5, slippage={"max_volume_percent": Decimal(50)})
search = SearchRequest(run=quick, space={"fast": {"min": 2, "max": 41}, "slow": {"min": 50, "max": 99}})
"""
KINDS = {
    "run": "submitting.submit_backtest(user, slow)",
    "sweep": "searching.submit_sweep(user, search)",
    "walk": "searching.submit_walk(user, WalkRequest(search=search, n_windows=4))",
}
CANCEL = """
from django.utils import timezone
from backtesting.models import Job
from backtesting.services.settling import cancel
print(cancel(Job.objects.get(status="running"), at=timezone.now()).status)
"""
BUSY = "SELECT count(*) FROM backtesting_chunk WHERE status = 'running' AND progress > 0"
ENDED = "SELECT status, extract(epoch FROM ended_at) FROM backtesting_job ORDER BY created_at DESC LIMIT 1"


class Machines:
    """An installation whose workers stand alone, each a process group that can be killed at once."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DATABASE_URL": re.sub(r"/[^/]*$", f"/{database}", DATABASE_URL),
            "VAR_DIR": str(folder / "var"),
            "ENV_FILE": "/nonexistent",
            "REDIS_PREFIX": f"{database}:",
            "SECRET_KEY": "services-test-" + "x" * 50,
            "FIELD_MASTER_KEYS": "1:c2VydmljZXMtdGVzdC1rZXktMzItYnl0ZXMtbG9uZyE=",
            "AUDIT_KEY": "services-test-audit",
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def manage(self, *command: str) -> str:
        """Run a management command and return what it printed last."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a Celery process in a group of its own."""
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen(
            [str(BIN / "celery"), "-A", "tradeplatform", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def look(self) -> tuple[str, int, int, str]:
        """Return the job's status, its completed and all chunks, and who holds those that run."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            found = database.execute(LOOK).fetchone()
        assert found is not None
        return found

    def ask(self, query: str) -> Any:
        """Return the first row that a query gives."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            return database.execute(query).fetchone()

    def logs(self) -> str:
        """Return what every process has said."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    name = f"workers_{uuid4().hex[:12]}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    running = Machines(tmp_path, name)
    try:
        running.manage("migrate", "-v", "0")
        yield running
    finally:
        for process in running.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with psycopg.connect(DATABASE_URL, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_worker_killed_half_way_through_a_sweep_costs_no_result_and_doubles_none(machines: Machines) -> None:
    machines.manage("shell", "-v", "0", "-c", SUBMIT)
    machines.start("beat", "beat")
    workers = [
        machines.start(f"worker{i}", "worker", "-Q", "backtests,default", "-c", "1", "-n", f"w{i}@%h") for i in (1, 2)
    ]
    end, killed_at, status = time.monotonic() + WITHIN_SECONDS, 0, ""

    while time.monotonic() < end and status not in ("completed", "failed"):
        time.sleep(0.1)
        status, done, n_chunks, holders = machines.look()
        held = [worker for worker in workers if f"{worker.pid} " in groups_of(holders)]
        if not killed_at and held and 1 <= done < n_chunks - 1:
            killed_at = done
            os.killpg(held[0].pid, signal.SIGKILL)  # it holds a chunk at this moment

    assert status == "completed", machines.logs()
    assert killed_at, "the sweep was over before a worker could be killed"
    n_trials, n_different, n_failed, n_again, _ = machines.manage("shell", "-v", "0", "-c", RESULT).split()
    print(f"killed after {killed_at} of {n_chunks} chunks; {n_again} done again; {n_different} different trials")
    assert (n_trials, n_different, n_failed) == ("1000", "1000", "0")
    assert int(n_again) >= 1


@pytest.mark.serial  # it measures time
@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_leaves_a_canceled_job_within_two_seconds(machines: Machines, kind: str) -> None:
    machines.manage("shell", "-v", "0", "-c", LONG + KINDS[kind])
    machines.start("beat", "beat")
    worker = machines.start("worker", "worker", "-Q", "backtests,default", "-c", "1")
    end = time.monotonic() + WITHIN_SECONDS
    while not machines.ask(BUSY)[0]:
        assert time.monotonic() < end, machines.logs()
        time.sleep(0.1)
    time.sleep(random.uniform(0.0, 2.0))
    busy = calculating(worker.pid)
    assert busy, machines.logs()
    is_over, last = threading.Event(), [0.0]
    watch = threading.Thread(target=note_the_last_work, args=(busy, is_over, last))
    watch.start()

    assert machines.manage("shell", "-v", "0", "-c", CANCEL) == "canceled"

    time.sleep(4.0)
    is_over.set()
    watch.join()
    status, ended_at = machines.ask(ENDED)
    print(f"{kind}: worked on for {last[0] - float(ended_at):.2f} s after it was canceled")
    assert status == "canceled" and last[0] - float(ended_at) <= 2.0


def calculating(group: int) -> set[int]:
    """Return the calculating processes of a worker."""
    lines = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "pgid=", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in lines.splitlines())
    return {int(row[0]) for row in rows if int(row[1]) == group and "spawn_main" in row[2]}


def note_the_last_work(busy: set[int], is_over: threading.Event, last: list[float]) -> None:
    """Note until told to stop when one of some processes last used the processor."""
    used = 0
    while not is_over.wait(0.02):
        now = sum(processor_time(pid) for pid in busy)
        if now > used:
            last[0] = time.time()
        used = now


def processor_time(pid: int) -> int:
    """Return the ticks that a process has used; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def groups_of(holders: str) -> str:
    """Return the process groups of those who hold something (a name ends with its process and thread)."""
    groups = []
    for holder in holders.split():
        try:
            groups.append(os.getpgid(int(holder.split("-")[-2])))
        except ProcessLookupError:
            continue
    return "".join(f"{group} " for group in groups)
