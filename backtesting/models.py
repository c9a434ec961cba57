"""The tables of backtests: jobs (runs, sweeps, walk-forwards), their chunks with leases, results, notes.

A result is a few compressed files in a binary column, never a row a bar: any worker machine can write it and any web
machine read it, and it is stored in the transaction that ends the job.
"""

from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import choices
from core.models import OwnedManager, OwnedModel, UuidModel
from domain.bars import Timeframe
from strategies import selectors as strategy_types


class JobKind(models.TextChoices):
    """What a job is."""

    BACKTEST = "backtest"
    SWEEP = "sweep"
    WALK_FORWARD = "walk_forward"


class JobStatus(models.TextChoices):
    """How far a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


OPEN_STATUSES = (JobStatus.QUEUED, JobStatus.RUNNING)


class Job(OwnedModel):
    """One piece of research: a backtest, a sweep of many, or a walk-forward.

    ``request`` is what was asked for, ``settings`` what it means (rules and preferences as they were then), so that a
    repetition needs nothing else. ``metrics``, ``summary``, ``warnings``, ``fingerprint`` and ``digest`` (of the stored
    result) are empty until the job is completed: no partial result is ever shown as final. ``n_runs`` counts the runs
    of the engine, which are trials of an idea; ``seconds`` is what they took.
    """

    of_kind: ClassVar[JobKind]  # said by the proxies below
    kind = models.CharField(max_length=12, choices=JobKind)
    name = models.CharField(max_length=120, blank=True, default="")
    strategy = models.ForeignKey(
        "strategies.Strategy", null=True, blank=True, on_delete=models.SET_NULL, related_name="backtests"
    )
    type = models.CharField(max_length=64)
    symbols = models.JSONField(default=list)
    timeframe = models.CharField(max_length=4, choices=choices(Timeframe))
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    request = models.JSONField(default=dict)
    settings = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=JobStatus, default=JobStatus.QUEUED)
    progress = models.FloatField(default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])
    n_runs = models.PositiveIntegerField(default=1)
    n_bars = models.BigIntegerField(default=0)
    estimated_seconds = models.FloatField(default=0.0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    metrics = models.JSONField(default=dict, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="backtest_job_status_is_known"),
            models.CheckConstraint(condition=Q(kind__in=JobKind.values), name="backtest_job_kind_is_known"),
        ]
        indexes = [
            models.Index(fields=["user", "kind", "created_at"], name="backtest_job_list"),
            models.Index(fields=["status"], name="backtest_job_status"),
            models.Index(fields=["user", "type"], name="backtest_job_trials"),
        ]

    def __str__(self) -> str:
        if self.name:
            return self.name
        kind = strategy_types.catalog().types.get(self.type)
        title = kind.strategy.title if kind else self.type.replace("_", " ").capitalize()
        more = f" and {len(self.symbols) - 3} more" if len(self.symbols) > 3 else ""
        return f"{title} on {', '.join(self.symbols[:3])}{more}"

    @property
    def is_open(self) -> bool:
        """True until the job has come to its end."""
        return self.status in OPEN_STATUSES

    @property
    def is_completed(self) -> bool:
        """True when there is a result, which is then final."""
        return self.status == JobStatus.COMPLETED


_OfKind = TypeVar("_OfKind", bound=Job)


class _KindManager(OwnedManager[_OfKind]):
    """Reaches the jobs of its model's kind."""

    def get_queryset(self) -> models.QuerySet[_OfKind]:
        """Only this kind."""
        return super().get_queryset().filter(kind=self.model.of_kind)


class Backtest(Job):
    """A job that is one run."""

    of_kind = JobKind.BACKTEST
    objects: ClassVar[OwnedManager[Self]] = _KindManager()

    class Meta:
        proxy = True
        verbose_name = "backtest"


class Sweep(Job):
    """A job of many runs over a space of parameters."""

    of_kind = JobKind.SWEEP
    objects: ClassVar[OwnedManager[Self]] = _KindManager()

    class Meta:
        proxy = True
        verbose_name = "sweep"


class WalkForward(Job):
    """A job that chooses parameters on one window and trades them in the next, again and again."""

    of_kind = JobKind.WALK_FORWARD
    objects: ClassVar[OwnedManager[Self]] = _KindManager()

    class Meta:
        proxy = True
        verbose_name = "walk-forward"


class ChunkStatus(models.TextChoices):
    """How far a chunk is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"


class Chunk(UuidModel):
    """A part of a job that one worker does in one go; a queue's message only wakes the worker that takes it.

    ``lease_until`` is how long its worker may be silent, ``fence`` grows with each worker that takes it: a result is
    stored under the fence of its taking alone, so each counts once. The last one of a job (``is_final``) waits for the
    others and ends it. ``stage`` orders the rest: a chunk waits for those of earlier stages.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    stage = models.PositiveIntegerField(default=0)
    is_final = models.BooleanField(default=False)
    task = models.JSONField(default=dict)
    n_runs = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=9, choices=ChunkStatus, default=ChunkStatus.QUEUED)
    progress = models.FloatField(default=0.0)
    holder = models.CharField(max_length=80, blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    answer = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="backtest_chunk_once")]
        indexes = [models.Index(fields=["status", "lease_until"], name="backtest_chunk_due")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"


class ResultFile(UuidModel):
    """One table of a job's result (equity, trades, orders, trials …) as a Parquet file."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=20)
    n_rows = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="backtest_result_file_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.name}"


class JobNote(OwnedModel):
    """What a user wrote beside a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notes")
    text = models.CharField(max_length=4000)

    def __str__(self) -> str:
        return self.text[:60]


class Trial(models.Model):
    """One different combination that a user had calculated for a strategy type: each was a chance to be lucky."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=64)
    key = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "type", "key"], name="backtest_trial_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.key[:8]}"
