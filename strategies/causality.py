"""Is a strategy honest? Its answer on every prefix, and on the last `warmup + 1` bars, must be its answer on all. Pure.

A difference on a prefix, or under another future, means that a row used bars after it (look-ahead). One on the last
bars means that live, which sees only those, would do something else than the backtest (too short a warm-up for a
recursive indicator).

What lets entries pass only before a rise says the same on a prefix, where it takes the last bar for the next. Rows that
say something are therefore also shown a market that falls right after them, and one that rises: some of them always,
all of them as long as the check stays short (`EVERYWHERE_BARS`, `EVERYWHERE_SECONDS`), and then rows that say nothing.
Of long histories the newest bars are checked as above, and rows of the whole by the bars around them.
"""

import time
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.base import Params, Strategy
from strategies.bounded import CHECK_SECONDS, LONG_SECONDS
from strategies.evaluate import Answer, warmup_of
from strategies.probing import (
    FLAGS,
    FUTURE_BARS,
    Asked,
    Future,
    Problem,
    Refused,
    ask,
    ask_of_another,
    same,
    same_last,
    with_other_future,
    with_trend,
)

MAX_BARS = 6_000  # of the newest bars, all of whose rows are compared; of older ones some rows are
N_SAMPLES = 48
N_SILENT = 200  # rows that say nothing and are shown other futures, at most
N_FUTURES = 8
_WEEK = 7 * 86_400
_FUTURES = (Future(0.8, 0.98, 0.01), Future(1.25, 1.02, 100.0), Future(1.25, 1.02, 1.0, _WEEK))
_FALLS, _RISES = ((0.8, 0.98), (0.97, 0.995)), ((1.25, 1.02), (1.03, 1.005))
_VOLUMES, _GAPS = (0.01, 1.0, 100.0), (0, 0, _WEEK)
EVERYWHERE_BARS, EVERYWHERE_SECONDS = 3_000_000, 0.6  # shown to the strategy beyond the sampled rows, at most
MAX_WHOLE, _MOST_WHOLE = 6, 600_000  # questions about a whole long history, and bars in all of them
SEED = 20_000
_TOO_SLOW = f"The code is too slow or does not come back: the check did not end within {CHECK_SECONDS:g} seconds."


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


def check(strategy: Strategy, params: Params, bars: BarArrays, *, seed: int = SEED) -> CausalityReport:
    """Check a strategy on real bars. The same seed and bars give the same report; what the code raises is in it."""
    newest = bars.tail(MAX_BARS)
    counts = {"warmup": 0, "n_prefixes": 0, "n_windows": 0}
    asked = Asked(strategy, params, time.monotonic() + CHECK_SECONDS)
    try:
        _check(asked, newest, seed, counts)
        if len(bars) > len(newest):
            _check_older(asked, bars, seed, counts)
    except Refused as refusal:
        problem = refusal.problem
    except StrategyError as error:
        problem = Problem(error.code, _TOO_SLOW if error.code == "too_slow" else error.message)
    else:
        return CausalityReport(True, counts["warmup"], len(bars), counts["n_prefixes"], counts["n_windows"])
    return CausalityReport(False, counts["warmup"], len(bars), counts["n_prefixes"], counts["n_windows"], (problem,))


