"""Series of bars are cut and joined without losing a row."""

import numpy as np
import pytest

from domain.bars import BarArrays, Timeframe


def make_bars(n: int, *, start: int = 0, step: int = 60) -> BarArrays:
    c = np.arange(n, dtype=np.float64) + 100
    return BarArrays(np.arange(n, dtype=np.int64) * step + start, c, c + 1, c - 1, c, c * 10)


def test_every_timeframe_has_its_seconds() -> None:
    assert [t.seconds for t in Timeframe] == [60, 300, 900, 1800, 3600, 14400, 86400, 604800]
    assert [t.is_intraday for t in Timeframe] == [True] * 6 + [False] * 2


def test_head_tail_and_slice_give_the_asked_rows() -> None:
    bars = make_bars(5)

    assert bars.head(2).t.tolist() == [0, 60]
    assert bars.tail(2).t.tolist() == [180, 240]
    assert bars.slice(1, 3).c.tolist() == [101, 102]
    assert len(bars.tail(9)) == 5
    assert len(bars.tail(0)) == len(bars.head(-1)) == 0


def test_between_includes_the_start_and_excludes_the_end() -> None:
    assert make_bars(5).between(60, 180).t.tolist() == [60, 120]
    assert make_bars(5).between(None, 61).t.tolist() == [0, 60]
    assert len(make_bars(5).between(300, None)) == 0


def test_joined_parts_are_the_whole() -> None:
    bars = make_bars(5)

    assert BarArrays.join([bars.head(2), bars.slice(2, 5)]).is_equal(bars)
    assert len(BarArrays.join([])) == 0


def test_columns_of_unequal_length_are_refused() -> None:
    c = np.ones(2)
    with pytest.raises(ValueError, match="differ in length"):
        BarArrays(np.arange(3), c, c, c, c, c)
