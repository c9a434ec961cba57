"""Doing a chunk: taken, calculated in a child process that can be killed, and stored once.

The waiting thread says every second that it lives, tells the progress, and kills the child when the job is canceled.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from backtesting.assignments import read_progress
from backtesting.models import Chunk, Job, JobStatus
from backtesting.services import doing, failing, leases, preparing, settling
from backtesting.services.leases import Hold
from backtesting.warming import calculated, load
from core.bus import publish
from core.embedded import children
from core.pacing import is_due
from domain.errors import PlatformError
from domain.events import BacktestProgressed

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.5  # how often a canceled job is noticed
BEAT_SECONDS = 1.0  # how often the lease is extended and the progress told
_SLOTS = threading.BoundedSemaphore(children.N_SLOTS)  # a waiting thread more would only keep other work away

Calculate = Callable[..., Any]


def work_once(calculate: Calculate = children.run) -> bool:
    """Do the next chunk; False when there is none, or this process is busy with others already."""
    if not _SLOTS.acquire(blocking=False):
        return False
    try:
        hold = leases.take()
        if hold is None:
            return False
        _do(hold, calculate)
        return True
    finally:
        _SLOTS.release()


def work_all(calculate: Calculate = children.run) -> int:
    """Do chunks until there is none; return how many (for the command line and tests)."""
    n = 0
    while work_once(calculate):
        n += 1
    return n


def warm_up(calculate: Calculate = children.run) -> bool:
    """Let a child load (and, the first time after an installation, compile) the engine, so that no user waits for it.

    False when this process is busy with real work, which does the same.
    """
    if not _SLOTS.acquire(blocking=False):
        return False
    try:
        calculate(load, should_stop=_told_preparing)
    except children.ChildStoppedError:
        return False  # the platform stops
    finally:
        _SLOTS.release()
    return True


def _told_preparing() -> bool:
    preparing.tell()
    return False


def _do(hold: Hold, calculate: Calculate) -> None:
    chunk = Chunk.objects.select_related("job").get(pk=hold.chunk_id)
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="backtest-", ignore_cleanup_errors=True) as folder:
            watch = _Watch(hold, chunk.job, str(Path(folder) / "progress"))
            doing.do(chunk, hold, watch.progress_file, partial(_in_child, calculate, watch))
    except children.PlatformStopsError:
        leases.give_back(hold, counts=False)
    except children.ChildStoppedError as error:
        _lost(hold, chunk, str(error))
    except PlatformError as error:
        settling.fail(hold.job_id, message=error.message, code=error.code, at=timezone.now())
    except Exception as error:  # a bug, code of others, or the disk: tried once more, then the job says so
        logger.exception("chunk %s of backtest %s failed", chunk.number, hold.job_id)
        if chunk.attempts < 2:
            leases.give_back(hold)
            return
        message, code = failing.told(error)
        settling.fail(hold.job_id, message=message, code=code, at=timezone.now())
    finally:
        logger.info("chunk %s of backtest %s took %.1f s", chunk.number, hold.job_id, time.monotonic() - started)
        leases.raise_progress(hold.job_id)


def _in_child(calculate: Calculate, watch: "_Watch", *work: Any) -> Any:
    return calculate(calculated, *work, should_stop=watch.should_stop)


def _lost(hold: Hold, chunk: Chunk, words: str) -> None:
    """The child ended without a result: because of us (then nobody wants it any more), or killed by the system."""
    if not leases.is_wanted(hold):
        return
    if chunk.attempts >= leases.MAX_ATTEMPTS:
        message = f"{chunk.attempts} attempts ended without a result: {words} (out of memory?)."
        settling.fail(hold.job_id, message=message, code="worker_lost", at=timezone.now())
    else:
        leases.give_back(hold)


class _Watch:
    """Asked several times a second while a child calculates: beats, tells, and says when to stop."""

    def __init__(self, hold: Hold, job: Job, progress_file: str) -> None:
        self.progress_file = progress_file
        self._hold, self._job = hold, job
        self._next_look = self._next_beat = 0.0

    def should_stop(self) -> bool:
        """Extend the lease; True when the job was canceled or the chunk taken over."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        preparing.tell()
        try:
            return self._look(now)
        except (InterfaceError, OperationalError):  # the database restarts: the calculation goes on meanwhile
            logger.warning("the lease of backtest %s could not be extended", self._hold.job_id, exc_info=True)
            connection.close()
            return False

    def _look(self, now: float) -> bool:
        if now < self._next_beat:
            return not leases.is_wanted(self._hold)
        self._next_beat = now + BEAT_SECONDS
        if not leases.extend(self._hold, progress=read_progress(self.progress_file) or 0.0, at=timezone.now()):
            return True
        self._tell()
        return False

    @transaction.atomic
    def _tell(self) -> None:
        """Tell the job's progress, at most once a second for all its workers together, and not after its end."""
        if not is_due(f"backtest-progress:{self._hold.job_id}", BEAT_SECONDS):
            return
        share = leases.raise_progress(self._hold.job_id)  # its row is locked until this has been told
        if share is None:
            return
        publish(
            BacktestProgressed(
                at=timezone.now(),
                user_id=self._job.user_id,
                backtest_id=self._job.pk,
                status=JobStatus.RUNNING.value,
                progress=round(share, 4),
                remaining_seconds=self._remaining(share),
            )
        )

    def _remaining(self, share: float) -> float | None:
        if share < 0.02 or self._job.started_at is None:
            return None
        elapsed = (timezone.now() - self._job.started_at).total_seconds()
        return round(elapsed * (1.0 - share) / share, 1)
