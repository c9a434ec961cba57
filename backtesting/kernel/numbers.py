"""Ticks, lots, fees and slippage in float64, rounded as the decimal engine rounds. Pure.

A tick (lot) is a fraction up / down of whole numbers, so that whole * up / down is the double nearest to the decimal.
"""

import numpy as np

from backtesting.kernel.compiling import inlined
from backtesting.kernel.layout import Record

# A double this close to a whole number (or to a half) stands for it: what a few operations may lose.
_NEAR, _NEAR_PART, _NEAR_MOST = 1e-12, 4e-15, 0.25
_DIGITS = 15.0  # of a price that a double surely holds


@inlined
def near(x: float) -> float:
    """Return how far a double may lie from the whole number (or half) that it stands for."""
    return min(_NEAR_MOST, _NEAR + _NEAR_PART * abs(x))


@inlined
def floor_near(x: float) -> float:
    """Return the whole number at or below x, taking a double just below one for it."""
    return np.floor(x + near(x))


@inlined
def apart(one: float, other: float) -> float:
    """Return by how much two prices differ: 25 - 24.9 is 0.1, and not the double 1.4e-15 above it; NaN with NaN."""
    unit = 10.0 ** (_DIGITS - 1.0 - np.floor(np.log10(max(one, other))))
    return np.rint(abs(one - other) * unit) / unit


@inlined
def nearest(x: float) -> float:
    """Return the nearest whole number, halves to even, taking a double next to a half for the half."""
    low = np.floor(x)
    part = x - low
    if abs(part - 0.5) <= near(x):
        return low if low % 2.0 == 0.0 else low + 1.0
    return low if part < 0.5 else low + 1.0


@inlined
def to_tick(price: float, ins: Record) -> float:
    """Return a price rounded to the nearest tick, halves to even."""
    return nearest(price * ins.tick_down / ins.tick_up) * ins.tick_up / ins.tick_down


@inlined
def to_lots(quantity: float, ins: Record) -> float:
    """Return a quantity cut down to whole lots."""
    return floor_near(quantity * ins.lot_down / ins.lot_up) * ins.lot_up / ins.lot_down


@inlined
def level(asked: float, percent: float, average: float, direction: float, ins: Record) -> float:
    """Return a stop's or target's price: the one asked for, or a percent from the average entry price; NaN: none."""
    if not np.isnan(asked):
        return asked
    if np.isnan(percent):
        return np.nan
    return max(ins.tick_up / ins.tick_down, to_tick(average * (1.0 + direction * percent / 100.0), ins))


@inlined
def slipped(quoted: float, sign: float, bps: float, p: Record, ins: Record) -> float:
    """Return the price of a market or stop order after slippage, rounded to the tick against the order.

    ``bps`` is `slip_entry` for what opens a position (all of its basis points), `slip_bps` for what closes one.
    """
    if bps == 0.0 and p.slip_spread == 0.0:
        return quoted
    raw = quoted + sign * (quoted * bps / 10_000.0 + p.slip_spread / 2.0)
    steps = raw * ins.tick_down / ins.tick_up
    whole = -floor_near(-steps) if sign > 0 else floor_near(steps)
    price = max(1.0, whole) * ins.tick_up / ins.tick_down
    return price if sign > 0 else min(quoted, price)  # below a tick the least price would be a gain


@inlined
def fee_of(quantity: float, price: float, is_maker: bool, p: Record) -> float:
    """Return what a fill costs, rounded half up to the currency's unit (0: not rounded)."""
    percent = p.fee_maker if is_maker else p.fee_taker
    total = max(quantity * price * percent / 100.0 + p.fee_order + p.fee_share * quantity, p.fee_least)
    return total if p.fee_unit == 0.0 else floor_near(total * p.fee_unit + 0.5) / p.fee_unit
