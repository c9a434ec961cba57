"""Who does which chunk: taken with a lease and a fence, extended while its worker lives, given out again when it dies.

A result is stored under the fence of its taking alone; a worker that was silent for too long can store nothing.
"""

import os
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Sum, Value, When
from django.utils import timezone

from backtesting.models import OPEN_STATUSES, Chunk, ChunkStatus, Job, JobKind, JobStatus

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 3
_HOST = socket.gethostname()[:30]


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to do a chunk, until the lease ends."""

    chunk_id: UUID
    job_id: UUID
    fence: int


def holder_name() -> str:
    """Return this worker's name, for people who look at the rows."""
    return f"{_HOST}-{os.getpid()}-{threading.get_ident() % 10_000}"


def take() -> Hold | None:
    """Take the next chunk that may be done, single runs before parts of large jobs; None when there is none."""
    with transaction.atomic():
        chunk = _next(
            _ready().select_for_update(of=("self",), skip_locked=connection.features.has_select_for_update_skip_locked)
        )
        if chunk is None:
            return None
        now = timezone.now()
        chunk.status, chunk.holder, chunk.lease_until = ChunkStatus.RUNNING, holder_name(), now + LEASE
        chunk.fence, chunk.attempts, chunk.progress = chunk.fence + 1, chunk.attempts + 1, 0.0
        chunk.save(update_fields=["status", "holder", "lease_until", "fence", "attempts", "progress", "updated_at"])
        started = Job.objects.filter(pk=chunk.job_id, status=JobStatus.QUEUED)
        started.update(status=JobStatus.RUNNING, started_at=now, updated_at=now)
    return Hold(chunk.pk, chunk.job_id, chunk.fence)


def n_ready() -> int:
    """Return how many chunks could be done now."""
    return _ready().count()


def _ready() -> Any:
    earlier = Chunk.objects.filter(job=OuterRef("job"), stage__lt=OuterRef("stage")).exclude(
        status=ChunkStatus.COMPLETED
    )
    others = Chunk.objects.filter(job=OuterRef("job"), is_final=False).exclude(status=ChunkStatus.COMPLETED)
    rows = Chunk.objects.filter(status=ChunkStatus.QUEUED, job__status__in=OPEN_STATUSES).filter(~Exists(earlier))
    return rows.exclude(Exists(others), is_final=True)


def _next(rows: Any) -> Chunk | None:
    small_first = Case(When(job__kind=JobKind.BACKTEST, then=Value(0)), default=Value(1), output_field=IntegerField())
    found: Chunk | None = rows.order_by(small_first, "job__created_at", "number").first()
    return found


def extend(hold: Hold, *, progress: float, at: datetime) -> bool:
    """Say that the worker lives and how far it is; False when it must stop (canceled, failed, taken over)."""
    rows = Chunk.objects.filter(
        pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING, job__status__in=OPEN_STATUSES
    )
    # Filtered across a join, so the ids are read first: neither database updates over one.
    if not rows.exists():
        return False
    mine = Chunk.objects.filter(pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING)
    return bool(mine.update(lease_until=at + LEASE, progress=progress, updated_at=at))


def is_wanted(hold: Hold) -> bool:
    """Tell whether the chunk is still this worker's to do."""
    return Chunk.objects.filter(
        pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING, job__status__in=OPEN_STATUSES
    ).exists()


def progress_of(job_id: UUID) -> float:
    """Return how much of a job is done (0..1), its chunks weighed by their runs."""
    done = Chunk.objects.filter(job_id=job_id).aggregate(done=Sum(F("progress") * F("n_runs")), all=Sum("n_runs"))
    return min(1.0, float(done["done"] or 0.0) / max(1, int(done["all"] or 1)))


@transaction.atomic
def raise_progress(job_id: UUID) -> float | None:
    """Note on a running job how much of it is done and return what it shows; None for one that has ended.

    It is never less than before: what a lost worker had done is done again by another, which is no way back.
    """
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id, status=JobStatus.RUNNING).first()
    if job is None:
        return None
    share = max(job.progress, progress_of(job_id))
    Job.objects.filter(pk=job_id).update(progress=share)
    return share


def give_back(hold: Hold, *, counts: bool = True) -> None:
    """Put a chunk back that this worker can not do; whether it counts as an attempt."""
    Chunk.objects.filter(pk=hold.chunk_id, fence=hold.fence, status=ChunkStatus.RUNNING).update(
        status=ChunkStatus.QUEUED, lease_until=None, progress=0.0, attempts=F("attempts") - (0 if counts else 1)
    )
