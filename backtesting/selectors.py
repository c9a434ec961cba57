"""Reads of backtests: a user's jobs, rows and series of their results, how many trials an idea has had."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from backtesting import result_tables
from backtesting.models import Job, JobKind, JobNote, ResultFile, Trial
from domain.bars import Floats, Ints
from domain.errors import IllegalState, NotFound, ValidationFailed

MAX_COMPARED = 10
MAX_POINTS = 2_000  # of a curve that is drawn; figures are made of all of them


@dataclass(frozen=True, slots=True, eq=False)
class EquityColumns:
    """A run's curve: unix seconds, equity, cash, exposure (fraction of equity), the benchmark's price."""

    t: Ints
    equity: Floats
    cash: Floats
    exposure: Floats
    benchmark: Floats

    @property
    def drawdown(self) -> Floats:
        """Fall from the peak so far, as a fraction (0 or negative)."""
        if not len(self.equity):
            return self.equity
        return np.asarray(self.equity / np.maximum.accumulate(self.equity) - 1.0, dtype=np.float64)

    def thinned(self, n: int) -> "EquityColumns":
        """Return at most `n` points, the first and the last, the lowest and the highest of each stretch kept."""
        keep = thin(self.equity, n)
        return EquityColumns(
            self.t[keep], self.equity[keep], self.cash[keep], self.exposure[keep], self.benchmark[keep]
        )


def thin(values: Floats, n: int) -> Ints:
    """Return the rows of at most `n` points (2 at least) that keep a curve's look: its ends, extremes of stretches."""
    if len(values) <= n:
        return np.arange(len(values), dtype=np.int64)
    edges = np.linspace(0, len(values), max(0, n - 2) // 2 + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if stop > start:
            part = values[start:stop]
            kept.add(start + int(np.nanargmin(part)) if np.isfinite(part).any() else start)
            kept.add(start + int(np.nanargmax(part)) if np.isfinite(part).any() else start)
    return np.array(sorted(kept), dtype=np.int64)


def jobs_of(user: Any, kind: JobKind | None = None) -> QuerySet[Job]:
    """Return a user's jobs (of one kind), without the settings and results that lists do not show."""
    rows = Job.objects.for_user(user).select_related("strategy")
    return rows.filter(kind=kind) if kind is not None else rows


def with_verdict(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Add to each job its verdict on luck (``verdict_word``, ``verdict_title``) without reading the whole result."""
    found = {
        f"verdict_{name}": Coalesce(KT(f"summary__verdict__{name}"), KT(f"summary__luck__verdict__{name}"))
        for name in ("word", "title")
    }
    return jobs.annotate(**found)


def job_for(user: Any, job_id: UUID | str, kind: JobKind | None = None) -> Job:
    """Return a user's job. Raises NotFound."""
    try:
        found = jobs_of(user, kind).filter(pk=UUID(str(job_id))).first()
    except ValueError:  # an address that somebody wrote by hand
        found = None
    if found is None:
        raise NotFound("There is no such backtest")
    return found


def file_of(job: Job, name: str) -> bytes:
    """Return one table of a completed job. Raises IllegalState before the end: nothing partial is shown."""
    check_completed(job)
    found = ResultFile.objects.filter(job=job, name=name).values_list("data", flat=True).first()
    if found is None:
        raise NotFound(f"It has no {name}")
    return bytes(found)


def check_completed(job: Job) -> None:
    """Raise IllegalState unless there is a final result."""
    if not job.is_completed:
        words = f"It failed: {job.error.rstrip('.')}" if job.error else f"It is {job.status}"
        raise IllegalState(f"{words}; there is no result.", code="no_result")


def n_rows(job: Job, name: str) -> int:
    """Return how many rows a table of the result has (0 when it has no such table)."""
    return ResultFile.objects.filter(job=job, name=name).values_list("n_rows", flat=True).first() or 0


def row_counts(job: Job) -> dict[str, int]:
    """Return how many rows each table of the result has, by its name."""
    return dict(ResultFile.objects.filter(job=job).values_list("name", "n_rows"))


def rows_of(job: Job, name: str, *, offset: int = 0, limit: int = 500) -> list[dict[str, Any]]:
    """Return some rows of a table of the result."""
    return result_tables.rows(file_of(job, name), offset=offset, limit=limit)


def equity_of(job: Job) -> EquityColumns:
    """Return a run's whole curve."""
    names = ("t", "equity", "cash", "exposure", "benchmark")
    found = result_tables.arrays(file_of(job, "equity"), *names)
    return EquityColumns(*(found[name] for name in names))


def benchmark_equity(columns: EquityColumns, starting_cash: float) -> Floats:
    """Return what the starting cash would be worth in the benchmark (NaN before its first price)."""
    prices = columns.benchmark
    known = np.flatnonzero(np.isfinite(prices))
    if not len(known):
        return prices
    return np.asarray(prices / prices[known[0]] * starting_cash, dtype=np.float64)


def trial_count(user: Any, type_name: str) -> int:
    """Return how many different trials of a type a user has had calculated: each was a chance to be lucky."""
    return Trial.objects.filter(user_id=getattr(user, "pk", user), type=type_name).count()


def compared(user: Any, ids: Sequence[UUID]) -> list[Job]:
    """Return several completed runs in the order that was asked for. Raises ValidationFailed, NotFound."""
    wanted = list(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MAX_COMPARED:
        message = f"{len(wanted)} results are chosen; choose 1 to {MAX_COMPARED} completed ones to compare."
        raise ValidationFailed(message, field="ids", code="count")
    found = {job.pk: job for job in jobs_of(user).filter(pk__in=wanted)}
    for each in wanted:
        if each not in found:
            raise NotFound("There is no such backtest")
        check_completed(found[each])
    return [found[each] for each in wanted]


def notes_of(job: Job) -> QuerySet[JobNote]:
    """Return the notes beside a job."""
    return JobNote.objects.filter(job=job, user_id=job.user_id)
