"""Is a strategy honest? Its answer on every prefix, and on the last `warmup + 1` bars, must be its answer on all. Pure.

A difference on a prefix, or under another future, means that a row used bars after it (look-ahead). One on the last
bars means that live, which sees only those, would do something else than the backtest (too short a warm-up for a
recursive indicator).
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.base import Params, Strategy
from strategies.bounded import CHECK_SECONDS
from strategies.evaluate import Answer, answer, warmup_of

MAX_BARS = 6_000  # of the newest bars; more would prove little more and take time
N_SAMPLES = 48
N_FUTURES = 8
FUTURE_FACTOR = 2.0
SEED = 20_000
TOLERANCE = 1e-6  # relative, for prices and confidence; yes and no must agree exactly
_LEAST_SECONDS = 0.01
_TOO_SLOW = f"The code is too slow or does not come back: the check did not end within {CHECK_SECONDS:g} seconds."
_FLAGS = ("enters_long", "enters_short", "exits_long", "exits_short")
_NUMBERS = ("confidence", "strength", "stop", "take_profit")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `row` is the bar at which it showed (-1: at none in particular)."""

    code: str
    message: str
    row: int = -1


@dataclass(frozen=True, slots=True)
class CausalityReport:
    """What the check found. A strategy may only start when `is_causal`."""

    is_causal: bool
    warmup: int
    n_bars: int
    n_prefixes: int
    n_windows: int
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for a JSON column."""
        return {**asdict(self), "problems": [asdict(problem) for problem in self.problems]}


class _Refused(Exception):
    def __init__(self, code: str, message: str, row: int = -1) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, row)


def check(strategy: Strategy, params: Params, bars: BarArrays, *, seed: int = SEED) -> CausalityReport:
    """Check a strategy on real bars. The same seed and bars give the same report; what the code raises is in it."""
    bars = bars.tail(MAX_BARS)
    counts = {"warmup": 0, "n_prefixes": 0, "n_windows": 0}
    until = time.monotonic() + CHECK_SECONDS
    try:
        _check(_Asked(strategy, params, until), bars, seed, counts)
    except _Refused as refusal:
        problem = refusal.problem
    except StrategyError as error:
        problem = Problem(error.code, _TOO_SLOW if error.code == "too_slow" else error.message)
    else:
        return CausalityReport(True, counts["warmup"], len(bars), counts["n_prefixes"], counts["n_windows"])
    return CausalityReport(False, counts["warmup"], len(bars), counts["n_prefixes"], counts["n_windows"], (problem,))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom the check asks, and until when (monotonic clock)."""

    strategy: Strategy
    params: Params
    until: float


def _check(asked: _Asked, bars: BarArrays, seed: int, counts: dict[str, int]) -> None:
    warmup = counts["warmup"] = warmup_of(asked.strategy, asked.params)
    if len(bars) < warmup + 2:
        message = f"{len(bars)} bars are too few: a warm-up of {warmup} and two to decide on are needed."
        raise _Refused("not_enough_bars", message)
    full = _ask(asked, bars)
    _same(full, _ask(asked, bars), "not_deterministic", "The same bars gave two answers", len(bars) - 1)
    rows = _rows_to_try(full, warmup, seed)
    for i in rows:
        prefix = _ask(asked, bars.head(i + 1))
        counts["n_prefixes"] += 1
        _same(full, prefix, "looks_ahead", f"Without the bars after row {i} the answer changes", i)
    for i in rows[:: max(1, len(rows) // N_FUTURES)]:
        other = _ask(asked, _with_other_future(bars, i))
        _same(full, other, "looks_ahead", f"With other bars after row {i} the answer changes", i)
    for i in rows:
        window = _ask(asked, bars.slice(i - warmup, i + 1))
        counts["n_windows"] += 1
        _same_last(full, window, i, warmup)


def _ask(asked: _Asked, bars: BarArrays) -> Answer:
    """Ask with a copy, so that the code cannot reach the bars that it is not given, nor change what is compared."""
    copy = BarArrays(*(column.copy() for column in bars.columns))  # type: ignore[arg-type]  # the columns in their order
    left = max(_LEAST_SECONDS, asked.until - time.monotonic())
    said = answer(asked.strategy, asked.params, copy, seconds=left)
    if not copy.is_equal(bars):
        raise _Refused("mutates_input", "signals() changes the bars it is given.")
    return said


def _with_other_future(bars: BarArrays, i: int) -> BarArrays:
    """Return the bars with prices and volumes after row `i` doubled: shows what no shorter history would."""
    factor = np.where(np.arange(len(bars)) > i, FUTURE_FACTOR, 1.0)
    return BarArrays(bars.t, bars.o * factor, bars.h * factor, bars.l * factor, bars.c * factor, bars.v * factor)


def _rows_to_try(full: Answer, warmup: int, seed: int) -> list[int]:
    """Choose the first row that can decide, the last but one, rows that say something, and others at random."""
    last = len(full) - 2  # on the last row the prefix is the whole
    rng = np.random.default_rng(seed)
    spoken = np.flatnonzero(full.says_something[warmup : last + 1]) + warmup
    # Where the answer changes says more than where it stays.
    changed = np.flatnonzero(np.diff(full.says_something[warmup : last + 1].astype(np.int8))) + warmup
    chosen = {warmup, last}
    for pool in (spoken, changed, np.arange(warmup, last + 1)):
        take = min(len(pool), N_SAMPLES // 3)
        chosen.update(int(i) for i in rng.choice(pool, size=take, replace=False))
    return sorted(chosen)


def _same(full: Answer, other: Answer, code: str, message: str, last: int) -> None:
    for name in _FLAGS:
        row = _first_difference(getattr(full, name)[: last + 1] != getattr(other, name)[: last + 1])
        if row is not None:
            raise _Refused(code, f"{message}: {name.replace('_', ' ')} differs at row {row}.", row)
    spoken = full.says_something[: last + 1]
    for name in _NUMBERS:
        mine, theirs = getattr(full, name)[: last + 1], getattr(other, name)[: last + 1]
        row = _first_difference(spoken & ~np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
        if row is not None:
            raise _Refused(code, f"{message}: {name.replace('_', ' ')} differs at row {row}.", row)


def _same_last(full: Answer, window: Answer, i: int, warmup: int) -> None:
    for name in _FLAGS:
        _refuse_if(getattr(full, name)[i] != getattr(window, name)[warmup], full, window, name, i, warmup)
    for name in _NUMBERS if full.says_something[i] else ():
        mine, theirs = getattr(full, name)[i], getattr(window, name)[warmup]
        is_same = np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        _refuse_if(not is_same, full, window, name, i, warmup)


def _refuse_if(differs: bool, full: Answer, window: Answer, name: str, i: int, warmup: int) -> None:
    if differs:
        mine, theirs = getattr(full, name)[i], getattr(window, name)[warmup]
        message = f"From {warmup + 1} bars (warm-up {warmup}) row {i} says something else than from all bars"
        word = name.replace("_", " ")
        raise _Refused("warmup_too_short", f"{message}: {word} is {theirs} instead of {mine}.", i)


def _first_difference(differs: Any) -> int | None:
    rows = np.flatnonzero(differs)
    return int(rows[0]) if rows.size else None
