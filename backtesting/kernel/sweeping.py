"""Many combinations of two moving averages over the bars of one instrument. Pure.

The sums of every window are worked out once. Crosses are found block by block for all combinations, so that the sums
of a block stay in the processor's cache; then each combination is played by the same kernel as a single run. Threads
of Python share the work: the compiled code holds no lock, and needs no threading layer that would not survive a fork.
"""

import os
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
    Record,
    Records,
    Rules,
    Said,
    State,
    Written,
)
from backtesting.kernel.play import play
from backtesting.kernel.prepare import Prepared, new_state, new_tables, prepare
from backtesting.panel import Panel
from backtesting.spec import RunSpec
from domain.bars import Floats
from strategies.base import AverageCross, Params
from strategies.evaluate import warmups_of

Rows = npt.NDArray[np.int32]

_BLOCK = 2048  # bars whose sums are compared at a time
_CHUNK = 64  # combinations that a thread takes at a time
_TILE = 8  # windows of each kind that a chunk's combinations are made of, where the space is a grid
_STEP = 64  # bars looked at together where usually nothing happens
_NOTHING = 1e-12  # cash that is none, as a part of equity
_ALL_UP, _ALL_DOWN, _ALL_EVEN = np.uint64(0x0101010101010101), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0)
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
    sums, returns = np.empty((len(windows), panel.n_bars)), moments(panel.c)
    chosen = _chosen(spec, panel, combinations, known, windows)
    order = _tiled(chosen)
    ordered, measured = Combinations(*(column[order] for column in chosen)), np.zeros_like(figures)
    chunks = [(start, min(start + _CHUNK, len(known))) for start in range(0, len(known), _CHUNK)]
    done = 0
    n_threads = os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=n_threads) as threads:
        each = [np.array(windows[k::n_threads], dtype=np.int64) for k in range(n_threads)]
        list(threads.map(lambda k: window_sums(panel.c, each[k], sums[k::n_threads]), range(n_threads)))
        jobs = [
            threads.submit(_run_chunk, spec, panel, given, ordered, sums, returns, *chunk, measured) for chunk in chunks
        ]
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
    figures[order] = measured
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


def _run_chunk(
    spec: RunSpec, panel: Panel, given: Prepared, chosen: Combinations, sums: Grid, returns: Grid, start: int,
    stop: int, figures: Grid,
) -> None:  # fmt: skip
    """Work out the figures of the combinations `start <= k < stop`."""
    mine = Combinations(*(column[start:stop] for column in chosen))
    room, n = 4096, panel.n_bars
    while True:
        events, counts = np.empty((stop - start, room), dtype=np.int32), np.zeros(stop - start, dtype=np.int64)
        find_crosses(panel.c, sums, mine, events, counts)
        most = int(counts.max())
        if most <= room:
            break
        room = most
    n_rules = len(given.rule_specs)
    tables = new_tables(n, (3 + (n_rules + 2 if n_rules else 0)) * most + 80, n_rules)
    state, fresh = new_state(spec, 1, 0), new_state(spec, 1, 0)
    said = Said(np.empty(most, dtype=EVENT), np.empty(0, dtype=MORE))
    terms = given.terms.copy()
    play_all(
        mine, events, counts, given.market, said, given.instruments, terms, given.rules, state, tables,
        fresh.all.view(np.int64), state.all.view(np.int64), fresh.parts.view(np.int64), state.parts.view(np.int64),
        returns, figures[start:stop],
    )  # fmt: skip


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
def find_crosses(c: Grid, sums: Grid, x: Combinations, events: Rows, counts: Numbers) -> None:
    """Write the rows of each combination's crosses, positive for up and negative for down (at most as many as fit)."""
    n, n_combinations = len(c), len(counts)
    was = np.zeros(n_combinations, np.int64)
    signs = np.zeros(_BLOCK, np.int8)
    for k in range(n_combinations):
        if n >= x.slow[k]:
            was[k] = crosses.fresh_sign(c, 0, x.slow[k] - 1, x.fast[k], x.slow[k])
    for begin in range(0, n, _BLOCK):
        end = min(begin + _BLOCK, n)
        for k in range(n_combinations):
            start = max(begin, x.slow[k])
            if start < end:
                compare(sums[x.fast_row[k], start:end], sums[x.slow_row[k], start:end], x.slow[k] / x.fast[k], signs)
                counts[k], was[k] = scan(
                    signs, end - start, x.fast[k], x.slow[k], start, x.first[k], was[k], counts[k], c, events[k]
                )


@kernel
def compare(quick: Floats, slack: Floats, ratio: float, signs: npt.NDArray[np.int8]) -> None:
    """Write which average is higher at each bar by the sums; 0 where those prove nothing. One step for many bars."""
    for i in range(len(quick)):
        difference, bound = quick[i] * ratio - slack[i], slack[i] * crosses.UNSURE
        signs[i] = np.int8(difference > bound) - np.int8(difference < -bound)


