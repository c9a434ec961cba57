"""Gaps are what the calendar expects, not what weekends leave out."""

from datetime import UTC, datetime

import numpy as np

from domain.bars import Timeframe
from marketdata.gaps import Gap, find_gaps


def utc(*texts: str) -> np.ndarray:
    return np.array([int(datetime.fromisoformat(t).replace(tzinfo=UTC).timestamp()) for t in texts], dtype=np.int64)


def test_nights_and_weekends_are_no_gaps_of_an_exchange() -> None:
    friday = np.arange(*utc("2024-01-05T14:30", "2024-01-05T21:00"), 60)
    monday = np.arange(*utc("2024-01-08T14:30", "2024-01-08T21:00"), 60)

    assert find_gaps(np.concatenate((friday, monday)), Timeframe.M1, calendar="XNYS") == []
    missing = find_gaps(np.concatenate((friday[:-2], monday[3:])), Timeframe.M1, calendar="XNYS")
    assert missing == [Gap(int(friday[-2]), int(monday[2]), 5)]


def test_fx_rests_from_friday_to_sunday() -> None:
    t = utc("2024-01-05T20:00", "2024-01-07T22:00", "2024-01-08T01:00")
    assert [gap.missing for gap in find_gaps(t, Timeframe.H1, calendar="24/5")] == [2]


def test_round_the_clock_every_missing_bar_counts() -> None:
    t = utc("2024-01-05", "2024-01-09", "2024-01-10")
    assert find_gaps(t, Timeframe.D1, calendar="24/7") == [Gap(int(t[0]) + 86_400, int(t[0]) + 3 * 86_400, 3)]
    assert find_gaps(t, Timeframe.D1, calendar="XNYS") == [Gap(int(t[0]) + 3 * 86_400, int(t[0]) + 3 * 86_400, 1)]
