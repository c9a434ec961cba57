"""Bars: one, or many as arrays. What makes a bar bad is in domain/bar_quality.py."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Timeframe(StrEnum):
    """The lengths of time that a bar may cover."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"

    @property
    def seconds(self) -> int:
        """Length of a bar in seconds of clock time (a daily bar: 86,400)."""
        return TIMEFRAME_SECONDS[self]

    @property
    def words(self) -> str:
        """How people write it before the word bar: `1d` is `1-day`."""
        return f"{self[:-1]}-{_UNITS[self[-1]]}"

    @property
    def is_intraday(self) -> bool:
        """Tell whether several bars fit in a day."""
        return self.seconds < TIMEFRAME_SECONDS[Timeframe.D1]


_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
TIMEFRAME_SECONDS: dict[Timeframe, int] = {
    Timeframe.M1: 60,
    Timeframe.M5: 300,
    Timeframe.M15: 900,
    Timeframe.M30: 1800,
    Timeframe.H1: 3600,
    Timeframe.H4: 14_400,
    Timeframe.D1: 86_400,
    Timeframe.W1: 604_800,
}


class BarSource(StrEnum):
    """Where a stored bar came from."""

    LIVE = "live"
    BACKFILL = "backfill"
    IMPORTED = "imported"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; usable only after `close_at`."""

    open_at: datetime
    close_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class BarArrays:
    """Bars of one instrument and timeframe, oldest first, as columns of equal length.

    t : int64[n_bars], unix seconds at which each bar opened
    o, h, l, c : float64[n_bars], prices in the quote currency
    v : float64[n_bars], units traded
    """

    t: Ints
    o: Floats
    h: Floats
    l: Floats  # noqa: E741  the trade's own letter for the low
    c: Floats
    v: Floats

    def __post_init__(self) -> None:
        if len({len(column) for column in self.columns}) > 1:
            raise ValueError("the columns of a bar series differ in length")

    def __len__(self) -> int:
        return len(self.t)

    @property
    def columns(self) -> tuple[npt.NDArray[np.int64 | np.float64], ...]:
        """The six columns in the order t, o, h, l, c, v."""
        return (self.t, self.o, self.h, self.l, self.c, self.v)

    @classmethod
    def empty(cls) -> Self:
        """Return a series of no bars."""
        nothing = np.empty(0, dtype=np.float64)
        return cls(np.empty(0, dtype=np.int64), nothing, nothing, nothing, nothing, nothing)

    def slice(self, start: int, stop: int) -> "BarArrays":
        """Return the bars `start <= i < stop` (views, no copy)."""
        cut = slice(start, stop)
        return BarArrays(self.t[cut], self.o[cut], self.h[cut], self.l[cut], self.c[cut], self.v[cut])

    def head(self, n: int) -> "BarArrays":
        """Return the first `n` bars."""
        return self.slice(0, max(n, 0))

    def tail(self, n: int) -> "BarArrays":
        """Return the last `n` bars."""
        return self.slice(max(len(self) - max(n, 0), 0), len(self))

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> "BarArrays":
        """Return the rows that a mask or an index array picks, as copies."""
        return BarArrays(self.t[rows], self.o[rows], self.h[rows], self.l[rows], self.c[rows], self.v[rows])

    def between(self, start: int | None, end: int | None) -> "BarArrays":
        """Return the bars that open at `start <= t < end` (unix seconds; None leaves a side open)."""
        first = 0 if start is None else int(np.searchsorted(self.t, start, side="left"))
        last = len(self) if end is None else int(np.searchsorted(self.t, end, side="left"))
        return self.slice(first, max(first, last))

    @classmethod
    def join(cls, parts: "list[BarArrays]") -> "BarArrays":
        """Return several series put end to end."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        return BarArrays(
            np.concatenate([part.t for part in parts]),
            np.concatenate([part.o for part in parts]),
            np.concatenate([part.h for part in parts]),
            np.concatenate([part.l for part in parts]),
            np.concatenate([part.c for part in parts]),
            np.concatenate([part.v for part in parts]),
        )

    def is_equal(self, other: "BarArrays") -> bool:
        """Tell whether two series hold the same values, bit for bit."""
        return all(np.array_equal(mine, theirs) for mine, theirs in zip(self.columns, other.columns, strict=True))
