"""Moving averages and the MACD. Pure; arrays in, arrays of the same length out, NaN before warm-up."""

import numpy as np
import talib

from domain.bars import Floats
from marketdata.indicators import windows


def sma(close: Floats, period: int) -> Floats:
    """Return the simple moving average.

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN. Bit-identical on any prefix or suffix that holds the window.

    Examples
    --------
    >>> sma(np.array([1.0, 2.0, 3.0]), 2)
    array([nan, 1.5, 2.5])
    """
    out: Floats = windows.mean(close, period)
    return out


def ema(close: Floats, period: int) -> Floats:
    """Return the exponential moving average, alpha = 2 / (period + 1), seeded with the first SMA (TA-Lib).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN. Recursive: depends (ever less) on all bars before.
    """
    if period == 1:
        return np.array(close, dtype=np.float64)
    out: Floats = talib.EMA(close, period) if len(close) else np.array(close, dtype=np.float64)
    return out


def wma(close: Floats, period: int) -> Floats:
    """Return the linearly weighted moving average, newest bar weighted `period`.

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN.
    """
    out: Floats = windows.weighted_mean(close, period)
    return out


def dema(close: Floats, period: int) -> Floats:
    """Return the double exponential moving average 2 EMA - EMA(EMA) (Mulloy 1994, TA-Lib).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    float64[n_bars]; the first 2 (period-1) values are NaN.
    """
    out: Floats = talib.DEMA(close, period) if len(close) else np.array(close, dtype=np.float64)
    return out


def macd(close: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return MACD line, its signal line and their difference (Appel 1979, TA-Lib).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    fast, slow, signal : int, periods of the EMAs; fast < slow

    Returns
    -------
    three float64[n_bars]; the first slow+signal-2 values are NaN.

    Raises
    ------
    ValueError
        If fast is not smaller than slow.
    """
    if fast >= slow:
        raise ValueError(f"fast {fast} must be smaller than slow {slow}")
    if len(close) == 0:
        return close, close, close
    line, smooth, difference = talib.MACD(close, fast, slow, signal)
    return line, smooth, difference
