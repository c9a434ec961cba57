"""The questions that the causality check asks a strategy, other futures, and how two answers are compared. Pure."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.base import Params, Strategy
from strategies.evaluate import Answer, answer

FUTURE_FACTOR = 2.0
FUTURE_BARS = 50  # after a row, replaced by a fall and by a rise
TOLERANCE = 1e-6  # relative, for prices and confidence; yes and no must agree exactly
FLAGS = ("enters_long", "enters_short", "exits_long", "exits_short")
_NUMBERS = ("confidence", "strength", "stop", "take_profit")
_LEAST_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `row` is the bar at which it showed (-1: at none in particular)."""

    code: str
    message: str
    row: int = -1


class Refused(Exception):
    """Ends a check: what was found."""

    def __init__(self, code: str, message: str, row: int = -1) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, row)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the check asks, and until when (monotonic clock)."""

    strategy: Strategy
    params: Params
    until: float


@dataclass(frozen=True, slots=True)
class Future:
    """What comes after a row instead of the truth: the first close and each further one as multiples of the one before,
    times the volume, after a gap of so many seconds."""

    jump: float
    step: float
    volume: float = 1.0
    later: int = 0


def ask(asked: Asked, bars: BarArrays) -> Answer:
    """Ask with a copy, so that the code cannot reach the bars that it is not given, nor change what is compared."""
    copy = BarArrays(*(column.copy() for column in bars.columns))  # type: ignore[arg-type]  # the columns in their order
    left = max(_LEAST_SECONDS, asked.until - time.monotonic())
    said = answer(asked.strategy, asked.params, copy, seconds=left)
    if not copy.is_equal(bars):
        raise Refused("mutates_input", "signals() changes the bars it is given.")
    return said


def ask_of_another(asked: Asked, bars: BarArrays) -> Answer | None:
    """Ask about a market that never was; None where the code answers wrongly there (a stop below 0, say)."""
    try:
        return ask(asked, bars)
    except StrategyError as error:
        if error.code == "too_slow":
            raise
        return None


def with_other_future(bars: BarArrays, i: int) -> BarArrays:
    """Return the bars with prices and volumes after row `i` doubled: shows what no shorter history would."""
    factor = np.where(np.arange(len(bars)) > i, FUTURE_FACTOR, 1.0)
    return BarArrays(bars.t, bars.o * factor, bars.h * factor, bars.l * factor, bars.c * factor, bars.v * factor)


def with_trend(bars: BarArrays, i: int, future: Future) -> BarArrays:
    """Return the bars with a trend instead of what comes after row `i`."""
    after = np.clip(np.arange(len(bars)) - i, 0, FUTURE_BARS)
    is_after, path = after > 0, bars.c[i] * future.jump * future.step**after
    o, h, low, c = (np.where(is_after, path, column) for column in (bars.o, bars.h, bars.l, bars.c))
    return BarArrays(bars.t + future.later * is_after, o, h, low, c, np.where(is_after, bars.v * future.volume, bars.v))


def same(full: Answer, other: Answer, code: str, message: str, last: int) -> None:
    """Raise Refused where an answer differs from the whole one up to a row; numbers count where something is said."""
    for name in FLAGS:
        row = _first_difference(getattr(full, name)[: last + 1] != getattr(other, name)[: last + 1])
        if row is not None:
            raise Refused(code, f"{message}: {name.replace('_', ' ')} differs at row {row}.", row)
    spoken = full.says_something[: last + 1]
    for name in _NUMBERS:
        mine, theirs = getattr(full, name)[: last + 1], getattr(other, name)[: last + 1]
        row = _first_difference(spoken & ~np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
        if row is not None:
            raise Refused(code, f"{message}: {name.replace('_', ' ')} differs at row {row}.", row)


def same_last(full: Answer, other: Answer, i: int, warmup: int, code: str, message: str) -> None:
    """Compare row `i` of the whole with the row behind the warm-up of bars that begin `warmup` before it."""
    for name in (*FLAGS, *(_NUMBERS if full.says_something[i] else ())):
        mine, theirs = getattr(full, name)[i], getattr(other, name)[warmup]
        is_same = np.isclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if not is_same if name in _NUMBERS else mine != theirs:
            raise Refused(code, f"{message}: {name.replace('_', ' ')} is {theirs} instead of {mine}.", i)


def _first_difference(differs: npt.NDArray[np.bool_]) -> int | None:
    rows = np.flatnonzero(differs)
    return int(rows[0]) if rows.size else None
