"""How much an entry is, in float64: the methods of risk.sizing, to the lot. Pure."""

import numpy as np

from backtesting.kernel.compiling import kernel
from backtesting.kernel.layout import (
    ATR_VOLATILITY,
    EQUAL_WEIGHT,
    FIXED_QUANTITY,
    FIXED_VALUE,
    KELLY,
    PERCENT_EQUITY,
    RISK_PER_TRADE,
    Market,
    Record,
)
from backtesting.kernel.numbers import apart, to_lots
from risk.sizing import KELLY_CAP_PERCENT, KELLY_TRADES
from risk.sizing_inputs import ATR_BARS

_KELLY_TRADES, _KELLY_CAP, _ATR_BARS = KELLY_TRADES, float(KELLY_CAP_PERCENT), ATR_BARS


@kernel
def average_true_range(m: Market, t: int, j: int) -> float:
    """Return the mean true range of the last 14 bars; NaN below 15."""
    if t < _ATR_BARS:
        return np.nan
    total = 0.0
    for k in range(t - _ATR_BARS + 1, t + 1):
        before = m.c[k - 1, j]
        total += apart(max(m.h[k, j], before), min(m.l[k, j], before))
    return total / _ATR_BARS


@kernel
def kelly_percent(size: float, s: Record) -> float:
    """Return the share of equity (%) that a fraction of Kelly puts in, from the trades closed so far."""
    if s.n_trades < _KELLY_TRADES:
        return 1.0
    if s.n_won == 0:
        return 0.0
    kelly = rate = s.n_won / s.n_trades
    if s.n_lost > 0:
        kelly = rate - (1.0 - rate) / ((s.won / s.n_won) / (s.lost / s.n_lost))
    return min(max(kelly, 0.0) * size * 100.0, _KELLY_CAP)


@kernel
def wanted(t: int, j: int, equity: float, price: float, stop: float, m: Market, p: Record, s: Record) -> float:
    """Return the quantity that the method gives at this price, not yet in lots; 0 where it can not say."""
    method, size = p.method, p.size
    if not (size > 0.0 and equity > 0.0 and price > 0.0):
        return 0.0
    if method == FIXED_QUANTITY:
        return size
    if method == FIXED_VALUE:
        return size / price
    if method == PERCENT_EQUITY:
        return equity * size / 100.0 / price
    if method == EQUAL_WEIGHT:
        n = 1 if p.is_split else p.n_instruments
        return equity * (100.0 / n) / 100.0 / price
    if method == RISK_PER_TRADE:
        distance = apart(price, stop)
        return equity * size / 100.0 / distance if distance > 0.0 else 0.0  # NaN: no stop, no size
    if method == ATR_VOLATILITY:
        atr = average_true_range(m, t, j)
        return equity * size / 100.0 / atr if atr > 0.0 else 0.0
    if method == KELLY and size <= 1.0:
        return equity * kelly_percent(size, s) / 100.0 / price
    return 0.0


@kernel
def at_fill(price: float, equity: float, cash: float, is_long: bool, ins: Record, p: Record) -> float:
    """Return the quantity bought at a fill: what the method gives, fees included, never more than the cash pays."""
    each, once = price * (1.0 + p.fee_taker / 100.0) + p.fee_share, p.fee_order
    if p.fee_for_each:
        each, once = each + once, 0.0
    if p.method == FIXED_QUANTITY:
        quantity = p.size
    else:
        budget = equity * p.size / 100.0
        if p.method == FIXED_VALUE:
            budget = p.size
        elif p.method == EQUAL_WEIGHT:
            budget = equity if p.is_split else equity / p.n_instruments
        quantity = (budget - once) / each
    if is_long:
        quantity = min(quantity, (cash - once) / each)
    return to_lots(max(quantity, 0.0), ins)
