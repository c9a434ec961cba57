"""Indicators of volume. Pure; arrays in, arrays of the same length out, NaN before warm-up."""

import numpy as np
import talib

from domain.bars import Floats
from marketdata.indicators import windows


def obv(close: Floats, volume: Floats) -> Floats:
    """Return the on-balance volume (Granville 1963, TA-Lib: starts at the first bar's volume).

    Parameters
    ----------
    close : float64[n_bars], quote currency
    volume : float64[n_bars], units

    Returns
    -------
    float64[n_bars], units; no warm-up. Only differences mean something: it depends on where the series begins.
    """
    out: Floats = talib.OBV(close, np.ascontiguousarray(volume)) if len(close) else close
    return out


def vwap(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Return the volume-weighted average of the typical price over the last `period` bars.

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    volume : float64[n_bars], units
    period : int, at least 1

    Returns
    -------
    float64[n_bars], quote currency; the first period-1 values are NaN, and windows without volume.
    """
    value = windows.mean((high + low + close) / 3 * volume, period)
    traded = windows.mean(volume, period)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(traded > 0, value / traded, np.nan)


def anchored_vwap(high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """Return the volume-weighted average of the typical price since the first bar.

    Parameters
    ----------
    high, low, close : float64[n_bars], quote currency
    volume : float64[n_bars], units

    Returns
    -------
    float64[n_bars], quote currency; NaN until there is volume.
    """
    traded = np.cumsum(volume)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(traded > 0, np.cumsum((high + low + close) / 3 * volume) / traded, np.nan)


def average_volume(volume: Floats, period: int) -> Floats:
    """Return the simple moving average of the volume.

    Parameters
    ----------
    volume : float64[n_bars], units
    period : int, at least 1

    Returns
    -------
    float64[n_bars], units; the first period-1 values are NaN.
    """
    out: Floats = windows.mean(volume, period)
    return out
