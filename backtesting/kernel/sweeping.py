"""Many combinations of two moving averages over the bars of one instrument. Pure.

The sums of every window are worked out once. Crosses are found block by block for all combinations, so that the sums
of a block stay in the processor's cache; then each combination is played by the same kernel as a single run. Threads
of Python share the work: the compiled code holds no lock, and needs no threading layer that would not survive a fork.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backtesting.kernel import crosses
from backtesting.kernel.compiling import compiled, kernel
from backtesting.kernel.layout import (
    EVENT,
    MORE,
    Grid,
    Market,
    Numbers,
    Records,
    Rules,
    Said,
    State,
    Written,
)
from backtesting.kernel.play import play
from backtesting.kernel.prepare import Prepared, new_state, new_tables, prepare
from backtesting.kernel.segments import Closes, closes, measured
from backtesting.panel import Panel
from backtesting.spec import RunSpec
from domain.bars import Floats
from strategies.base import AverageCross, Params
from strategies.evaluate import warmups_of

Rows = npt.NDArray[np.int32]

_BLOCK = 2048  # bars whose sums are compared at a time
_FEW = 16  # of them looked at together where usually nothing happens
_CHUNK = 64  # combinations that a thread takes at a time
_TILE = 8  # windows of each kind that a chunk's combinations are made of, where the space is a grid
_ASKS_THE_PAST = ("max_daily_loss", "max_drawdown")  # rules that look at the equity of bars gone by
FIGURES = ("final_equity", "max_drawdown", "sharpe", "n_trades", "fees_paid")


class Combinations(NamedTuple):
    """For each combination the rows of its windows' sums, the windows, and its first decision."""

    fast_row: Numbers
    slow_row: Numbers
    fast: Numbers
    slow: Numbers
    first: Numbers


def crossings(spec: RunSpec, combinations: Sequence[Params]) -> list[AverageCross] | None:
    """Return the crosses that the combinations are, or None: some are something else."""
    least = float(spec.trading.min_confidence_threshold)
    found = []
    for params in combinations:
        known = spec.strategy.compiled(params)
        if known is None or least > known.least_confidence:
            return None
        found.append(known)
    return found


def sweep(
    spec: RunSpec, panel: Panel, combinations: Sequence[Params], known: Sequence[AverageCross],
    progress: Callable[[int], None] | None,
) -> Grid:  # fmt: skip
    """Return the key figures (columns as in FIGURES) of every combination; see `backtesting.engine.sweep`."""
    figures = np.zeros((len(combinations), len(FIGURES)))
    if not len(combinations):
        return figures
    given = prepare(replace(spec, params=combinations[0]), panel)
    windows = sorted({each.fast for each in known} | {each.slow for each in known})
    sums = np.empty((len(windows), panel.n_bars))
    chosen = _chosen(spec, panel, combinations, known, windows)
    order = _tiled(chosen)
    ordered, measured_by_order = Combinations(*(column[order] for column in chosen)), np.zeros_like(figures)
    chunks = [(start, min(start + _CHUNK, len(known))) for start in range(0, len(known), _CHUNK)]
    done = 0
    n_threads = os.cpu_count() or 1
    own, past = threading.local(), closes(panel.c)

    def work(start: int, stop: int) -> None:
        if not hasattr(own, "scratch"):
            own.scratch = _Scratch(spec, panel, given, past)
        _run_chunk(own.scratch, ordered, sums, start, stop, measured_by_order)

    with ThreadPoolExecutor(max_workers=n_threads) as threads:
        each = [np.array(windows[k::n_threads], dtype=np.int64) for k in range(n_threads)]
        list(threads.map(lambda k: window_sums(panel.c, each[k], sums[k::n_threads]), range(n_threads)))
        jobs = [threads.submit(work, *chunk) for chunk in chunks]
        try:
            for job, (start, stop) in zip(jobs, chunks, strict=True):
                job.result()
                done += stop - start
                if progress is not None:
                    progress(done)
        except BaseException:
            for job in jobs:
                job.cancel()
            raise
    figures[order] = measured_by_order
    return figures


