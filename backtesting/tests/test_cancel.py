"""A canceled job is canceled at once, and within two seconds nobody calculates for it any more.

With real calculating processes and the real clock: while the process starts, and at a random moment in the middle.
"""

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from backtesting.models import Chunk, ChunkStatus, Job, JobStatus
from backtesting.services import searching, settling, submitting, working
from backtesting.services.searching import SearchRequest, WalkRequest
from backtesting.tests.jobs import request, walk
from core.embedded import children
from core.testing import make_user
from domain.bars import Timeframe
from marketdata.tests.factories import make_instrument, store_bars

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.serial, pytest.mark.timeout(600)]
N_BARS = 200_000
WITHIN_SECONDS = 2.0
UNTIL_BUSY_SECONDS = 300.0  # the first process may have to compile the kernel
SPACE = {"fast": {"min": 2, "max": 41}, "slow": {"min": 50, "max": 99}}


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    children.shutdown()
    yield
    children.shutdown()


@pytest.fixture
def user() -> Any:
    store_bars(make_instrument("WALK"), walk(N_BARS, timeframe=Timeframe.M5), Timeframe.M5)
    return make_user()


def asked() -> Any:
    """Return a run that the plain engine calculates, bar by bar, for a minute or more."""
    return request(timeframe=Timeframe.M5, slippage={"max_volume_percent": Decimal(50)})


def a_run(user: Any) -> Job:
    """Submit one long run."""
    return submitting.submit_backtest(user, asked())


def a_sweep(user: Any) -> Job:
    """Submit 2,000 runs."""
    quick = request(timeframe=Timeframe.M5)
    return searching.submit_sweep(user, SearchRequest(run=quick, space=SPACE))


def a_tpe_search(user: Any) -> Job:
    """Submit 1,000 runs that are asked for from what those before gave."""
    quick = request(timeframe=Timeframe.M5)
    return searching.submit_sweep(user, SearchRequest(run=quick, space=SPACE, method="tpe", n_trials=1_000))


def a_walk(user: Any) -> Job:
    """Submit 2,000 runs in each of four windows."""
    quick = request(timeframe=Timeframe.M5)
    return searching.submit_walk(user, WalkRequest(search=SearchRequest(run=quick, space=SPACE), n_windows=4))


def start_working() -> threading.Thread:
    """Let a worker do what is to be done, as the platform's does."""

    def work() -> None:
        try:
            working.work_all()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def has_process(_: Job) -> bool:
    """Tell whether a calculating process was started."""
    return bool(multiprocessing.active_children())


def is_busy(job: Job) -> bool:
    """Tell whether the calculation has begun and told so."""
    return Chunk.objects.filter(job=job, status=ChunkStatus.RUNNING, progress__gt=0).exists()


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; return how long that took. Fails when it takes longer."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"still waiting after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def processor_time(pid: int | None) -> float:
    """Return the seconds that a process has used; those of one that has ended do not change."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return -1.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("moment", [has_process, is_busy])
@pytest.mark.parametrize("submit", [a_run, a_sweep, a_tpe_search, a_walk])
def test_a_canceled_job_is_left_by_all_within_two_seconds(
    user: Any, submit: Callable[[Any], Job], moment: Callable[[Job], bool]
) -> None:
    job = submit(user)
    worker = start_working()
    wait_for(lambda: moment(job), UNTIL_BUSY_SECONDS)
    time.sleep(random.uniform(0.0, 1.5))
    assert multiprocessing.active_children() and worker.is_alive()

    settling.cancel(job, at=timezone.now())

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELED
    took = wait_for(lambda: not worker.is_alive(), WITHIN_SECONDS)
    print(f"{submit.__name__} left {took:.2f} s after the cancellation")
    job.refresh_from_db()
    assert (job.status, job.metrics) == (JobStatus.CANCELED, {}) and not job.files.exists()
    assert not Chunk.objects.filter(job=job, answer__isnull=False).exists()
    time.sleep(max(0.0, WITHIN_SECONDS - took))
    used = {each.pid: processor_time(each.pid) for each in multiprocessing.active_children()}
    time.sleep(0.5)
    assert used == {pid: processor_time(pid) for pid in used}  # who is there (left between two parts) does nothing
    connection.close()
