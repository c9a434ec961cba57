"""Submitting many runs: a sweep over a space of parameters, or a walk-forward that sweeps in every window."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backtesting.models import Job, JobKind
from backtesting.search.draws import Method, planned
from backtesting.search.objectives import MAX_REQUIREMENTS, objective_of, requirement_of
from backtesting.search.space import Space, space_of
from backtesting.search.tpe import MAX_TPE
from backtesting.services.quotas import Cost, check_cost, cost_of
from backtesting.services.requests import LEAST_BARS, Checked, RunRequest, as_json, checked
from backtesting.services.search_requests import CPCV, SearchRequest, WalkRequest, beyond_bounds, check_walk
from backtesting.services.submitting import ChunkPlan, store
from backtesting.walkforward.cpcv import cpcv
from backtesting.walkforward.windows import Mode, Window, windows, windows_by_count
from domain.errors import FieldError, PlatformError, ValidationFailed
from strategies.evaluate import warmup_of
from strategies.parameters import read_parameters

MAX_SWEEP_RUNS = 20_000
MAX_WALK_RUNS = 50_000
MAX_MATRIX_CELLS = 4_000_000  # returns that are kept of a sweep; beyond it several periods become one
MAX_VALIDATION_CELLS = 25_000_000  # 200 MB of returns; here each day counts, for purge and embargo do
CHUNK_SECONDS = 6.0
MIN_CHUNK, MAX_CHUNK = 8, 256
TPE_BATCH = 20
SECONDS_A_RETURN = 1e-8  # of one combination in one split of a cross-validation
DAY = 86_400
Combo = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Searched:
    found: Checked
    space: Space
    combos: tuple[Combo, ...]
    request: dict[str, Any]
    extra: dict[str, Any]
    n_trials: int


def estimate_sweep(user: Any, request: SearchRequest) -> Cost:
    """Return what a sweep would cost; raises what submitting it would raise, the quota aside."""
    return _cost(user, _searched(user, request, most=MAX_SWEEP_RUNS))


def submit_sweep(user: Any, request: SearchRequest) -> Job:
    """Queue a sweep as chunks. Raises ValidationFailed with every fault, RateLimited over the user's quota."""
    made = _searched(user, request, most=MAX_SWEEP_RUNS)
    cost = _cost(user, made)
    check_cost(cost, field="space")
    chunks = _tpe_chunks(made.n_trials) if request.method == Method.TPE else _chunks(made.combos, cost)
    final = ChunkPlan(is_final=True, n_runs=1, stage=_last_stage(chunks) + 1)
    return store(
        user,
        kind=JobKind.SWEEP,
        found=made.found,
        request=made.request,
        extra={**made.extra, "stride": _stride(made)},
        cost=cost,
        chunks=[*chunks, final],
    )


def estimate_walk(user: Any, request: WalkRequest) -> Cost:
    """Return what a walk-forward would cost; raises what submitting it would raise, the quota aside."""
    check_walk(request)
    made = _searched(user, request.search, most=MAX_SWEEP_RUNS)
    return _with_choosing(_walk_cost(user, made, _steps(made.found, request)), made, request)


def submit_walk(user: Any, request: WalkRequest) -> Job:
    """Queue a walk-forward, a chunk a window. Raises ValidationFailed with every fault, RateLimited."""
    check_walk(request)
    made = _searched(user, request.search, most=MAX_SWEEP_RUNS)
    steps = _steps(made.found, request)
    runs = _walk_cost(user, made, steps)
    cost = _with_choosing(runs, made, request)
    check_cost(cost, field="groups" if request.mode == CPCV else "windows")
    walk = {
        "mode": request.mode,
        "windows": len(steps),
        "purge": request.purge,
        "embargo": request.embargo,
        **({"groups": request.groups, "test_groups": request.test_groups} if request.mode == CPCV else {}),
    }
    extra = {**made.extra, "walk": walk, "cpcv": walk if request.mode == CPCV else None}
    chunks = _chunks(made.combos, runs) if request.mode == CPCV else _window_chunks(made, steps)
    end_runs = max(1, round((cost.seconds - runs.seconds) / runs.seconds * runs.n_runs))  # so much of the progress
    return store(
        user,
        kind=JobKind.WALK_FORWARD,
        found=made.found,
        request={**made.request, "walk": {**walk, "train": request.train, "test": request.test, "step": request.step}},
        extra=extra,
        cost=cost,
        chunks=[*chunks, ChunkPlan(is_final=True, stage=1, n_runs=end_runs)],
    )


