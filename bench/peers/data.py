"""Seeded bars for the engine benches, the same for every engine; knows nothing of the platform.

Log returns are noise about a momentum that comes and goes, drawn back slowly to where they began: on a plain random
walk 19,000 fills of 0.1 % end at nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np

N_BARS, N_DAYS, N_INSTRUMENTS = 1_000_000, 2_520, 500
FAST, SLOW, FEE, CASH = 20, 50, 0.001, 1e8
STOP, TARGET = 0.002, 0.004
GRID_BARS, USER_BARS = 100_000, 100_000
GRID = [(5 + 2 * i, 60 + 5 * j) for i in range(25) for j in range(40)]


def log_path(noise: Any, shocks: Any, *, sigma: float, momentum: float, memory: float, pull: float) -> Any:
    """Return the logarithms of the closes, bar by bar."""
    path = np.empty(len(noise))
    keep = np.exp(-1.0 / memory)
    push = momentum * np.sqrt(1 - keep * keep)
    start = x = np.log(100.0)
    drift = 0.0
    for t, (own, shock) in enumerate(zip(noise.tolist(), shocks.tolist(), strict=True)):
        drift = keep * drift + push * shock
        x += drift + sigma * own - (x - start) / pull
        path[t] = x
    return path


def bars(n: int, seed: int, **shape: float) -> list[Any]:
    """Return open, high, low, close and volume."""
    rng, sigma = np.random.default_rng(seed), shape["sigma"]
    close = np.exp(log_path(rng.standard_normal(n), rng.standard_normal(n), **shape))
    opened = np.empty(n)
    opened[0], opened[1:] = 100.0, close[:-1] * np.exp(rng.standard_normal(n - 1) * sigma * 0.15)
    high = np.maximum(opened, close) * np.exp(np.abs(rng.standard_normal(n)) * sigma * 0.6)
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.standard_normal(n)) * sigma * 0.6)
    opened, high, low, close = (np.round(each, 5) for each in (opened, high, low, close))
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    return [opened, high, low, close, np.round(rng.lognormal(13.0, 0.5, n))]


def write(folder: Path) -> None:
    """Write the bars of all workloads into a folder, once."""
    if not (folder / "one.npz").exists():
        minutes = np.arange(N_BARS, dtype=np.int64) * 60 + 1_420_070_400
        shape = {"sigma": 0.001, "momentum": 0.0001, "memory": 150.0, "pull": 50_000.0}
        np.savez(folder / "one.npz", t=minutes, ohlcv=np.array(bars(N_BARS, 20240501, **shape)))
    if not (folder / "many.npz").exists():
        days = np.busday_offset(np.datetime64("2014-01-02"), np.arange(N_DAYS), roll="forward")
        shape = {"sigma": 0.015, "momentum": 0.002, "memory": 60.0, "pull": 2_000.0}
        blocks = np.array([bars(N_DAYS, 7000 + j, **shape) for j in range(N_INSTRUMENTS)])
        seconds = days.astype("datetime64[s]").astype(np.int64)
        np.savez(folder / "many.npz", t=seconds, ohlcv=np.ascontiguousarray(blocks.transpose(1, 2, 0)))


def one(folder: Path, n: int = N_BARS) -> tuple[Any, list[Any]]:
    """Return times and the five columns of the one instrument's first bars."""
    found = np.load(folder / "one.npz")
    return found["t"][:n].copy(), [np.ascontiguousarray(column[:n]) for column in found["ohlcv"]]


def many(folder: Path, width: int = N_INSTRUMENTS) -> tuple[Any, list[Any]]:
    """Return times and five blocks [bars, instruments] of the first instruments."""
    found = np.load(folder / "many.npz")
    return found["t"], [np.ascontiguousarray(block[:, :width]) for block in found["ohlcv"]]


def crossings(close: Any, fast: int = FAST, slow: int = SLOW) -> tuple[Any, Any]:
    """Return at which closes the fast average crosses above and below the slow one."""
    quick, slack = average(close, fast), average(close, slow)
    up, down = np.zeros(len(close), bool), np.zeros(len(close), bool)
    up[slow:] = (quick[slow:] > slack[slow:]) & (quick[slow - 1 : -1] <= slack[slow - 1 : -1])
    down[slow:] = (quick[slow:] < slack[slow:]) & (quick[slow - 1 : -1] >= slack[slow - 1 : -1])
    return up, down


def average(values: Any, period: int) -> Any:
    """Return the simple moving average by cumulative sums."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    out = np.full(len(values), np.nan)
    out[period - 1 :] = (sums[period:] - sums[:-period]) / period
    return out
