"""Compiled kernels over moving windows. Each window is computed afresh and in the same order, so that the value at a
bar is the same bits whatever came before the window: strategies compare such values and must not disagree with
themselves on a shorter history. Pure."""

import numpy as np
from numba import njit

from domain.bars import Floats


@njit(cache=True, nogil=True)
def mean(values: Floats, period: int) -> Floats:
    """Return the mean of each window of `period` values; the first period-1 are NaN."""
    out = np.full(len(values), np.nan)
    for row in range(period - 1, len(values)):
        total = 0.0
        for k in range(row - period + 1, row + 1):
            total += values[k]
        out[row] = total / period
    return out


@njit(cache=True, nogil=True)
def weighted_mean(values: Floats, period: int) -> Floats:
    """Return the mean with weights 1 (oldest) … period (newest)."""
    out = np.full(len(values), np.nan)
    weight = period * (period + 1) / 2.0
    for row in range(period - 1, len(values)):
        total = 0.0
        for k in range(period):
            total += values[row - period + 1 + k] * (k + 1)
        out[row] = total / weight
    return out


@njit(cache=True, nogil=True)
def deviation(values: Floats, period: int) -> Floats:
    """Return the population standard deviation of each window (two passes)."""
    out = np.full(len(values), np.nan)
    for row in range(period - 1, len(values)):
        total = 0.0
        for k in range(row - period + 1, row + 1):
            total += values[k]
        middle = total / period
        squares = 0.0
        for k in range(row - period + 1, row + 1):
            squares += (values[k] - middle) ** 2
        out[row] = np.sqrt(squares / period)
    return out


@njit(cache=True, nogil=True)
def mean_deviation(values: Floats, period: int) -> Floats:
    """Return the mean absolute deviation from the window's mean."""
    out = np.full(len(values), np.nan)
    for row in range(period - 1, len(values)):
        total = 0.0
        for k in range(row - period + 1, row + 1):
            total += values[k]
        middle = total / period
        distance = 0.0
        for k in range(row - period + 1, row + 1):
            distance += abs(values[k] - middle)
        out[row] = distance / period
    return out


@njit(cache=True, nogil=True)
def largest(values: Floats, period: int) -> Floats:
    """Return the largest value of each window; a window with NaN is NaN."""
    out = np.full(len(values), np.nan)
    for row in range(period - 1, len(values)):
        best = values[row - period + 1]
        for k in range(row - period + 2, row + 1):
            if values[k] > best or values[k] != values[k]:
                best = values[k]
        out[row] = best
    return out


@njit(cache=True, nogil=True)
def smallest(values: Floats, period: int) -> Floats:
    """Return the smallest value of each window; a window with NaN is NaN."""
    out = np.full(len(values), np.nan)
    for row in range(period - 1, len(values)):
        best = values[row - period + 1]
        for k in range(row - period + 2, row + 1):
            if values[k] < best or values[k] != values[k]:
                best = values[k]
        out[row] = best
    return out
