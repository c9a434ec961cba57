"""Quiet hours on ordinary nights and on the nights when the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.quiet import DailyTime, QuietHours, next_time, quiet_until

NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_night_over_midnight_is_quiet_until_morning() -> None:
    quiet = QuietHours(time(22), time(7), "Europe/Berlin")

    assert quiet_until(quiet, utc("2026-01-10 20:59")) is None
    assert quiet_until(quiet, utc("2026-01-10 21:00")) == utc("2026-01-11 06:00")
    assert quiet_until(quiet, utc("2026-01-11 05:59:59")) == utc("2026-01-11 06:00")
    assert quiet_until(quiet, utc("2026-01-11 06:00")) is None


def test_hours_within_a_day_are_quiet() -> None:
    quiet = QuietHours(time(12), time(14), "UTC")

    assert quiet_until(quiet, utc("2026-01-10 13:00")) == utc("2026-01-10 14:00")
    assert quiet_until(quiet, utc("2026-01-10 14:00")) is None


def test_equal_start_and_end_mean_none() -> None:
    assert quiet_until(QuietHours(time(9), time(9), "UTC"), utc("2026-01-10 09:00")) is None
    assert quiet_until(None, utc("2026-01-10 09:00")) is None


# New York, 2026-03-08: 02:00 EST (07:00Z) becomes 03:00 EDT. 2026-11-01: 02:00 EDT (06:00Z) becomes 01:00 EST.
# Lord Howe, 2026-10-04: 02:00 +10:30 (15:30Z on the 3rd) becomes 02:30 +11. 2026-04-05: 02:00 +11 (15:00Z on the 4th)
# becomes 01:30 +10:30.
@pytest.mark.parametrize(
    ("zone", "start", "end", "begins", "ends"),
    [
        (NEW_YORK, time(22), time(7), "2026-03-08 03:00", "2026-03-08 11:00"),
        (NEW_YORK, time(22), time(7), "2026-11-01 02:00", "2026-11-01 12:00"),
        (NEW_YORK, time(22), time(2, 30), "2026-03-08 03:00", "2026-03-08 07:00"),
        (NEW_YORK, time(2, 30), time(6), "2026-03-08 07:00", "2026-03-08 10:00"),
        (NEW_YORK, time(22), time(1, 30), "2026-11-01 02:00", "2026-11-01 06:30"),
        (NEW_YORK, time(1, 30), time(6), "2026-11-01 05:30", "2026-11-01 11:00"),
        (LORD_HOWE, time(22), time(7), "2026-10-03 11:30", "2026-10-03 20:00"),
        (LORD_HOWE, time(22), time(7), "2026-04-04 11:00", "2026-04-04 20:30"),
        (LORD_HOWE, time(22), time(2, 15), "2026-10-03 11:30", "2026-10-03 15:30"),
        (LORD_HOWE, time(22), time(1, 45), "2026-04-04 11:00", "2026-04-04 15:15"),
        (LORD_HOWE, time(1, 45), time(6), "2026-04-04 14:45", "2026-04-04 19:30"),
    ],
)
def test_quiet_hours_are_right_on_nights_when_the_clocks_change(
    zone: str, start: time, end: time, begins: str, ends: str
) -> None:
    quiet = QuietHours(start, end, zone)
    first, last = utc(begins), utc(ends)

    assert quiet_until(quiet, first - timedelta(seconds=1)) is None
    minute = first
    while minute < last:
        assert quiet_until(quiet, minute) == last, minute
        minute += timedelta(minutes=1)
    assert quiet_until(quiet, last) is None


@given(
    at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from([NEW_YORK, LORD_HOWE, "Asia/Kathmandu", "UTC", "Pacific/Apia"]),
)
def test_the_end_is_ahead_within_two_days_and_is_not_quiet_itself(
    at: datetime, start: time, end: time, zone: str
) -> None:
    quiet = QuietHours(start.replace(microsecond=0), end.replace(microsecond=0), zone)

    until = quiet_until(quiet, at)

    if until is not None:
        assert at < until <= at + timedelta(hours=26)
        wall = until.astimezone(ZoneInfo(zone)).time()
        assert wall >= quiet.end or quiet_until(quiet, until) is None


def test_the_next_time_of_day_is_never_before_and_right_over_both_change_nights() -> None:
    six = DailyTime(time(18), "Europe/Paris")
    skipped = DailyTime(time(2, 30), "Europe/Paris")

    assert next_time(six, datetime(2026, 1, 10, 17, tzinfo=UTC)) == datetime(2026, 1, 10, 17, tzinfo=UTC)
    assert next_time(six, datetime(2026, 1, 10, 17, 1, tzinfo=UTC)) == datetime(2026, 1, 11, 17, tzinfo=UTC)
    assert next_time(six, datetime(2026, 3, 28, 20, tzinfo=UTC)) == datetime(2026, 3, 29, 16, tzinfo=UTC)
    assert next_time(skipped, datetime(2026, 3, 28, 20, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert next_time(skipped, datetime(2026, 10, 24, 20, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
