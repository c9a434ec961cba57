"""Bars for the parity tests: real ones of the sample data, and a seeded random walk on the tick."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from domain.bars import BarArrays

SAMPLE = Path(__file__).resolve().parents[1] / "marketdata" / "sample"
DAY = 86_400


def aapl() -> BarArrays:
    """Return the daily bars of Apple, 2000 to 2013, from the product's sample data."""
    with gzip.open(SAMPLE / "AAPL_1d.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    days = [datetime.fromisoformat(row["date"]).replace(tzinfo=UTC) for row in rows]
    columns = [np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")]
    return BarArrays(np.array([int(day.timestamp()) for day in days], dtype=np.int64), *columns)


def minutes(n_sessions: int, *, seed: int, each: int = 60) -> BarArrays:
    """Return one-minute bars of the first hour of some sessions of New York in January 2010."""
    source = walk(n_sessions * each, seed=seed)
    monday_open = 1_262_615_400  # 2010-01-04 14:30Z
    t = [monday_open + DAY * (7 * (d // 5) + d % 5) + 60 * m for d in range(n_sessions) for m in range(each)]
    return BarArrays(np.array(t, dtype=np.int64), source.o, source.h, source.l, source.c, source.v)


def walk(n: int, *, seed: int) -> BarArrays:
    """Return bars of weekdays whose closes walk at random around 50, with gaps, on a tick of 0.01."""
    rng = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.02, n))), 2)
    opened = np.round(np.concatenate(([50.0], close[:-1])) * (1 + rng.normal(0, 0.008, n)), 2)
    top = np.round(np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.006, n))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.006, n))), 2)
    monday = 1_262_563_200  # 2010-01-04
    days = np.array([monday + DAY * (7 * (i // 5) + i % 5) for i in range(n)], dtype=np.int64)
    return BarArrays(days, opened, top, low, close, np.full(n, 1e6))
