"""Each kind of bad bar is found, told by its own reason, and good bars pass."""

import numpy as np
import pytest

from domain.bar_quality import CHECKS, REASONS, QualityContext, faults, longest_rise
from domain.bars import BarArrays

NOW = QualityContext(now=10_000, tick=0.01, step=0.0001)


def make_bars(n: int = 6) -> BarArrays:
    c = np.full(n, 100.0)
    return BarArrays(np.arange(n, dtype=np.int64) * 60, c.copy(), c + 1, c - 1, c.copy(), c * 10)


def test_good_bars_have_no_fault() -> None:
    assert faults(make_bars(), NOW) == []
    assert faults(BarArrays.empty(), NOW) == []


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("o", np.nan, "nan"),
        ("v", np.nan, "nan"),
        ("h", np.inf, "infinite"),
        ("l", -np.inf, "infinite"),
        ("c", 0.0, "zero"),
        ("l", -99.0, "negative"),
        ("v", -1.0, "negative"),
        ("h", 2e12, "absurd"),
        ("v", 2e15, "absurd"),
        ("h", 98.0, "high_below_low"),
        ("o", 101.5, "outside_range"),
        ("c", 98.5, "outside_range"),
        ("t", 10_001, "future"),
        ("t", -62_135_596_800, "too_old"),
        ("c", 100.12345, "off_tick"),
        ("t", 60, "duplicate"),
        ("t", 30, "out_of_order"),
    ],
)
def test_a_bad_value_is_told_by_its_reason(column: str, value: float, code: str) -> None:
    bars = make_bars()
    getattr(bars, column)[3] = value

    assert faults(bars, NOW) == [(3, code)]
    assert REASONS[code]


@pytest.mark.parametrize("factor", [1e6, 1e-6, 1e5, 1e3])
def test_a_jump_of_a_thousand_fold_or_more_is_measured_against_the_last_good_close(factor: float) -> None:
    bars = make_bars(60)
    for column in (bars.o, bars.h, bars.l, bars.c):
        column[2:4] *= factor

    found = faults(bars, QualityContext(now=10_000))

    assert found == [(2, "jump"), (3, "jump")]


def test_the_first_bar_of_a_feed_is_measured_against_the_stored_close() -> None:
    context = QualityContext(now=10_000, last_t=-60, last_close=2e8)
    assert {code for _, code in faults(make_bars(), context)} == {"jump"}


def test_bars_at_or_before_the_last_stored_one_are_late() -> None:
    context = QualityContext(now=10_000, last_t=120, last_close=100.0)
    assert faults(make_bars(), context) == [(0, "out_of_order"), (1, "out_of_order"), (2, "duplicate")]


def test_rounding_of_32_bit_sources_is_forgiven() -> None:
    bars = make_bars()
    bars.o[1] = bars.h[1] = 147.100006
    bars.c[1] = 147.1000061

    assert faults(bars, NOW) == []


def test_sub_penny_executions_are_good_and_half_ticks_of_other_classes_too() -> None:
    bars = make_bars()
    bars.c[1] = 100.0001
    assert faults(bars, NOW) == []
    assert faults(bars, QualityContext(now=10_000, tick=0.01, step=0.005)) == [(1, "off_tick")]
    bars.c[1] = 100.005
    assert faults(bars, QualityContext(now=10_000, tick=0.01, step=0.005)) == []


def test_order_keeps_as_many_bars_as_can_be_kept() -> None:
    t = np.array([1, 9, 2, 3, 4, 8, 5, 6, 7], dtype=np.int64)

    assert t[longest_rise(t)].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_every_check_has_a_case_above() -> None:
    assert {code for code, _, _ in CHECKS} == {
        "nan", "infinite", "zero", "negative", "absurd", "high_below_low", "outside_range", "future", "too_old",
        "off_tick",
        "duplicate", "out_of_order", "jump",
    }  # fmt: skip