def _searched(user: Any, request: SearchRequest, *, most: int) -> _Searched:
    """Check the base run, the space and what is best; every combination's warm-up must fit into the bars."""
    faults: list[FieldError] = []
    base = _kept(faults, lambda: checked(user, request.run))
    _kept(faults, lambda: objective_of(request.objective))
    requirements = _kept(faults, lambda: _requirements(request.requirements))
    known = tuple(base.kind.strategy.Params.model_fields) if base is not None else None
    space = _kept(faults, lambda: space_of(request.space, request.constraints, known=known))
    if base is not None and space is not None:
        faults += [*beyond_bounds(base, space), *_too_many(request, space, most)]
    if faults or base is None or space is None:
        raise ValidationFailed.of(tuple(faults))
    combos, n = _combos(request, space, base, most)
    warmup = max(base.warmup, _warmup(base, combos or _corners(space)))
    _check_warmup(request.run, base, warmup)
    told = {
        "space": dict(request.space),
        "constraints": list(request.constraints),
        "method": str(request.method),
        "n_trials": n,
        "objective": request.objective,
        "requirements": requirements,
    }
    return _Searched(
        found=base,
        space=space,
        combos=combos,
        request={**as_json(request.run, base.params), **told},
        extra={**told, "warmup": warmup},
        n_trials=n,
    )


def _kept(faults: list[FieldError], check: Any) -> Any:
    try:
        return check()
    except PlatformError as error:
        faults.extend(error.errors or (FieldError("", error.code, error.message),))
        return None


