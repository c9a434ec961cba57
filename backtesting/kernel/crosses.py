"""Where two moving averages cross, straight from the closes. Pure.

Running sums, begun anew every few thousand bars; where they can not tell which average is higher, both windows are
added up afresh in the order of `marketdata.indicators.windows.mean`. The answer is therefore the same at every bar as
that of `sma_cross.signals`, ties included: equal averages are neither above nor below. What a running sum may have lost
is measured by the highest close that went into it, not by the last: after a collapse of prices they are far apart.
"""

import numpy as np
import numpy.typing as npt

from backtesting.kernel.compiling import compiled, inlined, kernel
from backtesting.kernel.layout import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, Grid, Record, Records
from domain.bars import Floats, Ints

ANCHOR = 4096  # bars between two fresh sums
_WIDE = 16
FEW = 8  # bars looked at together where usually nothing happens
UNSURE = 1e-11  # of the highest sum: a difference below it proves nothing
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
def doubt(highest: float, slow: int) -> float:
    """Return the difference of sums below which running sums prove nothing, no close in them above `highest`."""
    return UNSURE * highest * slow * max(1.0, slow / ANCHOR)


@compiled(fastmath={"reassoc", "nnan", "nsz"})
def highest(values: Floats) -> float:
    """Return the highest of some closes."""
    most, whole = np.zeros(_WIDE), len(values) // _WIDE * _WIDE
    for begin in range(0, whole, _WIDE):  # several at once: one after the other takes as long as all the rest
        for i in range(_WIDE):
            most[i] = max(most[i], values[begin + i])
    for i in range(whole, len(values)):
        most[0] = max(most[0], values[i])
    return float(most.max())


@inlined
def sign_of(difference: float, unsure: float) -> int:
    """Return which average is higher by their running sums; 0 where those prove nothing."""
    return int(difference > unsure) - int(difference < -unsure)


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
    closes, room = c.ravel(), np.empty(ANCHOR)
    was = fresh_sign(c, 0, slow - 1, fast, slow)
    for begin in range(slow, n, ANCHOR):
        end = min(begin + ANCHOR, n)
        unsure = doubt(highest(closes[begin - slow : end]), slow)
        start = window_sum(c, 0, begin - 1, fast) * (slow / fast) - window_sum(c, 0, begin - 1, slow)
        apart = room[: end - begin]
        differences(
            closes[begin:end], closes[begin - fast : end - fast], closes[begin - slow : end - slow], slow / fast, start,
            apart,
        )  # fmt: skip
        count, was = told(apart, begin, first, was, count, unsure, c, fast, slow, events)
    return count


@compiled(fastmath={"reassoc", "nnan", "nsz"})
def told(
    apart: Floats, start: int, first: int, was: int, count: int, unsure: float, c: Grid, fast: int, slow: int,
    events: Records,
) -> tuple[int, int]:  # fmt: skip
    """Write the crosses of the bars from `start` on; return how many there are by now, and the last sign.

    A few bars are looked at together, and one by one only where the averages may not stay apart over all of them.
    """
    n = len(apart)
    for begin in range(0, n, FEW):
        end = min(begin + FEW, n)
        if was != 0 and end - begin == FEW:
            side, nearest = float(was), np.inf
            for i in range(FEW):
                nearest = min(nearest, side * apart[begin + i])
            if nearest > unsure:
                continue
        for i in range(begin, end):
            now = sign_of(apart[i], unsure)
            if now == 0:
                now = fresh_sign(c, 0, start + i, fast, slow)
            if now == was:
                continue
            if now != 0 and start + i >= first:
                if count < len(events):
                    write(events[count], start + i, 0, now)
                count += 1
            was = now
    return count, was


@compiled(fastmath={"contract"})  # "reassoc" would undo the four at once
def differences(
    newest: Floats, left_quick: Floats, left_slack: Floats, ratio: float, start: float, apart: Floats
) -> None:
    """Write by how much the fast window's sum, made as long as the slow one's, is above that, bar by bar."""
    n = len(newest)
    for i in range(n):
        apart[i] = (newest[i] - left_quick[i]) * ratio - (newest[i] - left_slack[i])
    for k in range(n // 4):  # four at once: each has to wait for the one before otherwise
        i = k * 4
        one = apart[i]
        two = one + apart[i + 1]
        three, four = two + apart[i + 2], two + (apart[i + 2] + apart[i + 3])
        apart[i], apart[i + 1], apart[i + 2], apart[i + 3] = start + one, start + two, start + three, start + four
        start += four
    for i in range(n // 4 * 4, n):
        start += apart[i]
        apart[i] = start


@kernel
def of_many(c: Grid, fast: int, slow: int, first: Ints, events: Records) -> int:
    """Write the crosses of all instruments by row and column; return how many (at most as many as fit)."""
    n, width, count = c.shape[0], c.shape[1], 0
    if n < slow:
        return 0
    ratio = slow / fast
    apart, unsure = np.empty(width), np.empty(width)
    was, now = np.empty(width, np.int8), np.empty(width, np.int8)
    for j in range(width):
        was[j] = fresh_sign(c, j, slow - 1, fast, slow)
    for begin in range(slow, n, ANCHOR):
        end = min(begin + ANCHOR, n)
        highest_of_each(c[begin - slow : end], unsure)
        for j in range(width):
            unsure[j] = doubt(unsure[j], slow)
            apart[j] = window_sum(c, j, begin - 1, fast) * ratio - window_sum(c, j, begin - 1, slow)
        for t in range(begin, end):
            if slide(c[t], c[t - fast], c[t - slow], ratio, unsure, apart, now):
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


@compiled(fastmath={"reassoc", "nnan", "nsz"})
def highest_of_each(c: Grid, most: Floats) -> None:
    """Write the highest close of each instrument."""
    most[:] = 0.0
    for t in range(len(c)):
        row = c[t]
        for j in range(len(most)):
            most[j] = max(most[j], row[j])


@compiled(fastmath={"reassoc", "nnan", "nsz", "contract"})
def slide(
    newest: Floats,
    left_quick: Floats,
    left_slack: Floats,
    ratio: float,
    unsure: Floats,
    apart: Floats,
    now: npt.NDArray[np.int8],
) -> bool:
    """Move all windows on by a bar and compare them; tell whether some comparison proves nothing (`now` is 0 there)."""
    doubtful = 0
    for j in range(len(newest)):
        apart[j] += (newest[j] - left_quick[j]) * ratio - (newest[j] - left_slack[j])
        sign = np.int8(apart[j] > unsure[j]) - np.int8(apart[j] < -unsure[j])
        now[j] = sign
        doubtful += sign == 0
    return doubtful > 0
