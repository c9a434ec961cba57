"""Histories of risk (pure): points thinned evenly, and how much of a limit was used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

T = TypeVar("T")
SAME_CLOCK = timedelta(minutes=1)  # a measurement takes less; a replay's time is further from the wall clock


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


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured: the time that it was measured for, the wall clock then, and the numbers by rule."""

    at: datetime
    sampled_at: datetime
    limits: Mapping[str, Sequence[Any]]

    @property
    def is_of_the_wall_clock(self) -> bool:
        """True where no replay gave the time."""
        return abs(self.at - self.sampled_at) < SAME_CLOCK


def on_one_clock(samples: Sequence[Sample], *, is_replayed: bool) -> list[tuple[datetime, Mapping[str, Sequence[Any]]]]:
    """Put samples (in the order in which they were taken) on one axis of time.

    An account that holds what a replay plays is measured in the replay's time, years ago; one that holds nothing, now.
    While a replay plays what it trades (or gave the newest sample its time) the axis is market time: what the wall
    clock measured before is left out, and later stands at the market time reached by then. Else it is the wall clock.
    """
    if not is_replayed and (not samples or samples[-1].is_of_the_wall_clock):
        return [(each.sampled_at, each.limits) for each in samples]
    found: list[tuple[datetime, Mapping[str, Sequence[Any]]]] = []
    for each in samples:
        if not each.is_of_the_wall_clock:
            reached = max(each.at, found[-1][0]) if found else each.at
            found.append((reached, each.limits))
        elif found:
            found.append((found[-1][0], each.limits))
    return found or [(each.sampled_at, each.limits) for each in samples]


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
