"""Ticks, lots, fees and slippage in float64, rounded as the decimal engine rounds. Pure.

A tick (lot) is a fraction up / down of whole numbers, so that whole * up / down is the double nearest to the decimal.
"""

import numpy as np

from backtesting.kernel.compiling import inlined
from backtesting.kernel.layout import Record

# A double this close to a whole number (or to a half) stands for it: what a few operations may lose.
_NEAR, _NEAR_PART = 1e-12, 4e-15


@inlined
def floor_near(x: float) -> float:
    """Return the whole number at or below x, taking a double just below one for it."""
    return np.floor(x + (_NEAR + _NEAR_PART * abs(x)))


@inlined
def nearest(x: float) -> float:
    """Return the nearest whole number, halves to even, taking a double next to a half for the half."""
    low = np.floor(x)
    part = x - low
    if abs(part - 0.5) <= _NEAR + _NEAR_PART * abs(x):
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
def slipped(quoted: float, sign: float, p: Record, ins: Record) -> float:
    """Return the price of a market or stop order after slippage, rounded to the tick against the order."""
    if p.slip_bps == 0.0 and p.slip_spread == 0.0:
        return quoted
    raw = quoted + sign * (quoted * p.slip_bps / 10_000.0 + p.slip_spread / 2.0)
    steps = raw * ins.tick_down / ins.tick_up
    whole = -floor_near(-steps) if sign > 0 else floor_near(steps)
    return max(1.0, whole) * ins.tick_up / ins.tick_down


@inlined
def fee_of(quantity: float, price: float, is_maker: bool, p: Record) -> float:
    """Return what a fill costs, rounded half up to the currency's unit (0: not rounded)."""
    percent = p.fee_maker if is_maker else p.fee_taker
    total = max(quantity * price * percent / 100.0 + p.fee_order + p.fee_share * quantity, p.fee_least)
    return total if p.fee_unit == 0.0 else floor_near(total * p.fee_unit + 0.5) / p.fee_unit
