"""From a day that somebody names to the moments at which it begins and is over."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_FIRST, _LAST = date(1, 1, 2), date(9999, 12, 30)  # nearer to the ends of the calendar no zone has its moments


def begin_of(day: date, zone: tzinfo = UTC) -> datetime:
    """Return when a day begins in a zone."""
    return datetime.combine(min(max(day, _FIRST), _LAST), time(0), tzinfo=zone)


def end_of(day: date, zone: tzinfo = UTC) -> datetime:
    """Return when a day is over in a zone."""
    return datetime.combine(min(max(day, _FIRST), _LAST) + timedelta(days=1), time(0), tzinfo=zone)
