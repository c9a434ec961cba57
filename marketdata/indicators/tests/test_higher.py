"""Larger bars inside a strategy: the same as aggregated ones, seen when complete, whatever history lies before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bars import BarArrays, Timeframe
from marketdata.aggregation import aggregate
from marketdata.indicators.higher import SECONDS, higher_bars

DAY = 86_400
MONDAY = 4 * DAY


def days(n: int, *, gaps: tuple[int, ...] = ()) -> BarArrays:
    """Weekday bars from a Monday on, some left out."""
    rows = [i for i in range(n) if i not in gaps]
    t = np.array([MONDAY + DAY * (7 * (i // 5) + i % 5) for i in rows], dtype=np.int64)
    close = np.array([float(100 + i) for i in rows])
    return BarArrays(t, close - 0.5, close + 1, close - 1, close, np.ones(len(rows)))


def test_a_week_is_seen_on_the_first_day_of_the_next() -> None:
    larger = higher_bars(days(21), SECONDS["1w"])

    # The first week may have begun before the bars: the second (days 5-9) is the first that is known whole.
    assert larger.newest.tolist() == [-1] * 10 + [0] * 5 + [1] * 5 + [2]
    assert larger.bars.c.tolist() == [109.0, 114.0, 119.0]
    assert np.isnan(larger.at_rows(larger.bars.c)[:10]).all()
    assert larger.indicator(lambda c: c * 2)[10] == 218.0


def test_larger_bars_are_those_of_the_platforms_own_aggregation() -> None:
    bars = days(60, gaps=(7, 24, 25, 26, 27, 28, 41))

    larger = higher_bars(bars, SECONDS["1w"]).bars
    whole = aggregate(bars, Timeframe.D1, Timeframe.W1, calendar="XNYS").slice(1, -1 + len(larger) + 2)

    for mine, other in zip(larger.columns, whole.columns, strict=True):
        assert np.array_equal(mine, other)


@pytest.mark.parametrize("n", [0, 1, 5, 6])
def test_too_few_bars_make_no_larger_one(n: int) -> None:
    larger = higher_bars(days(n), SECONDS["1w"])

    assert len(larger.bars) == 0 and larger.newest.tolist() == [-1] * n


def test_a_period_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 seconds"):
        higher_bars(days(5), 0)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 400), min_size=30), st.sampled_from([3600, 4 * 3600, DAY]), st.integers(1, 20))
def test_no_row_knows_of_a_later_one_and_no_row_depends_on_what_lies_long_before(
    minutes: set[int], seconds: int, cut: int
) -> None:
    t = np.array(sorted(minutes), dtype=np.int64) * 1800
    close = np.sqrt(np.arange(len(t)) + 1.0)
    bars = BarArrays(t, close, close, close, close, close)
    whole = higher_bars(bars, seconds)
    seen = whole.at_rows(whole.bars.c)

    early = bars.head(len(bars) - cut)
    assert np.array_equal(higher_bars(early, seconds).indicator(lambda c: c), seen[: len(early)], equal_nan=True)
    late = higher_bars(bars.tail(len(bars) - cut), seconds).indicator(lambda c: c)
    known = ~np.isnan(late)
    assert np.array_equal(late[known], seen[cut:][known])