def _tiled(chosen: Combinations) -> Numbers:
    """Return an order in which combinations near each other share windows, whose sums then stay in the cache."""
    keys = (chosen.slow_row, chosen.fast_row, chosen.slow_row // _TILE, chosen.fast_row // _TILE)
    return np.lexsort(keys)


def _chosen(
    spec: RunSpec, panel: Panel, combinations: Sequence[Params], known: Sequence[AverageCross], windows: list[int]
) -> Combinations:
    rows = {window: row for row, window in enumerate(windows)}
    named = (spec.first_decision or {}).get(panel.symbols[0], 0)
    first = [max(warmup, named) for warmup in warmups_of(spec.strategy, combinations)]
    columns = (
        [rows[each.fast] for each in known],
        [rows[each.slow] for each in known],
        [each.fast for each in known],
        [each.slow for each in known],
        first,
    )
    return Combinations(*(np.array(column, dtype=np.int64) for column in columns))


def _run_chunk(scratch: "_Scratch", chosen: Combinations, sums: Grid, start: int, stop: int, figures: Grid) -> None:
    """Work out the figures of the combinations `start <= k < stop`."""
    mine = Combinations(*(column[start:stop] for column in chosen))
    while True:
        events, counts = scratch.events[: stop - start], scratch.counts[: stop - start]
        counts[:] = 0
        find_crosses(scratch.panel.c, sums, mine, scratch.highest, events, counts)
        most = int(counts.max())
        if most <= scratch.room:
            break
        scratch.make_room(most)
    given, fresh, state = scratch.given, scratch.fresh, scratch.state
    play_all(
        mine, events, counts, given.market, scratch.said, given.instruments, scratch.terms, given.rules, state,
        scratch.tables, fresh.all.view(np.int64), state.all.view(np.int64), fresh.parts.view(np.int64),
        state.parts.view(np.int64), scratch.closes, figures[start:stop],
    )  # fmt: skip


class _Scratch:
    """What a thread writes on, chunk after chunk: fresh memory for each would cost more than the work."""

    def __init__(self, spec: RunSpec, panel: Panel, given: Prepared, closes: Closes) -> None:
        self.panel, self.given, self.closes = panel, given, closes
        self.highest = np.maximum.reduceat(panel.c[:, 0], np.arange(0, panel.n_bars, _BLOCK))
        self.terms = given.terms.copy()
        self.state, self.fresh = new_state(spec, 1, 0), new_state(spec, 1, 0)
        self.counts = np.zeros(_CHUNK, dtype=np.int64)
        self._n_marks = panel.n_bars if any(rule.type in _ASKS_THE_PAST for rule in given.rule_specs) else 0
        self.make_room(1024)

    def make_room(self, most: int) -> None:
        """Make room for so many crosses of one combination."""
        n_rules = len(self.given.rule_specs)
        self.room = most
        self.events = np.empty((_CHUNK, most), dtype=np.int32)
        self.said = Said(np.empty(most, dtype=EVENT), np.empty(0, dtype=MORE))
        self.tables = new_tables(self._n_marks, (3 + (n_rules + 2 if n_rules else 0)) * most + 80, n_rules)


@kernel
def window_sums(c: Grid, windows: Numbers, sums: Grid) -> None:
    """Write the running sum of each window (rows) at each bar, begun anew every few thousand bars."""
    n = len(c)
    for w in range(len(windows)):
        period = windows[w]
        for begin in range(period, n, crosses.ANCHOR):
            total = crosses.window_sum(c, 0, begin - 1, period)
            for t in range(begin, min(begin + crosses.ANCHOR, n)):
                total += c[t, 0] - c[t - period, 0]
                sums[w, t] = total


@kernel
def find_crosses(c: Grid, sums: Grid, x: Combinations, highest: Floats, events: Rows, counts: Numbers) -> None:
    """Write the rows of each combination's crosses, positive for up and negative for down (at most as many as fit).

    highest : float64[n_blocks], the highest close of each block
    """
    n, n_combinations = len(c), len(counts)
    was = np.zeros(n_combinations, np.int64)
    for k in range(n_combinations):
        if n >= x.slow[k]:
            was[k] = crosses.fresh_sign(c, 0, x.slow[k] - 1, x.fast[k], x.slow[k])
    for begin in range(0, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        for k in range(n_combinations):
            start = max(begin, x.slow[k])
            if start < end:
                summed = max(0, start - crosses.ANCHOR - x.slow[k]) // _BLOCK  # the block of the oldest close in a sum
                unsure = crosses.doubt(highest[summed : begin // _BLOCK + 1].max(), x.slow[k])
                counts[k], was[k] = scan(
                    sums[x.fast_row[k], start:end], sums[x.slow_row[k], start:end], x.fast[k], x.slow[k], unsure, start,
                    x.first[k], was[k], counts[k], c, events[k],
                )  # fmt: skip


@compiled(fastmath={"reassoc", "nnan", "nsz"})
def scan(
    quick: Floats, slack: Floats, fast: int, slow: int, unsure: float, start: int, first: int, was: int, count: int,
    c: Grid, events: Rows,
) -> tuple[int, int]:  # fmt: skip
    """Write the crosses of one combination in one block; return how many there are by now, and the last sign.

    A few bars are looked at together, and one by one only where the averages may not stay apart over all of them.
    """
    ratio, n = slow / fast, len(quick)
    for begin in range(0, n, _FEW):
        end = min(begin + _FEW, n)
        if was != 0 and end - begin == _FEW:
            side, nearest = float(was), np.inf
            for i in range(_FEW):
                nearest = min(nearest, side * (quick[begin + i] * ratio - slack[begin + i]))
            if nearest > unsure:
                continue
        for i in range(begin, end):
            now = crosses.sign_of(quick[i] * ratio - slack[i], unsure)
            if now == 0:
                now = crosses.fresh_sign(c, 0, start + i, fast, slow)
            if now == was:
                continue
            if now != 0 and start + i >= first:
                if count < len(events):
                    events[count] = (start + i) * now
                count += 1
            was = now
    return count, was


@kernel
def play_all(
    x: Combinations, rows: Rows, counts: Numbers, m: Market, said: Said, ins: Records, terms: Records, rules: Rules,
    state: State, w: Written, fresh_sums: Numbers, sums: Numbers, fresh_parts: Numbers, parts: Numbers,
    closes: Closes, figures: Grid,
) -> None:  # fmt: skip
    """Play every combination from its first decision to the last bar and write its key figures."""
    n = len(m.c)
    for k in range(len(counts)):
        sums[:] = fresh_sums
        parts[:] = fresh_parts
        state.quantity[0] = 0.0
        first = min(x.first[k], n)
        state.all[0].peak_row = first
        terms[0].first_row = first
        for i in range(counts[k]):
            crosses.write(said.events[i], abs(rows[k, i]), 0, rows[k, i])
        w.equity[:first] = terms[0].cash
        play(first, n, 0, counts[k], m, said, ins, terms, rules, state, w)
        s = state.all[0]
        figures[k, 0] = s.equity
        figures[k, 1], figures[k, 2] = measured(closes, w.fills, s.n_fills, terms[0].cash)
        figures[k, 3] = s.n_trades
        figures[k, 4] = s.fees
