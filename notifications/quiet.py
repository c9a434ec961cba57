"""Quiet hours: a daily span of wall-clock time in a zone, right on the nights when the clocks change. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` to ``end`` by the clock on the wall, over midnight when the end is not later; equal means none."""

    start: time
    end: time
    timezone: str


def quiet_until(quiet: QuietHours | None, at: datetime) -> datetime | None:
    """Return when the quiet hours around ``at`` end (UTC), or None when it is not quiet then.

    A wall time that comes twice starts the span at its first coming and ends it at its second; one that is skipped
    counts as the moment of the jump. So a span is never broken in two, and never ends early.
    """
    if quiet is None or quiet.start == quiet.end:
        return None
    zone = ZoneInfo(quiet.timezone)
    today = at.astimezone(zone).date()
    for date in (today - timedelta(days=1), today):
        until = date if quiet.end > quiet.start else date + timedelta(days=1)
        begins = instant(datetime.combine(date, quiet.start), zone, is_last=False)
        ends = instant(datetime.combine(until, quiet.end), zone, is_last=True)
        if begins <= at < ends:
            return ends
    return None


@dataclass(frozen=True, slots=True)
class DailyTime:
    """A time of day by the clock on the wall."""

    at: time
    timezone: str


def next_time(daily: DailyTime, after: datetime) -> datetime:
    """Return the first moment (UTC), not before ``after``, at which the wall shows the time of day."""
    zone = ZoneInfo(daily.timezone)
    today = after.astimezone(zone).date()
    moments = (
        instant(datetime.combine(today + timedelta(days=n), daily.at), zone, is_last=False) for n in range(-1, 3)
    )
    return next(moment for moment in moments if moment >= after)


def instant(wall: datetime, zone: ZoneInfo, *, is_last: bool) -> datetime:
    """Return the UTC moment at which the wall shows ``wall`` (naive); for a skipped time, the moment of the jump."""
    found = wall.replace(tzinfo=zone, fold=int(is_last)).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return _jump(early, late, zone)


def _jump(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Find the second between two moments at which the zone's offset changes."""
    before = early.astimezone(zone).utcoffset()
    low, high = int(early.timestamp()), int(late.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
