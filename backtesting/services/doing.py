"""What each kind of chunk is: which function a child process calls, and what becomes of its answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.utils import timezone

from backtesting.folds import end_validation, end_walk, run_window
from backtesting.models import Chunk, ChunkStatus, Job, JobKind
from backtesting.search.draws import Method
from backtesting.search.space import space_of
from backtesting.search.tpe import Told, suggest
from backtesting.services import settling, trials
from backtesting.services.leases import Hold
from backtesting.services.loading import assignment_of
from backtesting.single import SingleAnswer, run_single
from backtesting.sweep_end import end_sweep
from backtesting.trials import TrialsAnswer, run_trials, unpacked
from strategies import selectors as strategies

Calculate = Callable[..., Any]
_EXTRA = (
    *("objective", "requirements", "stride", "cpcv"),
    *("space", "constraints", "method", "n_trials", "walk"),
)


def do(chunk: Chunk, hold: Hold, progress_file: str, calculate: Calculate) -> None:
    """Calculate a chunk and store what came of it. Raises what the calculation raises."""
    started = time.monotonic()
    if chunk.is_final:
        _end(chunk, hold, progress_file, calculate, started)
        return
    answer = _part(chunk, progress_file, calculate)
    settling.store_answer(hold, answer, seconds=time.monotonic() - started)


def _part(chunk: Chunk, progress_file: str, calculate: Calculate) -> bytes:
    """Return what a part of a sweep or walk-forward gave, as bytes."""
    assignment = assignment_of(chunk.job, progress_file=progress_file, extra=_extra(chunk.job))
    if "window" in chunk.task:
        window: bytes = calculate(run_window, assignment, chunk.task["window"], chunk.task["combos"])
        return window
    combos = chunk.task["combos"] if "combos" in chunk.task else _asked(chunk, calculate)
    found: TrialsAnswer = calculate(run_trials, assignment, combos)
    return found.packed()


def _asked(chunk: Chunk, calculate: Calculate) -> Sequence[Mapping[str, Any]]:
    """Ask TPE for the next combinations, from what all rounds before this one gave."""
    job = chunk.job
    told = [
        Told(row["parameters"], row["score"])
        for answer in answers_of(job, before=chunk.number)
        for row in unpacked(answer).rows
    ]
    kind = strategies.strategy_type(job.type)
    space = space_of(job.settings["space"], job.settings["constraints"], known=tuple(kind.strategy.Params.model_fields))
    ask = partial(suggest, space, told, n=int(chunk.task["ask"]), seed=int(job.settings["seed"]))
    found: Sequence[Mapping[str, Any]] = calculate(ask)  # seconds of work late in a search
    return found


def answers_of(job: Job, *, before: int) -> list[bytes]:
    """Return the answers of a job's chunks before a number, in their order."""
    done = Chunk.objects.filter(job=job, number__lt=before, status=ChunkStatus.COMPLETED).order_by("number")
    return [bytes(each) for each in done.values_list("answer", flat=True) if each is not None]


def _extra(job: Job) -> dict[str, Any]:
    return {name: job.settings[name] for name in _EXTRA if job.settings.get(name) is not None}


def _end(chunk: Chunk, hold: Hold, progress_file: str, calculate: Calculate, started: float) -> None:
    job = chunk.job
    answers = answers_of(job, before=chunk.number)
    keys = trials.keys_of(job, strategies.strategy_type(job.type), _combos(job, answers))
    assignment = assignment_of(
        job, progress_file=progress_file, n_trials=trials.count_with(job, keys), extra=_extra(job)
    )
    function = _function(job)
    answer: SingleAnswer = calculate(function, assignment, *(() if function is run_single else (answers,)))
    settling.complete(
        hold,
        metrics=answer.metrics,
        summary={**answer.summary, "fingerprint": answer.fingerprint},
        warnings=answer.warnings,
        tables=answer.tables,
        fingerprint=answer.fingerprint["all"],
        digest=answer.digest,
        trial_keys=keys,
        seconds=time.monotonic() - started,
        at=timezone.now(),
    )


def _function(job: Job) -> Callable[..., SingleAnswer]:
    if job.kind == JobKind.BACKTEST:
        return run_single
    if job.kind == JobKind.SWEEP:
        return end_sweep
    return end_validation if job.settings.get("cpcv") else end_walk


def _combos(job: Job, answers: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """Return every combination that the job ran."""
    if job.kind == JobKind.BACKTEST:
        return [{}]
    tasks = Chunk.objects.filter(job=job, is_final=False).order_by("number").values_list("task", flat=True)
    if job.settings["method"] == Method.TPE:
        return [row["parameters"] for answer in answers for row in unpacked(answer).rows]
    return [combo for task in tasks for combo in task["combos"]]
