"""Walk-forward and cross-validation: no bar is seen before it is tried, curves join, the numbers of the book."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metrics.annual import DAY_SECONDS
from backtesting.search.constraints import Combo
from backtesting.walkforward.chain import Outcome, Pick, pick, walk_forward
from backtesting.walkforward.cpcv import cpcv, validated
from backtesting.walkforward.windows import Mode, Span, Window, windows, windows_by_count
from domain.errors import ValidationFailed


def test_rolling_windows_move_with_a_fixed_length() -> None:
    found = windows(100, mode=Mode.ROLLING, train=40, test=20, purge=3, embargo=2)

    assert found == (
        Window(0, Span(0, 40), Span(45, 65)),
        Window(1, Span(20, 60), Span(65, 85)),
        Window(2, Span(40, 80), Span(85, 100)),
    )


def test_anchored_windows_begin_at_the_first_bar() -> None:
    found = windows(100, mode=Mode.ANCHORED, train=40, test=20, step=30)

    assert [each.train for each in found] == [Span(0, 40), Span(0, 70)]
    assert [each.test for each in found] == [Span(40, 60), Span(70, 90)]


@given(
    n_bars=st.integers(60, 3_000),
    mode=st.sampled_from(Mode),
    train=st.integers(20, 400),
    test=st.integers(15, 200),
    purge=st.integers(0, 20),
    embargo=st.integers(0, 20),
)
def test_tests_never_overlap_and_always_lie_behind_the_gap(
    n_bars: int, mode: Mode, train: int, test: int, purge: int, embargo: int
) -> None:
    try:
        found = windows(n_bars, mode=mode, train=train, test=test, purge=purge, embargo=embargo)
    except ValidationFailed:
        return

    for before, after in itertools.pairwise(found):
        assert before.test.stop == after.test.start
    assert all(each.test.start - each.train.stop == purge + embargo for each in found)
    assert all(len(each.train) >= train and 5 <= len(each.test) <= test for each in found)
    assert n_bars - found[-1].test.stop < 5


@pytest.mark.parametrize("mode", Mode)
def test_windows_by_count_are_as_many_and_use_all_bars(mode: Mode) -> None:
    found = windows_by_count(1_003, mode=mode, n_windows=7, purge=4)

    assert len(found) == 7 and found[-1].test.stop == 1_003
    assert len(found[0].train) / (len(found[0].train) + len(found[0].test)) == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"train": 10}, "train"),
        ({"test": 2}, "test"),
        ({"purge": -1}, "purge"),
        ({"embargo": 200}, "embargo"),
        ({"step": 5}, "step"),
        ({"train": 98}, "train"),
    ],
)
def test_bad_windows_name_their_field(change: dict[str, int], field: str) -> None:
    told = {"train": 40, "test": 20, **change}

    with pytest.raises(ValidationFailed) as error:
        windows(100, mode=Mode.ROLLING, **told)

    assert error.value.errors[0].field == field


def outcome(span: Span, daily: float, start: float = 1_000.0) -> Outcome:
    """Equity that grows by a fraction a day over a span."""
    equity = start * (1 + daily) ** np.arange(1, len(span) + 1)
    t = np.arange(span.start, span.stop, dtype=np.int64) * DAY_SECONDS
    return Outcome(score=daily, t=t, equity=equity, starting_equity=start, n_trades=3)


def chooser(span: Span) -> Pick | None:
    """Choose by when it is; never in the third window."""
    return None if span.start == 40 else Pick({"fast": 5 + span.start // 20, "kind": "a"}, 1.0)


def runner(combo: Combo, span: Span) -> Outcome:
    """Half as good out of sample (spans of 20) as in sample (40)."""
    return outcome(span, math.expm1(0.002 if len(span) == 40 else 0.001))


def test_a_walk_carries_the_choice_out_of_sample_and_joins_the_curves() -> None:
    steps = windows(120, mode=Mode.ROLLING, train=40, test=20)
    told: list[int] = []

    found = walk_forward(steps, choose=chooser, run=runner, starting_equity=500.0, progress=told.append)

    assert told == [1, 2, 3, 4]
    assert found.parameters == {"fast": [5, 6, None, 8], "kind": ["a", "a", None, "a"]}
    assert found.steadiness["kind"] == pytest.approx(1 / 3)
    assert found.t.tolist() == [d * DAY_SECONDS for d in (*range(40, 80), *range(100, 120))]
    assert found.equity[0] == pytest.approx(500 * math.exp(0.001))
    assert found.equity[-1] == pytest.approx(500 * math.exp(0.001 * 60))
    assert found.consistency == pytest.approx(0.75)
    # growth a year: 0.001 * 20 rows over 19 days out of sample, 0.002 * 40 over 39 in sample
    assert found.efficiency == pytest.approx((0.02 / 19) / (0.08 / 39))
    assert found.n_trades == 9


def test_a_walk_without_any_usable_choice_is_flat() -> None:
    steps = windows(100, mode=Mode.ROLLING, train=40, test=20)

    found = walk_forward(steps, choose=lambda span: None, run=runner, starting_equity=500.0)

    assert len(found.equity) == 0 and found.efficiency is None and found.consistency == 0
    assert pick([{"a": 1}], np.array([np.nan])) is None


def test_a_choice_never_sees_the_test() -> None:
    """An oracle over the training finds nothing on noise: its stitched result is not better than chance."""
    noise = np.random.default_rng(3).normal(0, 0.01, (2_000, 40))
    combos: list[Combo] = [{"column": i} for i in range(40)]

    def choose(span: Span) -> Pick | None:
        return pick(combos, noise[span.start : span.stop].mean(axis=0))

    def run(combo: Combo, span: Span) -> Outcome:
        returns = noise[span.start : span.stop, int(combo["column"])]
        t = np.arange(span.start, span.stop, dtype=np.int64) * DAY_SECONDS
        return Outcome(0.0, t, 100 * np.cumprod(1 + returns), 100.0, 0)

    found = walk_forward(
        windows(2_000, mode=Mode.ROLLING, train=200, test=50), choose=choose, run=run, starting_equity=100.0
    )

    assert found.efficiency is not None and abs(found.efficiency) < 0.35


# Lopez de Prado (2018), "Advances in Financial Machine Learning", 12.4: N = 6, k = 2 gives 15 splits and 5 paths.
def test_cross_validation_has_the_splits_and_paths_of_the_book() -> None:
    found = cpcv(600, n_groups=6, n_test_groups=2)

    assert (len(found.splits), len(found.paths)) == (15, 5)
    assert found.splits[0].test_groups == (0, 1) and found.splits[-1].test_groups == (4, 5)
    used = [(split, group) for path in found.paths for group, split in enumerate(path)]
    assert len(set(used)) == 30
    assert all(group in found.splits[split].test_groups for split, group in used)


def test_training_keeps_away_from_tests() -> None:
    found = cpcv(600, n_groups=6, n_test_groups=2, purge=5, embargo=7)

    assert found.splits[1].test_groups == (0, 2)
    assert found.splits[1].train == (Span(112, 195), Span(312, 600))


def test_validation_follows_the_best_of_the_training() -> None:
    matrix = np.random.default_rng(4).normal(0, 0.01, (600, 10))
    matrix[:, 3] += 0.005

    found = validated(cpcv(600, purge=5), matrix, periods_per_year=252)

    assert (found.choices == 3).all()
    assert np.allclose(found.returns, matrix[:, 3]) and found.probability_of_loss == 0
    assert found.equity[:, -1] == pytest.approx(np.prod(1 + matrix[:, 3]))


def test_validation_of_noise_is_a_toss() -> None:
    sharpes = [
        validated(cpcv(500), np.random.default_rng(seed).normal(0, 0.01, (500, 20)), periods_per_year=252).sharpes
        for seed in range(30)
    ]

    assert abs(np.mean(sharpes)) < 0.4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n_groups": 1}, "groups"),
        ({"n_test_groups": 6}, "test_groups"),
        ({"n_groups": 20, "n_test_groups": 10}, "test_groups"),
        ({"purge": -1}, "purge"),
        ({"purge": 100}, "purge"),
    ],
)
def test_bad_plans_name_their_field(change: dict[str, int], field: str) -> None:
    with pytest.raises(ValidationFailed) as error:
        cpcv(300, **change)

    assert error.value.errors[0].field == field
