"""Facts of market data: bars, gaps, feeds. Transient ones are never stored."""

from dataclasses import dataclass
from typing import ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsClosed(Event):
    """Bars of one market clock closed together; ``items`` are (instrument id, timeframe) pairs, ``at`` market time."""

    name: ClassVar[str] = "bar.closed"
    durable: ClassVar[bool] = False
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarGapDetected(Event):
    """Bars that the calendar expects are missing."""

    name: ClassVar[str] = "bar.gap_detected"
    durable: ClassVar[bool] = False
    symbol: str
    timeframe: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStale(Event):
    """A feed has not delivered for longer than it should."""

    name: ClassVar[str] = "feed.stale"
    symbol: str
    timeframe: str
    age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecovered(Event):
    """A stale or degraded feed delivers again."""

    name: ClassVar[str] = "feed.recovered"
    symbol: str
    timeframe: str
