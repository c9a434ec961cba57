"""Where two moving averages cross, straight from the closes. Pure.

Running sums, begun anew every few thousand bars; where they can not tell which average is higher, both windows are
added up afresh in the order of `marketdata.indicators.windows.mean`. The answer is therefore the same at every bar as
that of `sma_cross.signals`, ties included: equal averages are neither above nor below.
"""

import numpy as np
import numpy.typing as npt

from backtesting.kernel.compiling import inlined, kernel
from backtesting.kernel.layout import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, Grid, Record, Records
from domain.bars import Floats, Ints

ANCHOR = 4096  # bars between two fresh sums
UNSURE = 1e-11  # relative difference below which running sums prove nothing
UP, DOWN = ENTER_LONG | EXIT_SHORT, ENTER_SHORT | EXIT_LONG


@kernel
def window_sum(c: Grid, j: int, last: int, period: int) -> float:
    """Return the sum of the `period` closes up to row `last`, oldest first."""
    total = 0.0
    for k in range(last - period + 1, last + 1):
        total += c[k, j]
    return total


@kernel
def fresh_sign(c: Grid, j: int, t: int, fast: int, slow: int) -> int:
    """Compare the two averages as the library computes them."""
    quick, slack = window_sum(c, j, t, fast) / fast, window_sum(c, j, t, slow) / slow
    return int(quick > slack) - int(quick < slack)


@inlined
def sign_of(difference: float, slack: float) -> int:
    """Return which average is higher by their running sums; 0 where those prove nothing."""
    return int(difference > slack * UNSURE) - int(difference < -slack * UNSURE)


@kernel
def write(event: Record, t: int, j: int, sign: int) -> None:
    """Write one cross."""
    event.row, event.col, event.kind = t, j, UP if sign > 0 else DOWN


@kernel
def of_one(c: Grid, fast: int, slow: int, first: int, events: Records) -> int:
    """Write the crosses of one instrument from row `first` on; return how many (at most as many as fit)."""
    n, count = len(c), 0
    if n < slow:
        return 0
    ratio = slow / fast
    was = fresh_sign(c, 0, slow - 1, fast, slow)
    for begin in range(slow, n, ANCHOR):
        quick, slack = window_sum(c, 0, begin - 1, fast), window_sum(c, 0, begin - 1, slow)
        for t in range(begin, min(begin + ANCHOR, n)):
            quick += c[t, 0] - c[t - fast, 0]
            slack += c[t, 0] - c[t - slow, 0]
            now = sign_of(quick * ratio - slack, slack)
            if now == 0:
                now = fresh_sign(c, 0, t, fast, slow)
            if now != was:
                if now != 0 and t >= first:
                    if count < len(events):
                        write(events[count], t, 0, now)
                    count += 1
                was = now
    return count


@kernel
def of_many(c: Grid, fast: int, slow: int, first: Ints, events: Records) -> int:
    """Write the crosses of all instruments by row and column; return how many (at most as many as fit)."""
    n, width, count = c.shape[0], c.shape[1], 0
    if n < slow:
        return 0
    ratio = slow / fast
    quick, slack = np.empty(width), np.empty(width)
    was, now = np.empty(width, np.int8), np.empty(width, np.int8)
    for j in range(width):
        was[j] = fresh_sign(c, j, slow - 1, fast, slow)
    for begin in range(slow, n, ANCHOR):
        for j in range(width):
            quick[j], slack[j] = window_sum(c, j, begin - 1, fast), window_sum(c, j, begin - 1, slow)
        for t in range(begin, min(begin + ANCHOR, n)):
            if slide(c[t], c[t - fast], c[t - slow], ratio, quick, slack, now):
                for j in range(width):
                    if now[j] == 0:
                        now[j] = fresh_sign(c, j, t, fast, slow)
            for j in range(width):
                if now[j] != was[j]:
                    if now[j] != 0 and t >= first[j]:
                        if count < len(events):
                            write(events[count], t, j, now[j])
                        count += 1
                    was[j] = now[j]
    return count


@kernel
def slide(
    newest: Floats,
    left_quick: Floats,
    left_slack: Floats,
    ratio: float,
    quick: Floats,
    slack: Floats,
    now: npt.NDArray[np.int8],
) -> bool:
    """Move all windows on by a bar and compare them; tell whether some comparison proves nothing (`now` is 0 there)."""
    unsure = 0
    for j in range(len(newest)):
        quick[j] += newest[j] - left_quick[j]
        slack[j] += newest[j] - left_slack[j]
        difference = quick[j] * ratio - slack[j]
        bound = slack[j] * UNSURE
        sign = np.int8(difference > bound) - np.int8(difference < -bound)
        now[j] = sign
        unsure += sign == 0
    return unsure > 0