def _requirements(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(told) > MAX_REQUIREMENTS:
        message = f"{len(told)} requirements are more than {MAX_REQUIREMENTS}."
        raise ValidationFailed(message, field="requirements", code="too_many")
    return [_requirement(index, each) for index, each in enumerate(told)]


def _requirement(index: int, told: Mapping[str, Any]) -> dict[str, Any]:
    least, most = (None if told.get(name) is None else float(told[name]) for name in ("at_least", "at_most"))
    found = requirement_of(str(told.get("metric", "")), least, most, field=f"requirements.{index}")
    return {"metric": found.metric, "at_least": found.at_least, "at_most": found.at_most}


def _combos(request: SearchRequest, space: Space, base: Checked, most: int) -> tuple[tuple[Combo, ...], int]:
    """Return the combinations of a grid or a random search; none for TPE, which asks as it goes."""

    def is_valid(combo: Combo) -> bool:
        try:
            read_parameters(base.kind.strategy.Params, {**base.params.model_dump(mode="json"), **combo})
        except ValidationFailed:
            return False
        return True

    try:
        method = Method(request.method)
    except ValueError as error:
        message = f"{str(request.method)[:40]!r} is not one of {', '.join(Method)}."
        raise ValidationFailed(message, field="method", code="invalid_choice") from error
    if method is Method.TPE:
        n = request.n_trials or 0
        if not 1 <= n <= MAX_TPE:
            raise ValidationFailed(f"{n} trials: tpe takes 1 to {MAX_TPE:,}.", field="n_trials", code="out_of_range")
        return (), n
    if method is Method.RANDOM and not 1 <= (request.n_trials or 0) <= most:
        message = f"{request.n_trials or 'No'} trials: a random search takes 1 to {most:,}."
        raise ValidationFailed(message, field="n_trials", code="out_of_range")
    found = planned(space, method=method, n=request.n_trials, seed=request.run.seed, is_valid=is_valid)
    return tuple(dict(combo) for combo in found), len(found)


def _too_many(request: SearchRequest, space: Space, most: int) -> list[FieldError]:
    size = space.size or 0
    if request.method != Method.GRID or size <= most:
        return []
    message = f"A grid of {size:,} combinations is beyond the {most:,} of one job: larger steps, random, or tpe."
    return [FieldError("space", "too_many", message)]


def _corners(space: Space) -> tuple[Combo, ...]:
    """Return the lowest and the highest point of a space: where warm-ups are shortest and longest."""
    ends = [{each.name: each.at(share) for each in space.dimensions} for share in (0.0, 0.999_999)]
    return tuple(ends)


def _warmup(base: Checked, combos: Sequence[Combo]) -> int:
    """Return the longest warm-up of all combinations; one that its strategy refuses has none."""
    longest = 0
    fixed = base.params.model_dump(mode="json")
    for combo in combos:
        try:
            params = read_parameters(base.kind.strategy.Params, {**fixed, **combo})
            longest = max(longest, warmup_of(base.kind.strategy, params))
        except PlatformError:
            continue
    return longest


def _check_warmup(request: RunRequest, base: Checked, warmup: int) -> None:
    """Refuse a space whose longest warm-up leaves nothing to decide on."""
    shortest = min(len(series) for series in base.bars.values())
    if request.start is None and shortest < warmup + LEAST_BARS:
        message = f"The range holds {shortest} bars; the longest warm-up in the space takes {warmup}."
        raise ValidationFailed(message, field="space", code="not_enough_bars")


def _steps(found: Checked, request: WalkRequest) -> tuple[Window, ...]:
    """Return the windows over the timeline of all instruments; none for cross-validation."""
    n = len(found.timeline)
    if request.mode == CPCV:
        days = len(np.unique(found.timeline // DAY))
        gaps = {"purge": request.purge, "embargo": request.embargo}
        cpcv(days, n_groups=request.groups, n_test_groups=request.test_groups, **gaps)
        return ()
    try:
        mode = Mode(request.mode)
    except ValueError as error:
        message = f"{str(request.mode)[:40]!r} is not one of {', '.join(Mode)}, {CPCV}."
        raise ValidationFailed(message, field="mode", code="invalid_choice") from error
    gaps = {"purge": request.purge, "embargo": request.embargo}
    if request.train is not None and request.test is not None:
        return windows(n, mode=mode, train=request.train, test=request.test, step=request.step, **gaps)
    return windows_by_count(n, mode=mode, n_windows=request.n_windows or 5, **gaps)


def _cost(user: Any, made: _Searched) -> Cost:
    return cost_of(user, type_name=made.found.request.type, n_runs=made.n_trials, n_bars=made.found.n_bars)


def _walk_cost(user: Any, made: _Searched, steps: Sequence[Window]) -> Cost:
    n_runs = made.n_trials * max(1, len(steps))
    if n_runs > MAX_WALK_RUNS:
        message = (
            f"{made.n_trials:,} combinations in {len(steps)} windows are {n_runs:,} runs, beyond {MAX_WALK_RUNS:,}."
        )
        raise ValidationFailed(message, field="space", code="too_many")
    if not steps:
        _check_returns(made)
    share = np.mean([len(step.train) for step in steps]) / len(made.found.timeline) if steps else 1.0
    n_bars = max(1, int(made.found.n_bars * share))
    return cost_of(user, type_name=made.found.request.type, n_runs=n_runs, n_bars=n_bars)


def _check_returns(made: _Searched) -> None:
    """Refuse a cross-validation whose returns, all of which its end holds at once, would not fit into memory."""
    n_days = len(np.unique(made.found.timeline // DAY))
    if made.n_trials * n_days > MAX_VALIDATION_CELLS:
        message = (
            f"{made.n_trials:,} combinations over {n_days:,} days are {made.n_trials * n_days:,} returns, beyond the "
            f"{MAX_VALIDATION_CELLS:,} of one cross-validation: fewer combinations, or a shorter range."
        )
        raise ValidationFailed(message, field="space", code="too_many")


def _with_choosing(cost: Cost, made: _Searched, request: WalkRequest) -> Cost:
    """Add what cross-validation takes to choose among all combinations on each of its splits."""
    if request.mode != CPCV:
        return cost
    n_splits = math.comb(request.groups, request.test_groups)
    seconds = SECONDS_A_RETURN * n_splits * made.n_trials * len(np.unique(made.found.timeline // DAY))
    return replace(cost, seconds=round(cost.seconds + seconds, 1))


def _chunks(combos: Sequence[Combo], cost: Cost) -> list[ChunkPlan]:
    """Cut combinations so that a chunk takes some seconds: a lost worker costs no more."""
    a_run = cost.seconds / max(1, cost.n_runs)
    size = int(min(MAX_CHUNK, max(MIN_CHUNK, CHUNK_SECONDS / max(a_run, 1e-6))))
    return [
        ChunkPlan(task={"combos": [dict(each) for each in combos[i : i + size]]}, n_runs=len(combos[i : i + size]))
        for i in range(0, len(combos), size)
    ]


def _tpe_chunks(n: int) -> list[ChunkPlan]:
    """Rounds that follow each other: each asks for its combinations from what those before gave."""
    n_rounds = math.ceil(n / TPE_BATCH)
    sizes = [min(TPE_BATCH, n - TPE_BATCH * i) for i in range(n_rounds)]
    return [ChunkPlan(task={"ask": size}, n_runs=size, stage=stage) for stage, size in enumerate(sizes)]


def _window_chunks(made: _Searched, steps: Sequence[Window]) -> list[ChunkPlan]:
    t = made.found.timeline
    combos = [dict(each) for each in made.combos]
    return [ChunkPlan(task={"window": _window(step, t), "combos": combos}, n_runs=len(combos)) for step in steps]


def _window(step: Window, t: np.ndarray) -> dict[str, Any]:
    """A window by its rows and by its times: every bar in it opens at `start <= t < stop`."""

    def times(span: Any) -> list[int]:
        return [int(t[span.start]), int(t[span.stop - 1]) + 1]

    return {
        "index": step.index,
        "train": times(step.train),
        "test": times(step.test),
        "train_rows": [step.train.start, step.train.stop],
        "test_rows": [step.test.start, step.test.stop],
    }


def _last_stage(chunks: Sequence[ChunkPlan]) -> int:
    return max(chunk.stage for chunk in chunks)


def _stride(made: _Searched) -> int:
    """How many days make one of the kept returns."""
    n_days = len(np.unique(made.found.timeline // DAY))
    return max(1, math.ceil(n_days * made.n_trials / MAX_MATRIX_CELLS))
