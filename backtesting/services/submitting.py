"""Submitting: a checked request becomes a job with its chunks, and workers are woken after the commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from backtesting.models import Chunk, Job, JobKind
from backtesting.services.quotas import Cost, check_cost, check_quota, cost_of
from backtesting.services.requests import Checked, RunRequest, as_json, checked
from core.bus import publish
from domain.events import BacktestQueued


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlan:
    """One chunk to be: its task, how many runs it holds, and after which others it comes."""

    task: Mapping[str, Any] = field(default_factory=dict)
    n_runs: int = 1
    stage: int = 0
    is_final: bool = False


def estimate_backtest(user: Any, request: RunRequest) -> Cost:
    """Return what a run would cost; raises what submitting it would raise, the quota aside."""
    return _cost(user, checked(user, request))


def submit_backtest(user: Any, request: RunRequest) -> Job:
    """Queue one run. Raises ValidationFailed with every fault, RateLimited over the user's quota."""
    found = checked(user, request)
    cost = _cost(user, found)
    check_cost(cost, field="start")
    return store(
        user,
        kind=JobKind.BACKTEST,
        found=found,
        request=as_json(request, found.params),
        extra={},
        cost=cost,
        chunks=[ChunkPlan(is_final=True)],
    )


def _cost(user: Any, found: Checked) -> Cost:
    return cost_of(user, type_name=found.request.type, n_runs=1, n_bars=found.n_bars)


@transaction.atomic
def store(
    user: Any,
    *,
    kind: JobKind,
    found: Checked,
    request: Mapping[str, Any],
    extra: Mapping[str, Any],
    cost: Cost,
    chunks: Sequence[ChunkPlan],
) -> Job:
    """Write a job and its chunks, and wake workers after the commit. Raises RateLimited over the user's quota."""
    check_quota(user, cost)
    job = Job.objects.create(
        user=user,
        kind=kind,
        name=found.request.name,
        strategy=found.strategy,
        type=found.request.type,
        symbols=[row.symbol for row in found.instruments],
        timeframe=found.request.timeframe.value,
        start_at=_first(found),
        end_at=_last(found),
        request=dict(request),
        settings={**found.settings, **extra},
        n_runs=cost.n_runs,
        n_bars=cost.n_bars,
        estimated_seconds=cost.seconds,
    )
    Chunk.objects.bulk_create(
        Chunk(
            job=job,
            number=number,
            stage=plan.stage,
            is_final=plan.is_final,
            task=dict(plan.task),
            n_runs=plan.n_runs,
        )
        for number, plan in enumerate(chunks)
    )
    publish(BacktestQueued(at=job.created_at, user_id=user.pk, backtest_id=job.pk, n_chunks=len(chunks)))
    return job


def _first(found: Checked) -> datetime:
    return datetime.fromtimestamp(min(int(series.t[0]) for series in found.bars.values() if len(series)), tz=UTC)


def _last(found: Checked) -> datetime:
    """The end of the range: every bar in it opens before."""
    last = max(int(series.t[-1]) for series in found.bars.values() if len(series))
    return datetime.fromtimestamp(last + 1, tz=UTC)
