"""Drawdown and Sharpe ratio of one instrument's run from its fills alone, without a pass over its bars. Pure.

Between two fills nothing changes hands: equity is `cash + held * close`. What is known of the closes once (sums of
their returns, the lowest and highest of each few bars) therefore answers for every combination of a sweep.
"""

from typing import NamedTuple

import numpy as np

from backtesting.kernel.compiling import inlined, kernel
from backtesting.kernel.layout import Grid, Records
from domain.bars import Floats

FEW = 32  # bars whose lowest and highest close are known
_NOTHING = 1e-12  # cash that is none, as a part of equity
_LOST = 1e-6  # of a running sum: what a stretch adds less of is not known from it to nine digits
_SAME = 1e-14  # of the mean square: returns that vary less are all the same but for rounding


class Closes(NamedTuple):
    """Closes and what is known of them; sums : float64[2, n_bars], of the returns and of their squares up to a bar.

    low, high : float64[n_bars // FEW], of every `FEW` bars
    """

    c: Floats
    sums: Grid
    low: Floats
    high: Floats


def closes(c: Grid) -> Closes:
    """Return the closes of the one instrument, and what is known of them."""
    flat = np.ascontiguousarray(c[:, 0])
    few = flat[: len(flat) // FEW * FEW].reshape(-1, FEW)
    return Closes(flat, moments(flat), few.min(axis=1), few.max(axis=1))


@kernel
def moments(c: Floats) -> Grid:
    """Return the sums of the closes' returns and of their squares from the first bar up to each."""
    n = len(c)
    sums = np.zeros((2, n))
    for t in range(1, n):
        change = (c[t] - c[t - 1]) / c[t - 1]
        sums[0, t] = sums[0, t - 1] + change
        sums[1, t] = sums[1, t - 1] + change * change
    return sums


@kernel
def measured(x: Closes, fills: Records, n_fills: int, cash: float) -> tuple[float, float]:
    """Return the largest fall from a peak as a fraction, and mean / deviation of the returns from bar to bar.

    cash : what the run began with; fills : in the order of their bars, each the whole of an order
    """
    n = len(x.c)
    row, held, before = 0, 0.0, cash
    peak, worst, total, squares = cash, 0.0, 0.0, 0.0
    for i in range(n_fills + 1):
        stop = fills[i].row if i < n_fills else n
        if stop > row:
            first = cash + held * x.c[row]
            total, squares = grown_by(first, before, total, squares)
            if held == 0.0:
                before, peak = cash, max(peak, cash)
                worst = max(worst, (peak - cash) / peak)
            else:
                peak, worst = fallen(x, row, stop, cash, held, peak, worst)
                total, squares = moved(x, row, stop, cash, held, total, squares)
                before = cash + held * x.c[stop - 1]
            row = stop
        if i < n_fills:
            cash -= fills[i].quantity * fills[i].price + fills[i].fee
            held += fills[i].quantity
    return worst, ratio_of(total, squares, n - 1)


@inlined
def ratio_of(total: float, squares: float, n: int) -> float:
    """Return mean / standard deviation of `n` returns by their sums; 0 where nothing moves."""
    if n < 2:
        return 0.0
    variance = (squares - total * total / n) / (n - 1)
    return total / n / np.sqrt(variance) if variance > _SAME * squares / n else 0.0


@inlined
def grown_by(now: float, before: float, total: float, squares: float) -> tuple[float, float]:
    """Add the return from one bar to the next and its square."""
    change = (now - before) / before if before != 0.0 else 0.0
    return total + change, squares + change * change


@kernel
def moved(
    x: Closes, row: int, stop: int, cash: float, held: float, total: float, squares: float
) -> tuple[float, float]:
    """Add the returns within the bars `row <= t < stop`; where all equity is held, it moves as the closes do.

    After a close that rose a million times the running sums of returns know nothing of what came after it.
    """
    before = cash + held * x.c[row]
    is_known = x.sums[1, stop - 1] - x.sums[1, row] > _LOST * x.sums[1, stop - 1]
    if is_known and abs(cash) <= _NOTHING * before:
        total += x.sums[0, stop - 1] - x.sums[0, row]
        squares += x.sums[1, stop - 1] - x.sums[1, row]
        return total, squares
    for t in range(row + 1, stop):
        now = cash + held * x.c[t]
        total, squares = grown_by(now, before, total, squares)
        before = now
    return total, squares


@kernel
def fallen(x: Closes, row: int, stop: int, cash: float, held: float, peak: float, worst: float) -> tuple[float, float]:
    """Carry the peak and the largest fall over the bars `row <= t < stop`; one by one only where it may be there."""
    t = row
    while t < stop:
        end = min(stop, (t // FEW + 1) * FEW)
        if end - t == FEW:
            least, most = x.low[t // FEW], x.high[t // FEW]
        else:
            least, most = x.c[t], x.c[t]
            for k in range(t, end):
                least = min(least, x.c[k])
                most = max(most, x.c[k])
        if held < 0.0:
            least, most = most, least
        low, high = cash + held * least, cash + held * most
        if low < (1.0 - worst) * (max(peak, high) if worst < 1.0 else peak):
            top = peak
            for k in range(t, end):
                now = cash + held * x.c[k]
                top = max(top, now)
                worst = max(worst, (top - now) / top)
        peak = max(peak, high)
        t = end
    return peak, worst
