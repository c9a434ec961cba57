"""Momentum and trend strength. Pure; arrays in, arrays of the same length out, NaN before warm-up."""

import numpy as np
import talib

from domain.bars import Floats
from marketdata.indicators import windows


def rsi(close: Floats, period: int) -> Floats:
    """Return the relative strength index, Wilder smoothing (Wilder 1978, TA-Lib).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    float64[n_bars], 0..100; the first period values are NaN. Recursive.
    """
    out: Floats = talib.RSI(close, period) if len(close) else close
    return out


def stochastic(
    high: Floats, low: Floats, close: Floats, period: int, smooth: int, signal: int
) -> tuple[Floats, Floats]:
    """Return the slow stochastic %K and %D (Lane), simple averages.

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    period, smooth, signal : int, window of the range, of %K and of %D

    Returns
    -------
    two float64[n_bars], 0..100; NaN for the first period+smooth-2 (K) and period+smooth+signal-3 (D) values. A range
    of zero counts as 0.
    """
    top, bottom = windows.largest(high, period), windows.smallest(low, period)
    spread = top - bottom
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.where(spread == 0, 0.0, (close - bottom) / spread * 100)
    fast = _mean_after(raw, smooth, period - 1)
    return fast, _mean_after(fast, signal, period + smooth - 2)


def adx(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, Floats, Floats]:
    """Return the average directional index, +DI and -DI (Wilder 1978, TA-Lib).

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    three float64[n_bars], 0..100; the first 2 period - 1 (ADX) and period (DI) values are NaN. Recursive.
    """
    if len(close) == 0:
        return close, close, close
    return (
        talib.ADX(high, low, close, period),
        talib.PLUS_DI(high, low, close, period),
        talib.MINUS_DI(high, low, close, period),
    )


def cci(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return the commodity channel index of the typical price, constant 0.015 (Lambert 1980).

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN; 0 where the price does not move.
    """
    typical = (high + low + close) / 3
    distance = windows.mean_deviation(typical, period)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = (typical - windows.mean(typical, period)) / (0.015 * distance)
    return np.where(distance == 0, 0.0, out)


def roc(close: Floats, period: int) -> Floats:
    """Return the rate of change in per cent against the close `period` bars before.

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    float64[n_bars], per cent; the first period values are NaN.
    """
    out = np.full(len(close), np.nan)
    out[period:] = (close[period:] / close[: max(len(close) - period, 0)] - 1) * 100
    return out


def williams_r(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return Williams %R, -100..0.

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN; 0 where the range is zero.
    """
    top, bottom = windows.largest(high, period), windows.smallest(low, period)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = (top - close) / (top - bottom) * -100
    return np.where(top == bottom, 0.0, out)


def mfi(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Return the money flow index (TA-Lib).

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    volume : float64[n_bars], units
    period : int, at least 2

    Returns
    -------
    float64[n_bars], 0..100; the first period values are NaN.
    """
    out: Floats = talib.MFI(high, low, close, volume, period) if len(close) else close
    return out


def _mean_after(values: Floats, period: int, n_missing: int) -> Floats:
    """Average windows of values whose first `n_missing` are NaN."""
    out = np.full(len(values), np.nan)
    if len(values) > n_missing:
        out[n_missing:] = windows.mean(np.ascontiguousarray(values[n_missing:]), period)
    return out
