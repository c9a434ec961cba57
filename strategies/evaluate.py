"""Ask a strategy and believe nothing: its answer is checked and brought into one form before anybody acts. Pure."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from domain.bars import BarArrays, Floats
from domain.errors import StrategyError
from strategies.base import MAX_WARMUP, Bools, Params, Signals, Strategy
from strategies.bounded import LIVE_SECONDS, LONG_SECONDS, within

logger = logging.getLogger(__name__)
MAX_REASON = 200
_BUILT_IN = "strategies.library."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What a strategy says at one bar, whatever is held. `strength` is the wanted share of the sizing."""

    enters_long: bool
    enters_short: bool
    exits_long: bool
    exits_short: bool
    confidence: float
    strength: float
    stop: float | None
    take_profit: float | None
    entry_reason: str
    exit_reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A checked answer: every column is there, of the right type and length."""

    enters_long: Bools
    enters_short: Bools
    exits_long: Bools
    exits_short: Bools
    confidence: Floats
    strength: Floats
    stop: Floats
    take_profit: Floats
    signals: Signals

    def __len__(self) -> int:
        return len(self.enters_long)

    @property
    def says_something(self) -> Bools:
        """True on the rows that want anything."""
        return self.enters_long | self.enters_short | self.exits_long | self.exits_short

    def row(self, i: int) -> AnswerRow | None:
        """Return what row `i` says; None when it says nothing."""
        if not self.enters_long[i] | self.enters_short[i] | self.exits_long[i] | self.exits_short[i]:
            return None
        return AnswerRow(
            enters_long=bool(self.enters_long[i]),
            enters_short=bool(self.enters_short[i]),
            exits_long=bool(self.exits_long[i]),
            exits_short=bool(self.exits_short[i]),
            confidence=float(self.confidence[i]),
            strength=float(self.strength[i]),
            stop=_price(self.stop[i]),
            take_profit=_price(self.take_profit[i]),
            entry_reason=_reason(self.signals.entry_reason, self.signals, i),
            exit_reason=_reason(self.signals.exit_reason, self.signals, i),
        )


def last_row(strategy: Strategy, params: Params, bars: BarArrays) -> AnswerRow | None:
    """Return what the strategy says at the last of these bars, from the last `warmup + 1` of them.

    None when it says nothing, or when there are not enough bars yet. Raises StrategyError when the code fails or
    answers something that is no answer.
    """
    needed = warmup_of(strategy, params) + 1
    if len(bars) < needed:
        return None
    return answer(strategy, params, bars.tail(needed), seconds=LIVE_SECONDS).row(needed - 1)


def warmup_of(strategy: Strategy, params: Params) -> int:
    """Return the bars a strategy needs before the one it decides on; raises StrategyError when that is no count."""
    return warmups_of(strategy, [params])[0]


def warmups_of(strategy: Strategy, combinations: Sequence[Params]) -> list[int]:
    """Return the warm-up of each of many combinations, asked for in one bounded call; see `warmup_of`."""
    answers = guarded(strategy, "warmup", lambda: [strategy.warmup(params) for params in combinations])
    return [_warmup(answer) for answer in answers]


def _warmup(bars: Any) -> int:
    if isinstance(bars, bool) or not isinstance(bars, int | np.integer) or not 0 <= bars <= MAX_WARMUP:
        message = f"warmup() answered {bars!r}, not a whole number from 0 to {MAX_WARMUP}."
        raise StrategyError(message, code="wrong_type")
    return int(bars)


def answer(strategy: Strategy, params: Params, bars: BarArrays, *, seconds: float = LONG_SECONDS) -> Answer:
    """Return a strategy's checked answer for all of these bars; raises StrategyError."""
    given = read_only(bars)
    said = guarded(strategy, "signals", lambda: strategy.signals(given, params), seconds=seconds)
    if not isinstance(said, Signals):
        raise StrategyError(f"signals() answered {type(said).__name__}, not Signals.", code="wrong_type")
    return _checked(said, len(bars))


def read_only(bars: BarArrays) -> BarArrays:
    """Return views of the bars that cannot be written to."""
    views = [column.view() for column in bars.columns]
    for view in views:
        view.flags.writeable = False
    return BarArrays(*views)  # type: ignore[arg-type]  # the columns in their own order


