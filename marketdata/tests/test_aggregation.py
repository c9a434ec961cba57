"""Higher bars are exact, aligned to sessions, and never mix regular with extended hours."""

from datetime import UTC, datetime

import numpy as np
import pytest

from domain.bars import BarArrays, Timeframe
from marketdata.aggregation import aggregate, can_aggregate
from marketdata.tests.reference import columns, floats


def seconds(texts: list[str]) -> np.ndarray:
    return np.array([int(datetime.fromisoformat(text).timestamp()) for text in texts], dtype=np.int64)


def read(path: str) -> BarArrays:
    table = columns(path)
    return BarArrays(
        seconds(table["timestamp"]), *(floats(table[name]) for name in ("open", "high", "low", "close", "volume"))
    )


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def minutes(first: str, n: int) -> BarArrays:
    t = utc(first) + np.arange(n, dtype=np.int64) * 60
    c = np.arange(n, dtype=np.float64) + 100
    return BarArrays(t, c, c + 0.5, c - 0.5, c + 0.25, np.ones(n))


def test_fifteen_minutes_equal_the_exchange_s_own_candles() -> None:
    made = aggregate(read("data/crypto/BTCUSDT_1m_2024-12-01_20.csv.gz"), Timeframe.M1, Timeframe.M15, calendar="24/7")
    theirs = read("reference/aggregation/BTCUSDT_15m_2024-12-01_20.csv.gz")

    assert np.array_equal(made.t, theirs.t)
    for ours, exchange in ((made.o, theirs.o), (made.h, theirs.h), (made.l, theirs.l), (made.c, theirs.c)):
        assert np.array_equal(ours, exchange)
    assert np.abs(made.v - theirs.v).max() < 1e-9


def test_hours_of_new_york_start_at_half_past() -> None:
    day = minutes("2020-12-15T14:30", 390)

    made = aggregate(day, Timeframe.M1, Timeframe.H1, calendar="XNYS")

    assert made.t.tolist() == [utc(f"2020-12-15T{hour}:30") for hour in range(14, 21)]
    assert made.v.tolist() == [60] * 6 + [30]
    assert (made.o[1], made.h[1], made.l[1], made.c[1]) == (160, 219.5, 159.5, 219.25)


def test_extended_hours_make_bars_of_their_own() -> None:
    day = minutes("2020-12-15T14:00", 450)  # 09:00 to 16:30 in New York

    made = aggregate(day, Timeframe.M1, Timeframe.H1, calendar="XNYS")

    assert made.t[0] == utc("2020-12-15T13:30")
    assert made.t[-1] == utc("2020-12-15T21:00")
    assert made.v.tolist() == [30] + [60] * 6 + [30, 30]


def test_a_daily_bar_holds_the_regular_session_alone() -> None:
    day = minutes("2020-12-15T14:00", 450)

    made = aggregate(day, Timeframe.M1, Timeframe.D1, calendar="XNYS")

    assert made.t.tolist() == [utc("2020-12-15")]
    assert (made.o[0], made.c[0], made.v[0]) == (130, 519.25, 390)


def test_the_session_moves_with_daylight_saving() -> None:
    both = BarArrays.join([minutes("2021-03-12T14:30", 60), minutes("2021-03-15T13:30", 60)])

    made = aggregate(both, Timeframe.M1, Timeframe.H1, calendar="XNYS")

    assert made.t.tolist() == [utc("2021-03-12T14:30"), utc("2021-03-15T13:30")]
    assert made.v.tolist() == [60, 60]


def test_weeks_start_on_monday() -> None:
    t = utc("2024-01-03") + np.arange(8, dtype=np.int64) * 86_400  # Wednesday to Wednesday
    c = np.arange(8, dtype=np.float64) + 1
    days = BarArrays(t, c, c, c, c, c)

    made = aggregate(days, Timeframe.D1, Timeframe.W1, calendar="24/7")

    assert made.t.tolist() == [utc("2024-01-01"), utc("2024-01-08")]
    assert made.v.tolist() == [1 + 2 + 3 + 4 + 5, 6 + 7 + 8]


def test_days_without_a_calendar_are_utc_days() -> None:
    made = aggregate(minutes("2024-01-01T23:00", 120), Timeframe.M1, Timeframe.D1, calendar="24/7")
    assert made.t.tolist() == [utc("2024-01-01"), utc("2024-01-02")]


@pytest.mark.parametrize(
    ("source", "target", "can"),
    [("1m", "5m", True), ("5m", "15m", True), ("30m", "1h", True), ("1h", "1h", False), ("1d", "1h", False)],
)
def test_only_multiples_can_be_made(source: str, target: str, can: bool) -> None:
    assert can_aggregate(Timeframe(source), Timeframe(target)) is can
    if not can:
        with pytest.raises(ValueError, match="cannot be made"):
            aggregate(BarArrays.empty(), Timeframe(source), Timeframe(target), calendar="24/7")


def test_nothing_makes_nothing() -> None:
    assert len(aggregate(BarArrays.empty(), Timeframe.M1, Timeframe.H1, calendar="XNYS")) == 0