@kernel
def scan(
    signs: npt.NDArray[np.int8], n: int, fast: int, slow: int, start: int, first: int, was: int, count: int, c: Grid,
    events: Rows,
) -> tuple[int, int]:  # fmt: skip
    """Write the crosses of one combination in one block; return how many there are by now, and the last sign.

    Eight bars are looked at as one number; bar by bar only where one of them differs from the last sign.
    """
    eights = signs.view(np.uint64)
    for begin in range(0, n, 8):
        same = _ALL_UP if was > 0 else _ALL_DOWN if was < 0 else _ALL_EVEN
        if begin + 8 <= n and eights[begin >> 3] == same:
            continue
        for i in range(begin, min(begin + 8, n)):
            now = int(signs[i])
            if now == was:
                continue
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
    returns: Grid, figures: Grid,
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
        figures[k, 1] = deepest(w.equity, s, w, state.parts[0].entry_fill)
        figures[k, 2] = sharpe_of(w.equity, s, w, m.c, returns, state.parts[0].entry_fill)
        figures[k, 3] = s.n_trades
        figures[k, 4] = s.fees


@kernel
def moments(c: Grid) -> Grid:
    """Return the sums of the closes' returns and of their squares from the first bar up to each."""
    n = len(c)
    sums = np.zeros((2, n))
    for t in range(1, n):
        change = (c[t, 0] - c[t - 1, 0]) / c[t - 1, 0]
        sums[0, t] = sums[0, t - 1] + change
        sums[1, t] = sums[1, t - 1] + change * change
    return sums


@kernel
def sharpe_of(equity: Floats, s: Record, w: Written, close: Grid, returns: Grid, last: int) -> float:
    """Return mean / standard deviation of the returns from bar to bar; 0 where nothing moves.

    Equity moves only while something is held. Where all of it is held it moves as the closes do, whose sums are known.
    """
    n = len(equity) - 1
    if n < 2:
        return 0.0
    total, squares = 0.0, 0.0
    n_trips = s.n_trades + (1 if s.n_held else 0)
    for k in range(n_trips):
        is_closed = k < s.n_trades
        entry = w.fills[w.trades[k].entry] if is_closed else w.fills[last]
        start, stop = entry.row, w.fills[w.trades[k].leave].row if is_closed else n
        inner = stop - 1 if is_closed else n
        cash = equity[start] - entry.quantity * close[start, 0]
        total, squares = grown_by(equity, start, total, squares)
        if inner > start:
            if abs(cash) <= _NOTHING * equity[start]:
                total += returns[0, inner] - returns[0, start]
                squares += returns[1, inner] - returns[1, start]
            else:
                for t in range(start + 1, inner + 1):
                    total, squares = grown_by(equity, t, total, squares)
        if is_closed and stop > start:
            total, squares = grown_by(equity, stop, total, squares)
    variance = (squares - total * total / n) / (n - 1)
    return total / n / np.sqrt(variance) if variance > 0.0 else 0.0


@kernel
def grown_by(equity: Floats, t: int, total: float, squares: float) -> tuple[float, float]:
    """Add the return from the bar before to bar `t` and its square."""
    if t == 0:
        return total, squares
    change = (equity[t] - equity[t - 1]) / equity[t - 1]
    return total + change, squares + change * change


@kernel
def deepest(equity: Floats, s: Record, w: Written, last: int) -> float:
    """Return the largest fall from a peak, as a fraction. Equity stands still where nothing is held: not looked at."""
    peak, worst = equity[0], 0.0
    for k in range(s.n_trades + (1 if s.n_held else 0)):
        is_closed = k < s.n_trades
        start = w.fills[w.trades[k].entry].row if is_closed else w.fills[last].row
        stop = w.fills[w.trades[k].leave].row if is_closed else len(equity) - 1
        peak, worst = fallen(equity[start : stop + 1], peak, worst)
    return worst


@compiled(fastmath={"reassoc", "nnan", "nsz"})
def fallen(equity: Floats, peak: float, worst: float) -> tuple[float, float]:
    """Carry the peak and the largest fall on: bars are looked at one by one only where one of them may be it."""
    for begin in range(0, len(equity), _STEP):
        end = min(begin + _STEP, len(equity))
        low, high = equity[begin], equity[begin]
        for t in range(begin, end):
            low = min(low, equity[t])
            high = max(high, equity[t])
        if low < (1.0 - worst) * max(peak, high):
            top = peak
            for t in range(begin, end):
                top = max(top, equity[t])
                worst = max(worst, (top - equity[t]) / top)
        peak = max(peak, high)
    return peak, worst
