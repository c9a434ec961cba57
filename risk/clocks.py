"""Times of day that rules name (pure)."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo


def seconds_after(parameters: Mapping[str, Any], at: datetime) -> Decimal:
    """Return how many seconds a moment lies after the time of a ``flat_by`` rule; below zero: before the next one.

    Positions are to be flat from ``time`` until ``until`` (midnight by default), by the clock of the rule's zone.
    """
    zone = ZoneInfo(parameters.get("timezone", "UTC"))
    begin, end = (time.fromisoformat(parameters.get(name, "00:00")) for name in ("time", "until"))
    local = at.astimezone(zone)
    now = local.time()
    is_inside = begin <= now < end if begin < end else now >= begin or now < end
    passed = _of_day(now) - _of_day(begin)
    if is_inside:
        return Decimal(str((passed if passed >= timedelta(0) else passed + timedelta(days=1)).total_seconds()))
    return Decimal(str((passed if passed < timedelta(0) else passed - timedelta(days=1)).total_seconds()))


def _of_day(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)
