"""What the schedule does for backtests: chunks of silent workers are given out again, or their job fails."""

from datetime import datetime

from django.db import transaction

from backtesting.models import OPEN_STATUSES, Chunk, ChunkStatus
from backtesting.services import leases, settling

MAX_WAKE_UPS = 8


def recover(*, at: datetime) -> int:
    """Take chunks back whose lease has ended; return how many could be done now."""
    silent = Chunk.objects.filter(status=ChunkStatus.RUNNING, lease_until__lt=at, job__status__in=OPEN_STATUSES)
    for chunk in list(silent.only("pk", "job_id", "fence", "attempts")):
        take_back(chunk, at=at)
    return leases.n_ready()


@transaction.atomic
def take_back(chunk: Chunk, *, at: datetime) -> None:
    """Put a chunk back whose worker is gone; after the last attempt its job fails."""
    mine = Chunk.objects.filter(pk=chunk.pk, fence=chunk.fence, status=ChunkStatus.RUNNING)
    if not mine.update(status=ChunkStatus.QUEUED, lease_until=None, progress=0.0, holder=""):
        return
    if chunk.attempts >= leases.MAX_ATTEMPTS:
        message = f"{chunk.attempts} workers ended while they calculated it (killed, or out of memory)."
        settling.fail(chunk.job_id, message=message, code="worker_lost", at=at)