def guarded(strategy: Strategy, method: str, call: Callable[[], T], *, seconds: float = LIVE_SECONDS) -> T:
    """Call a strategy's code, others' for a bounded time; what it raises becomes a StrategyError in plain words."""
    is_ours = type(strategy).__module__.startswith(_BUILT_IN)
    try:
        return call() if is_ours else within(seconds, call, what=f"{method}()")
    except StrategyError:
        raise
    except Exception as error:
        logger.warning("strategy %s failed in %s()", strategy.name, method, exc_info=True)
        if "read-only" in str(error):
            raise StrategyError(f"{method}() tries to change the bars it is given.", code="mutates_input") from error
        raise StrategyError(
            f"{method}() raised {type(error).__name__}: {str(error)[:MAX_REASON]}", code="exception"
        ) from error


def _checked(said: Signals, n: int) -> Answer:
    if (said.entry is None) == (said.target is None):
        raise StrategyError("An answer has either entry or target.", code="wrong_type")
    if said.target is not None:
        long, short, out_long, out_short, strength = _from_target(said.target, n)
    else:
        long, short = _flags(said.entry, "entry", n), _flags(said.short_entry, "short_entry", n)
        out_long, out_short = _flags(said.exit, "exit", n), _flags(said.short_exit, "short_exit", n)
        strength = np.ones(n)
    if (long & short).any():
        row = int(np.flatnonzero(long & short)[0])
        raise StrategyError(f"Row {row} enters long and short at once.", code="contradictory")
    spoken = long | short | out_long | out_short
    answered = Answer(
        long,
        short,
        out_long,
        out_short,
        _confidence(said.confidence, spoken, n),
        strength,
        _prices(said.stop, "stop", spoken, n),
        _prices(said.take_profit, "take_profit", spoken, n),
        said,
    )
    for name, column in said.values.items():
        _floats(column, f"values[{name!r}]", n)
    return answered


def _from_target(column: Any, n: int) -> tuple[Bools, Bools, Bools, Bools, Floats]:
    target = _floats(column, "target", n)
    if (np.abs(target) > 1).any():
        worst = float(target[np.nanargmax(np.abs(target))])
        raise StrategyError(f"target holds {worst:g}, which is outside -1..1.", code="out_of_bounds")
    strength = np.where(np.isnan(target) | (target == 0), 1.0, np.abs(target))
    return target > 0, target < 0, target <= 0, target >= 0, strength


def _flags(column: Any, name: str, n: int) -> Bools:
    if column is None:
        return np.zeros(n, dtype=np.bool_)
    _shape(column, name, n)
    if column.dtype != np.bool_:
        raise StrategyError(f"{name} holds {column.dtype} values, not true and false.", code="not_bool")
    return np.asarray(column)


def _floats(column: Any, name: str, n: int) -> Floats:
    _shape(column, name, n)
    if column.dtype.kind not in "fiu":
        raise StrategyError(f"{name} holds {column.dtype} values, not real numbers.", code="not_real")
    numbers = np.asarray(column, dtype=np.float64)
    if np.isinf(numbers).any():
        raise StrategyError(f"{name} holds an infinite number.", code="not_finite")
    return numbers


def _shape(column: Any, name: str, n: int) -> None:
    if not isinstance(column, np.ndarray):
        raise StrategyError(f"{name} is {type(column).__name__}, not a numpy array.", code="wrong_type")
    if column.shape != (n,):
        raise StrategyError(f"{name} has the shape {column.shape}, not ({n},) as the bars have.", code="wrong_length")


def _confidence(column: Any, spoken: Bools, n: int) -> Floats:
    if column is None:
        return np.ones(n)
    numbers = _floats(column, "confidence", n)
    said = numbers[spoken]
    if np.isnan(said).any():
        raise StrategyError("confidence is not a number on a row that says something.", code="not_finite")
    if said.size and (said.min() < 0 or said.max() > 1):
        raise StrategyError("confidence lies outside 0..1.", code="out_of_bounds")
    return numbers


def _prices(column: Any, name: str, spoken: Bools, n: int) -> Floats:
    if column is None:
        return np.full(n, np.nan)
    numbers = _floats(column, name, n)
    if (numbers[spoken] <= 0).any():
        raise StrategyError(f"{name} holds a price that is not above zero.", code="out_of_bounds")
    return numbers


def _price(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _reason(template: str, said: Signals, i: int) -> str:
    if not isinstance(template, str):
        raise StrategyError("A reason is not a text.", code="wrong_type")
    numbers = {name: float(column[i]) for name, column in said.values.items()}
    try:
        return template.format(**numbers)[:MAX_REASON]
    except (LookupError, ValueError, AttributeError) as error:
        raise StrategyError(f"The reason {template[:60]!r} cannot be filled in: {error}.", code="exception") from error
