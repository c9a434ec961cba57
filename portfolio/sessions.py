"""Loss sessions (pure): which session a moment belongs to, in an account's own zone and from its own start."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def session_date(at: datetime, zone: str, start: time) -> date:
    """Return the date on which the session of ``at`` began: before ``start`` local time it is still yesterday's."""
    local = at.astimezone(ZoneInfo(zone))
    return local.date() if local.time() >= start else local.date() - timedelta(days=1)
