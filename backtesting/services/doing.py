"""What each kind of chunk is: which function a child process calls, and what becomes of its answer."""

import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from backtesting.models import Chunk, JobKind
from backtesting.services import settling
from backtesting.services.leases import Hold
from backtesting.services.loading import assignment_of
from backtesting.single import run_single

Calculate = Callable[..., Any]


def do(chunk: Chunk, hold: Hold, progress_file: str, calculate: Calculate) -> None:
    """Calculate a chunk and store what came of it. Raises what the calculation raises."""
    started = time.monotonic()
    if chunk.job.kind == JobKind.BACKTEST:
        _backtest(chunk, hold, progress_file, calculate, started)


def _backtest(chunk: Chunk, hold: Hold, progress_file: str, calculate: Calculate, started: float) -> None:
    job = chunk.job
    assignment = assignment_of(job, progress_file=progress_file)
    answer = calculate(run_single, assignment)
    settling.complete(
        hold,
        metrics=answer.metrics,
        summary={**answer.summary, "fingerprint": answer.fingerprint},
        warnings=answer.warnings,
        tables=answer.tables,
        fingerprint=answer.fingerprint["all"],
        digest=answer.digest,
        seconds=time.monotonic() - started,
        at=timezone.now(),
    )
