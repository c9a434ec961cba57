"""Histories of risk (pure): points thinned evenly, and how much of a limit was used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeadroomPoint:
    """How much of a limit was used at one market time (``used`` 1.0: all of it)."""

    at: datetime
    used: float
    value: Decimal
    limit: Decimal


@dataclass(frozen=True, slots=True)
class HeadroomSeries:
    """The history of one rule's headroom, oldest first."""

    key: str
    name: str
    points: tuple[HeadroomPoint, ...]

    @property
    def last(self) -> HeadroomPoint:
        """The newest point."""
        return self.points[-1]


def thinned(rows: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` (at least 2) of the rows, evenly spread, the first and the last among them."""
    n, wanted = len(rows), max(2, most)
    if n <= wanted:
        return list(rows)
    return [rows[round(i * (n - 1) / (wanted - 1))] for i in range(wanted)]


def to_drop(numbers: Sequence[int], most: int) -> list[int]:
    """Return which rows (oldest first) to forget once there are more than ``most``: every other of the older half.

    So the newest stay close together, and what is old thins out by itself; the very first one is kept.
    """
    return [] if len(numbers) <= most else list(numbers[1 : len(numbers) // 2 : 2])
