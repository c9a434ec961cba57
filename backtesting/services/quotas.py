"""What a job will cost, and how much of that one user may have waiting: told before anything is queued."""

import math
import statistics
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from backtesting.models import OPEN_STATUSES, Chunk, ChunkStatus, Job
from domain.errors import RateLimited, ValidationFailed

SECONDS_A_BAR = 4e-7  # of one run, until this machine has shown its own rate
SECONDS_A_RUN = 0.004
SECONDS_A_JOB = 3.0  # causality check, figures, what chance says, tables
MAX_JOB_SECONDS = 4 * 3600.0
SAMPLES = 20
_LEAST_RETRY, _MOST_RETRY = 5, 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate: how many runs of the engine over how many bars, and about how many seconds that takes."""

    n_runs: int
    n_bars: int
    seconds: float


def cost_of(user: Any, *, type_name: str, n_runs: int, n_bars: int) -> Cost:
    """Estimate the end that every job has and the runs of a search by the user's last ones; cautious without any."""
    done = Chunk.objects.filter(job__user=user, job__type=type_name, status=ChunkStatus.COMPLETED, seconds__gt=0)
    ends = list(done.filter(is_final=True).order_by("-updated_at").values_list("seconds", flat=True)[:SAMPLES])
    parts = done.filter(is_final=False, job__n_bars__gt=0).order_by("-updated_at")
    rates = [
        seconds / (runs * bars)
        for seconds, runs, bars in parts.values_list("seconds", "n_runs", "job__n_bars")[:SAMPLES]
    ]
    end = statistics.median(ends) if ends else SECONDS_A_JOB
    a_run = statistics.median(rates) * n_bars if rates else SECONDS_A_BAR * n_bars + SECONDS_A_RUN
    return Cost(n_runs, n_bars, round(end + (a_run * n_runs if n_runs > 1 else 0.0), 1))


def check_cost(cost: Cost, *, field: str) -> None:
    """Raise ValidationFailed for a job beyond what one may cost."""
    if cost.seconds <= MAX_JOB_SECONDS:
        return
    hours, bound = cost.seconds / 3600, MAX_JOB_SECONDS / 3600
    message = (
        f"{cost.n_runs:,} runs over {cost.n_bars:,} bars would take about {hours:,.1f} hours; one job may take "
        f"{bound:g}. Choose fewer combinations or a shorter range."
    )
    raise ValidationFailed(message, field=field, code="too_expensive")


def check_quota(user: Any, cost: Cost) -> None:
    """Raise RateLimited (429) when the user has too much waiting already; call it inside the submitting transaction.

    The user's row is locked, so that requests at the same time count each other.
    """
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    waiting = list(Job.objects.for_user(user).filter(status__in=OPEN_STATUSES))
    left = sum(job.estimated_seconds * (1.0 - job.progress) for job in waiting)
    retry = int(min(_MOST_RETRY, max(_LEAST_RETRY, math.ceil(left / max(1, len(waiting))))))
    most = int(settings.BACKTEST_OPEN_JOBS)
    if len(waiting) >= most:
        message = f"{len(waiting)} jobs are waiting or running; you may have {most}. Cancel one or wait."
        raise RateLimited(message, retry_after=retry, code="quota_jobs")
    bound = float(settings.BACKTEST_OPEN_SECONDS)
    if waiting and left + cost.seconds > bound:
        message = (
            f"This would take about {cost.seconds:,.0f} s and {left:,.0f} s of your jobs are waiting already; together "
            f"you may have {bound:,.0f} s. Cancel one or wait."
        )
        raise RateLimited(message, retry_after=retry, code="quota_seconds")
