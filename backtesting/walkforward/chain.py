"""A walk-forward: parameters chosen in each window are carried into the next stretch; the stretches make one curve.

Pure: how a combination is run is handed in. Source of the efficiency: Pardo (2008), "The Evaluation and Optimization
of Trading Strategies", ch. 11.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.metrics.annual import DAY_SECONDS, YEAR_DAYS
from backtesting.search.constraints import Combo, Value
from backtesting.search.objectives import best
from backtesting.walkforward.windows import Span, Window
from domain.bars import Floats, Ints

_TOTAL_LOSS = -50.0  # log growth that stands for having lost all


@dataclass(frozen=True, slots=True)
class Pick:
    """The combination chosen in a window and its score there."""

    combo: Combo
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One run over one span: its score (higher is better), equity at each moment, money at the start, trades."""

    score: float
    t: Ints
    equity: Floats
    starting_equity: float
    n_trades: int

    @property
    def total_return(self) -> float:
        """Return over the span as a fraction; 0 without a bar."""
        return float(self.equity[-1]) / self.starting_equity - 1.0 if len(self.equity) else 0.0

    @property
    def growth(self) -> float:
        """Log of what the money became; a very low number when it is gone."""
        left = 1.0 + self.total_return
        return math.log(left) if left > 0 else _TOTAL_LOSS

    @property
    def years(self) -> float:
        """Time from the first moment to the last."""
        return float(self.t[-1] - self.t[0]) / (DAY_SECONDS * YEAR_DAYS) if len(self.t) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class WindowResult:
    """One window: what was chosen (None: no combination was usable, and nothing was traded), in and out of sample."""

    window: Window
    combo: Combo | None
    in_sample: Outcome | None
    out_of_sample: Outcome | None


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """All windows and the stitched out-of-sample curve.

    ``efficiency`` : growth a year out of sample by that in sample; None where in sample nothing was gained
    ``consistency`` : share of the windows that gained out of sample
    ``parameters`` : by name, the value chosen in each window (None where none was)
    ``steadiness`` : by name, share of the windows that kept the value of the window before (None: one window)
    """

    windows: tuple[WindowResult, ...]
    t: Ints
    equity: Floats
    starting_equity: float
    efficiency: float | None
    consistency: float
    parameters: dict[str, list[Value | None]]
    steadiness: dict[str, float | None]
    n_trades: int


Choose = Callable[[Span], Pick | None]
Run = Callable[[Combo, Span], Outcome]


def pick(combos: Sequence[Combo], scores: Floats) -> Pick | None:
    """Return the best combination; None where none has a score."""
    row = best(combos, scores)
    return None if row is None else Pick(combos[row], float(scores[row]))


def walk_forward(
    steps: Sequence[Window],
    *,
    choose: Choose,
    run: Run,
    starting_equity: float,
    progress: Callable[[int], None] | None = None,
) -> WalkForward:
    """Choose on every window's training, run the choice on its training and on its test, and put it together.

    Parameters
    ----------
    steps : windows, oldest first
    choose : returns the best combination on a span (a sweep), or None
    run : runs one combination over a span; earlier bars may warm up its indicators and are not traded in
    progress : called with the number of windows done; what it raises ends the walk
    """
    found = []
    for done, window in enumerate(steps, start=1):
        found.append(walked(window, choose=choose, run=run))
        if progress is not None:
            progress(done)
    return joined(found, starting_equity=starting_equity)


def walked(window: Window, *, choose: Choose, run: Run) -> WindowResult:
    """Do one window: a task of its own where windows are spread over workers."""
    chosen = choose(window.train)
    if chosen is None:
        return WindowResult(window, None, None, None)
    return WindowResult(window, chosen.combo, run(chosen.combo, window.train), run(chosen.combo, window.test))


def joined(results: Sequence[WindowResult], *, starting_equity: float) -> WalkForward:
    """Put windows (oldest first) together to a walk-forward."""
    t, equity = stitched(results, starting_equity)
    outside = [each.out_of_sample for each in results if each.out_of_sample is not None]
    gains = [outcome.total_return > 0 for outcome in outside]
    parameters = parameters_over_time(results)
    return WalkForward(
        windows=tuple(results),
        t=t,
        equity=equity,
        starting_equity=starting_equity,
        efficiency=efficiency(results),
        consistency=sum(gains) / len(results) if results else 0.0,
        parameters=parameters,
        steadiness={name: _steadiness(values) for name, values in parameters.items()},
        n_trades=sum(outcome.n_trades for outcome in outside),
    )


def stitched(results: Sequence[WindowResult], starting_equity: float) -> tuple[Ints, Floats]:
    """Return (t, equity) of the tests one after the other, each begun with what the one before left, if anything."""
    money, times, values = starting_equity, list[Ints](), list[Floats]()
    for result in results:
        outcome = result.out_of_sample
        if outcome is None or len(outcome.t) == 0:
            continue
        times.append(outcome.t)
        scaled = outcome.equity * (money / outcome.starting_equity)
        values.append(scaled if money > 0 else np.full(len(outcome.t), money))
        money = float(values[-1][-1])
    if not times:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return np.concatenate(times), np.concatenate(values)


def efficiency(results: Sequence[WindowResult]) -> float | None:
    """Return growth a year out of sample by growth a year in sample, over all windows; None without a gain in sample.

    Growth is logarithmic, so that windows of different length can be added.
    """
    both = [(each.in_sample, each.out_of_sample) for each in results if each.in_sample and each.out_of_sample]
    inside, outside = (_yearly([pair[side] for pair in both]) for side in (0, 1))
    return None if not both or math.isnan(outside) or not inside > 0 else outside / inside


def _yearly(outcomes: Sequence[Outcome]) -> float:
    years = sum(outcome.years for outcome in outcomes)
    return sum(outcome.growth for outcome in outcomes) / years if years > 0 else math.nan


def parameters_over_time(results: Sequence[WindowResult]) -> dict[str, list[Value | None]]:
    """Return the values chosen in each window, by parameter."""
    names = next((list(each.combo) for each in results if each.combo), [])
    return {name: [None if each.combo is None else each.combo[name] for each in results] for name in names}


def _steadiness(values: Sequence[Value | None]) -> float | None:
    kept = [one == other for one, other in itertools.pairwise(values)]
    return sum(kept) / len(kept) if kept else None
