"""Volatility, bands and channels. Pure; arrays in, arrays of the same length out, NaN before warm-up."""

import talib

from domain.bars import Floats
from marketdata.indicators import windows


def stddev(close: Floats, period: int) -> Floats:
    """Return the population standard deviation of the last `period` closes.

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 2

    Returns
    -------
    float64[n_bars], quote currency; the first period-1 values are NaN.
    """
    out: Floats = windows.deviation(close, period)
    return out


def bollinger(close: Floats, period: int, width: float) -> tuple[Floats, Floats, Floats]:
    """Return upper, middle and lower Bollinger band: SMA ± width population deviations (Bollinger 1983).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    period : int, at least 2
    width : float, deviations

    Returns
    -------
    three float64[n_bars], quote currency; the first period-1 values are NaN.
    """
    middle: Floats = windows.mean(close, period)
    distance = windows.deviation(close, period) * width
    return middle + distance, middle, middle - distance


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return the average true range, Wilder smoothing (Wilder 1978, TA-Lib).

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    float64[n_bars], quote currency; the first period values are NaN. Recursive.
    """
    out: Floats = talib.ATR(high, low, close, period) if len(close) else close
    return out


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return the true range: the largest of high-low and the distances of high and low from the last close.

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency

    Returns
    -------
    float64[n_bars], quote currency; the first value is NaN.
    """
    out: Floats = talib.TRANGE(high, low, close) if len(close) else close
    return out


def highest(values: Floats, period: int) -> Floats:
    """Return the highest of the last `period` values, this bar's included.

    Parameters
    ----------
    values : float64[n_bars]
    period : int, at least 1

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN. Bit-identical on any prefix or suffix that holds the window.
    """
    out: Floats = windows.largest(values, period)
    return out


def lowest(values: Floats, period: int) -> Floats:
    """Return the lowest of the last `period` values, this bar's included.

    Parameters
    ----------
    values : float64[n_bars]
    period : int, at least 1

    Returns
    -------
    float64[n_bars]; the first period-1 values are NaN. Bit-identical on any prefix or suffix that holds the window.
    """
    out: Floats = windows.smallest(values, period)
    return out


def donchian(high: Floats, low: Floats, period: int) -> tuple[Floats, Floats, Floats]:
    """Return the Donchian channel: highest high, middle and lowest low of the last `period` bars, this one included.

    Parameters
    ----------
    high, low : float64[n_bars], quote currency
    period : int, at least 1

    Returns
    -------
    three float64[n_bars], quote currency; the first period-1 values are NaN.
    """
    top, bottom = highest(high, period), lowest(low, period)
    return top, (top + bottom) / 2, bottom
