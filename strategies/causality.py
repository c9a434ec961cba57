"""Is a strategy honest? Its answer on every prefix, and on the last `warmup + 1` bars, must be its answer on all. Pure.

A difference on a prefix, or under another future, means that a row used bars after it (look-ahead). One on the last
bars means that live, which sees only those, would do something else than the backtest (too short a warm-up for a
recursive indicator).

What lets entries pass only before a rise says the same on a prefix, where it takes the last bar for the next. Rows that
say something are therefore also shown a market that falls right after them, and one that rises. Of long histories the
newest bars are checked as above, and rows of the whole by the bars around them.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.base import Params, Strategy
from strategies.bounded import CHECK_SECONDS, LONG_SECONDS
from strategies.evaluate import Answer, answer, warmup_of

MAX_BARS = 6_000  # of the newest bars, all of whose rows are compared; of older ones some rows are
N_SAMPLES = 48
N_FUTURES = 8
FUTURE_FACTOR = 2.0
FUTURE_BARS = 50  # after a row, replaced by a fall and by a rise
_FUTURES = ((0.8, 0.98, 0.01, 0), (1.25, 1.02, 100.0, 0), (1.25, 1.02, 1.0, 7 * 86_400))
"""A fall, a rise, and a rise after a gap: away at once, further a bar, times the volume, seconds later."""
MAX_WHOLE, _MOST_WHOLE = 6, 600_000  # questions about a whole long history, and bars in all of them
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
    newest = bars.tail(MAX_BARS)
    counts = {"warmup": 0, "n_prefixes": 0, "n_windows": 0}
    asked = _Asked(strategy, params, time.monotonic() + CHECK_SECONDS)
    try:
        _check(asked, newest, seed, counts)
        if len(bars) > len(newest):
            _check_older(asked, bars, seed, counts)
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
    _check_windows(asked, bars, full, rows, counts)
    _check_futures(asked, bars, full, _rows_by_flag(full, warmup, seed), warmup)


def _check_older(asked: _Asked, bars: BarArrays, seed: int, counts: dict[str, int]) -> None:
    """Check rows of a long history by the bars around them: what they say there must be what they say in the whole."""
    patient = replace(asked, until=time.monotonic() + LONG_SECONDS)
    full, warmup = _ask(patient, bars), counts["warmup"]
    rows = _rows_by_flag(full, warmup, seed)
    n_whole = min(MAX_WHOLE, max(1, _MOST_WHOLE // len(bars)))
    for k, i in enumerate(rows[:: max(1, len(rows) // n_whole)][:n_whole]):
        other = _ask_of_another(patient, _with_trend(bars, i, *_FUTURES[k % 2]))
        if other is not None:
            _same(full, other, "looks_ahead", f"With other bars after row {i} the answer changes", i)
    asked = replace(asked, until=time.monotonic() + CHECK_SECONDS)
    _check_windows(asked, bars, full, sorted({*_rows_to_try(full, warmup, seed), *rows}), counts)
    _check_futures(asked, bars, full, rows, warmup)


def _check_windows(asked: _Asked, bars: BarArrays, full: Answer, rows: list[int], counts: dict[str, int]) -> None:
    """Compare rows with what they say from the last bars alone, as live asks."""
    warmup = counts["warmup"]
    for i in rows:
        window = _ask(asked, bars.slice(i - warmup, i + 1))
        counts["n_windows"] += 1
        few = f"From {warmup + 1} bars (warm-up {warmup}) row {i} says something else than from all bars"
        _same_last(full, window, i, warmup, "warmup_too_short", few)


def _check_futures(asked: _Asked, bars: BarArrays, full: Answer, rows: list[int], warmup: int) -> None:
    """Compare rows with what they say before a fall and a rise that never came."""
    for i in rows:
        for future in _FUTURES:
            other = _ask_of_another(asked, _with_trend(bars.slice(i - warmup, i + 1 + FUTURE_BARS), warmup, *future))
            if other is not None:
                message = f"With other bars after row {i} the answer changes"
                _same_last(full, other, i, warmup, "looks_ahead", message)


def _ask(asked: _Asked, bars: BarArrays) -> Answer:
    """Ask with a copy, so that the code cannot reach the bars that it is not given, nor change what is compared."""
    copy = BarArrays(*(column.copy() for column in bars.columns))  # type: ignore[arg-type]  # the columns in their order
    left = max(_LEAST_SECONDS, asked.until - time.monotonic())
    said = answer(asked.strategy, asked.params, copy, seconds=left)
    if not copy.is_equal(bars):
        raise _Refused("mutates_input", "signals() changes the bars it is given.")
    return said


def _ask_of_another(asked: _Asked, bars: BarArrays) -> Answer | None:
    """Ask about a market that never was; None where the code answers wrongly there (a stop below 0, say)."""
    try:
        return _ask(asked, bars)
    except StrategyError as error:
        if error.code == "too_slow":
            raise
        return None


def _with_other_future(bars: BarArrays, i: int) -> BarArrays:
    """Return the bars with prices and volumes after row `i` doubled: shows what no shorter history would."""
    factor = np.where(np.arange(len(bars)) > i, FUTURE_FACTOR, 1.0)
    return BarArrays(bars.t, bars.o * factor, bars.h * factor, bars.l * factor, bars.c * factor, bars.v * factor)


def _with_trend(bars: BarArrays, i: int, jump: float, step: float, volume: float, later: int) -> BarArrays:
    """Return the bars with a trend instead of what comes after row `i` (see `_FUTURES`)."""
    after = np.clip(np.arange(len(bars)) - i, 0, FUTURE_BARS)
    is_after, path = after > 0, bars.c[i] * jump * step**after
    o, h, low, c = (np.where(is_after, path, column) for column in (bars.o, bars.h, bars.l, bars.c))
    return BarArrays(bars.t + later * is_after, o, h, low, c, np.where(is_after, bars.v * volume, bars.v))


def _rows_by_flag(full: Answer, warmup: int, seed: int) -> list[int]:
    """Choose rows of every kind of statement: what one of them hides, the others need not show."""
    rng = np.random.default_rng(seed + 1)
    chosen: set[int] = set()
    for name in _FLAGS:
        spoken = np.flatnonzero(getattr(full, name)[warmup : len(full) - 1]) + warmup
        take = min(len(spoken), N_SAMPLES // 3)
        chosen.update(int(i) for i in rng.choice(spoken, size=take, replace=False))
    return sorted(chosen)


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


def _same_last(full: Answer, other: Answer, i: int, warmup: int, code: str, message: str) -> None:
    """Compare row `i` of the whole with the row behind the warm-up of bars that begin `warmup` before it."""
    for name in (*_FLAGS, *(_NUMBERS if full.says_something[i] else ())):
        mine, theirs = getattr(full, name)[i], getattr(other, name)[warmup]
        is_same = np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if not is_same if name in _NUMBERS else mine != theirs:
            raise _Refused(code, f"{message}: {name.replace('_', ' ')} is {theirs} instead of {mine}.", i)


def _first_difference(differs: Any) -> int | None:
    rows = np.flatnonzero(differs)
    return int(rows[0]) if rows.size else None