def _check(asked: Asked, bars: BarArrays, seed: int, counts: dict[str, int]) -> None:
    warmup = counts["warmup"] = warmup_of(asked.strategy, asked.params)
    if len(bars) < warmup + 2:
        message = f"{len(bars)} bars are too few: a warm-up of {warmup} and two to decide on are needed."
        raise Refused("not_enough_bars", message)
    full = ask(asked, bars)
    same(full, ask(asked, bars), "not_deterministic", "The same bars gave two answers", len(bars) - 1)
    rows = _rows_to_try(full, warmup, seed)
    for i in rows:
        prefix = ask(asked, bars.head(i + 1))
        counts["n_prefixes"] += 1
        same(full, prefix, "looks_ahead", f"Without the bars after row {i} the answer changes", i)
    for i in rows[:: max(1, len(rows) // N_FUTURES)]:
        other = ask(asked, with_other_future(bars, i))
        same(full, other, "looks_ahead", f"With other bars after row {i} the answer changes", i)
    _check_windows(asked, bars, full, rows, counts)
    _check_futures(asked, bars, full, _rows_by_flag(full, warmup, seed), warmup)
    _check_everywhere(asked, bars, full, warmup, seed)


def _check_older(asked: Asked, bars: BarArrays, seed: int, counts: dict[str, int]) -> None:
    """Check rows of a long history by the bars around them: what they say there must be what they say in the whole."""
    patient = replace(asked, until=time.monotonic() + LONG_SECONDS)
    full, warmup = ask(patient, bars), counts["warmup"]
    rows = _rows_by_flag(full, warmup, seed)
    n_whole = min(MAX_WHOLE, max(1, _MOST_WHOLE // len(bars)))
    for k, i in enumerate(rows[:: max(1, len(rows) // n_whole)][:n_whole]):
        other = ask_of_another(patient, with_trend(bars, i, _FUTURES[k % 2]))
        if other is not None:
            same(full, other, "looks_ahead", f"With other bars after row {i} the answer changes", i)
    asked = replace(asked, until=time.monotonic() + CHECK_SECONDS)
    _check_windows(asked, bars, full, sorted({*_rows_to_try(full, warmup, seed), *rows}), counts)
    _check_futures(asked, bars, full, rows, warmup)
    _check_everywhere(asked, bars, full, warmup, seed)


def _check_windows(asked: Asked, bars: BarArrays, full: Answer, rows: list[int], counts: dict[str, int]) -> None:
    """Compare rows with what they say from the last bars alone, as live asks."""
    warmup = counts["warmup"]
    for i in rows:
        window = ask(asked, bars.slice(i - warmup, i + 1))
        counts["n_windows"] += 1
        few = f"From {warmup + 1} bars (warm-up {warmup}) row {i} says something else than from all bars"
        same_last(full, window, i, warmup, "warmup_too_short", few)


def _check_futures(asked: Asked, bars: BarArrays, full: Answer, rows: list[int], warmup: int) -> None:
    """Compare rows with what they say before a fall and a rise that never came."""
    for i in rows:
        for future in _FUTURES:
            other = ask_of_another(asked, with_trend(bars.slice(i - warmup, i + 1 + FUTURE_BARS), warmup, future))
            if other is not None:
                message = f"With other bars after row {i} the answer changes"
                same_last(full, other, i, warmup, "looks_ahead", message)


def _check_everywhere(asked: Asked, bars: BarArrays, full: Answer, warmup: int, seed: int) -> None:
    """Show other futures at every row that says something, then at some that say nothing, until enough was looked at.

    Of a history that is short enough the whole prefix is shown and compared, of a longer one the bars around the row.
    """
    rng = np.random.default_rng(seed + 2)
    n_before = len(bars) if len(bars) <= MAX_BARS else warmup
    end, left = time.monotonic() + EVERYWHERE_SECONDS, EVERYWHERE_BARS
    for i in _rows_everywhere(full, warmup, rng):
        start = max(0, i - n_before)
        shown = bars.slice(start, i + 1 + FUTURE_BARS)
        for future in _any_futures(rng):
            other = ask_of_another(asked, with_trend(shown, i - start, future))
            if other is not None:
                _compare(full, other, i, start, warmup)
        left -= 2 * len(shown)
        if left <= 0 or time.monotonic() > end:
            return


def _compare(full: Answer, other: Answer, i: int, start: int, warmup: int) -> None:
    message = f"With other bars after row {i} the answer changes"
    if start == 0:
        same(full, other, "looks_ahead", message, i)
    else:
        same_last(full, other, i, warmup, "looks_ahead", message)


def _rows_everywhere(full: Answer, warmup: int, rng: np.random.Generator) -> list[int]:
    """Return the rows that say something in random order, the kinds of statements by turns, then some of the others."""
    rows = rng.permutation(np.arange(warmup, len(full) - 1))
    kinds = [rows[getattr(full, name)[rows]].tolist() for name in FLAGS]
    turns = [row for turn in zip_longest(*kinds) for row in turn if row is not None]
    return list(dict.fromkeys([*turns, *rows[~full.says_something[rows]][:N_SILENT].tolist()]))


def _any_futures(rng: np.random.Generator) -> list[Future]:
    """Return a fall and a rise, each of any size, volume and gap."""
    moves = [moves[rng.integers(len(moves))] for moves in (_FALLS, _RISES)]
    return [Future(*move, _VOLUMES[rng.integers(len(_VOLUMES))], _GAPS[rng.integers(len(_GAPS))]) for move in moves]


def _rows_by_flag(full: Answer, warmup: int, seed: int) -> list[int]:
    """Choose rows of every kind of statement: what one of them hides, the others need not show."""
    rng = np.random.default_rng(seed + 1)
    chosen: set[int] = set()
    for name in FLAGS:
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
