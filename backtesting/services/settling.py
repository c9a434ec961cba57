"""Ends of jobs: completed with its whole result, failed with its reason, canceled. Each happens once.

A result becomes visible in the transaction that ends the job; what a job had done before counts for nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from backtesting.models import OPEN_STATUSES, Chunk, ChunkStatus, Job, JobStatus, ResultFile
from backtesting.result_tables import ResultTable
from backtesting.selectors import trial_count
from backtesting.services.leases import Hold
from backtesting.services.optimized import tell_optimized
from backtesting.services.trials import remember
from core.bus import publish
from domain.errors import IllegalState
from domain.events import BacktestSettled

MAX_ERROR = 500


@transaction.atomic
def store_answer(hold: Hold, answer: bytes, *, seconds: float) -> bool:
    """Keep what a chunk that does not end its job gave; False when it was no longer this worker's."""
    if _open_job(hold) is None:
        return False
    return bool(
        Chunk.objects.filter(pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING).update(
            status=ChunkStatus.COMPLETED, answer=answer, seconds=seconds, progress=1.0, lease_until=None
        )
    )


@transaction.atomic
def complete(
    hold: Hold,
    *,
    metrics: Mapping[str, Any],
    summary: Mapping[str, Any],
    warnings: Sequence[Mapping[str, Any]],
    tables: Sequence[ResultTable],
    fingerprint: str,
    digest: str,
    trial_keys: Sequence[str],
    seconds: float,
    at: datetime,
) -> Job | None:
    """End a job with its result; publishes BacktestSettled. None when it was no longer this worker's."""
    job = _open_job(hold)
    if job is None:
        return None
    mine = Chunk.objects.filter(pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING)
    if not mine.update(status=ChunkStatus.COMPLETED, seconds=seconds, progress=1.0, lease_until=None):
        return None
    ResultFile.objects.bulk_create(
        ResultFile(job=job, name=table.name, n_rows=table.n_rows, data=table.data) for table in tables
    )
    remember(job, trial_keys)
    job.metrics, job.warnings = dict(metrics), [dict(each) for each in warnings]
    job.summary = {**summary, "trial_count": trial_count(job.user_id, job.type)}
    job.fingerprint, job.digest = fingerprint, digest
    _end(job, JobStatus.COMPLETED, at=at)
    tell_optimized(job, at=at)
    Chunk.objects.filter(job=job).update(answer=None)
    return job


@transaction.atomic
def fail(job_id: Any, *, message: str, code: str, at: datetime) -> bool:
    """End a job without a result; publishes BacktestSettled. False when it had ended already."""
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id, status__in=OPEN_STATUSES).first()
    if job is None:
        return False
    job.error, job.error_code = message[:MAX_ERROR], code[:40]
    _end(job, JobStatus.FAILED, at=at)
    return True


@transaction.atomic
def cancel(job: Job, *, at: datetime) -> Job:
    """Stop a job: it is canceled when this returns, and whoever calculates for it stops within two seconds.

    Publishes BacktestSettled. Raises IllegalState for one that has ended; canceling twice is no error.
    """
    row = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if row.status == JobStatus.CANCELED:
        return row
    if not row.is_open:
        raise IllegalState(f"It is {row.status} already; there is nothing to cancel.", code="already_ended")
    row.cancel_requested_at = at
    _end(row, JobStatus.CANCELED, at=at)
    return row


def _open_job(hold: Hold) -> Job | None:
    return Job.objects.select_for_update(no_key=True).filter(pk=hold.job_id, status__in=OPEN_STATUSES).first()


def _end(job: Job, status: JobStatus, *, at: datetime) -> None:
    job.status, job.ended_at = status, at
    job.progress = 1.0 if status == JobStatus.COMPLETED else job.progress
    job.seconds = sum(job.chunks.values_list("seconds", flat=True))
    if status != JobStatus.COMPLETED:
        Chunk.objects.filter(job=job).update(answer=None, lease_until=None)
    job.save()
    publish(BacktestSettled(at=at, user_id=job.user_id, backtest_id=job.pk, status=status.value, error=job.error))
