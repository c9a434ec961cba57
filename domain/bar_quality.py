"""What makes a bar bad: one table of pure checks over arrays, each with a reason for people."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.bars import BarArrays, Floats, Ints

Mask = npt.NDArray[np.bool_]

JUMP_FACTOR = 1e3  # the largest real one-bar move known here is 15-fold; a file of 100,000-fold rows was seen
MAX_PRICE = 1e12
MAX_VOLUME = 1e15
YEAR_1800 = -5_364_662_400  # unix seconds
ROUNDING = 1e-7  # relative: sources print OHLC from 32-bit floats (Yahoo), each rounded by itself


@dataclass(frozen=True, slots=True)
class QualityContext:
    """What a check must know besides the bars.

    now : unix seconds; a bar that opens later is from the future
    tick, step : the instrument's tick and the finest step of its bars; 0 when unknown
    last_t, last_close : the newest good bar before these; None when there is none
    """

    now: float
    tick: float = 0.0
    step: float = 0.0
    last_t: int | None = None
    last_close: float | None = None


Check = Callable[[BarArrays, QualityContext], Mask]


def _prices(bars: BarArrays) -> Floats:
    return np.stack((bars.o, bars.h, bars.l, bars.c))


def not_a_number(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars with NaN in any column."""
    return np.isnan(_prices(bars)).any(axis=0) | np.isnan(bars.v)


def infinite(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars with an infinite value in any column."""
    return np.isinf(_prices(bars)).any(axis=0) | np.isinf(bars.v)


def zero_price(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars with a price of zero."""
    return np.asarray((_prices(bars) == 0).any(axis=0))


def negative(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars with a negative price or volume."""
    return (_prices(bars) < 0).any(axis=0) | (bars.v < 0)


def absurd(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars whose price or volume is beyond anything that trades."""
    return (_prices(bars) > MAX_PRICE).any(axis=0) | (bars.v > MAX_VOLUME)


def high_below_low(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars whose high lies below their low by more than rounding."""
    return bars.h < bars.l * (1 - ROUNDING)


def outside_range(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars whose open or close lies outside low..high by more than rounding."""
    top = bars.h * (1 + ROUNDING)
    bottom = bars.l * (1 - ROUNDING)
    return (bars.o > top) | (bars.c > top) | (bars.o < bottom) | (bars.c < bottom)


def from_the_future(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars that open after now."""
    return np.asarray(bars.t > context.now)


def too_old(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars from before there were exchanges' records: a misread date."""
    return np.asarray(bars.t < YEAR_1800)


def off_tick(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars with a price that the instrument cannot have.

    A price must lie on the bar step; or be the 32-bit float next to a whole tick, which is how
    some vendors print prices (147.100006 for 147.10).
    """
    if context.step <= 0:
        return np.zeros(len(bars), dtype=np.bool_)
    prices = _prices(bars)
    nearest = np.round(prices / context.step) * context.step
    on_step = np.abs(prices - nearest) <= np.maximum(np.abs(prices) * 1e-11, context.step * 1e-6)
    if on_step.all():
        return np.zeros(len(bars), dtype=np.bool_)
    whole = np.round(prices / context.tick) * context.tick
    with np.errstate(over="ignore"):
        is_single = prices.astype(np.float32) == whole.astype(np.float32)
    return np.asarray(~(on_step | is_single).all(axis=0))


def jumped(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars whose close is a thousand-fold from the last good close."""
    bad = np.zeros(len(bars), dtype=np.bool_)
    if len(bars) == 0:
        return bad
    first = float(np.median(bars.c[:20])) if context.last_close is None else context.last_close
    previous = np.concatenate(([first], bars.c[:-1]))
    with np.errstate(all="ignore"):
        ratio = bars.c / previous
    if not ((ratio >= JUMP_FACTOR) | (ratio <= 1 / JUMP_FACTOR)).any():
        return bad
    good = first
    for row, close in enumerate(bars.c.tolist()):
        bad[row] = not 1 / JUMP_FACTOR < close / good < JUMP_FACTOR
        good = good if bad[row] else close
    return bad


def duplicate(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark bars whose time an earlier row already has."""
    bad = np.ones(len(bars), dtype=np.bool_)
    bad[np.unique(bars.t, return_index=True)[1]] = False
    if context.last_t is not None:
        bad |= bars.t == context.last_t
    return bad


def out_of_order(bars: BarArrays, context: QualityContext) -> Mask:
    """Mark the fewest bars whose removal leaves the times rising."""
    late = np.zeros(len(bars), dtype=np.bool_)
    if context.last_t is not None:
        late |= bars.t < context.last_t
    rows = np.flatnonzero(~late)
    late[rows[~longest_rise(bars.t[rows])]] = True
    return late


def longest_rise(t: Ints) -> Mask:
    """Return the mask of a longest strictly rising run of `t`, gaps allowed (patience sorting)."""
    keep = np.ones(len(t), dtype=np.bool_)
    if len(t) < 2 or bool((np.diff(t) > 0).all()):
        return keep
    tops: list[int] = []
    top_rows: list[int] = []
    before = np.full(len(t), -1, dtype=np.int64)
    for row, value in enumerate(t.tolist()):
        pile = bisect_left(tops, value)
        if pile:
            before[row] = top_rows[pile - 1]
        tops[pile : pile + 1] = [value]
        top_rows[pile : pile + 1] = [row]
    keep[:] = False
    row = top_rows[-1]
    while row >= 0:
        keep[row] = True
        row = int(before[row])
    return keep


# In this order: a bar is told its first fault, and later checks see only bars without one.
CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("nan", "a value is not a number", not_a_number),
    ("infinite", "a value is infinite", infinite),
    ("negative", "a price or the volume is negative", negative),
    ("zero", "a price is zero", zero_price),
    ("absurd", "a price is over 1e12 or the volume over 1e15", absurd),
    ("high_below_low", "the high is below the low", high_below_low),
    ("outside_range", "the open or close lies outside low..high", outside_range),
    ("future", "the bar lies in the future", from_the_future),
    ("too_old", "the bar lies before the year 1800", too_old),
    ("off_tick", "a price is off the instrument's tick size", off_tick),
    ("duplicate", "another bar already has this time", duplicate),
    ("out_of_order", "the bar is out of order: earlier than one before it", out_of_order),
    ("jump", "the close is a thousand-fold from the last good close", jumped),
)
REASONS: dict[str, str] = {code: reason for code, reason, _ in CHECKS}


def faults(bars: BarArrays, context: QualityContext) -> list[tuple[int, str]]:
    """Return (row, code) of every bad bar; the reason for people is `REASONS[code]`."""
    found: list[tuple[int, str]] = []
    rows = np.arange(len(bars))
    for code, _, check in CHECKS:
        if len(rows) == 0:
            break
        seen = bars if len(rows) == len(bars) else bars.take(rows)
        bad = check(seen, context)
        if bad.any():
            found.extend((int(row), code) for row in rows[bad])
            rows = rows[~bad]
    return sorted(found)
