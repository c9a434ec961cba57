"""Search: spaces and their bounds, the same combinations every time, chunks, suggestions, plateaus, trials."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.search import objectives, tpe
from backtesting.search.constraints import Combo, constraint_of
from backtesting.search.draws import Method, chunk, planned
from backtesting.search.plateau import plateau
from backtesting.search.space import Space, space_of
from backtesting.search.trials import effective_trials, mean_correlation, trial_key
from domain.bars import Floats
from domain.errors import ValidationFailed

FAST_SLOW = {"fast": {"min": 5, "max": 20, "step": 5}, "slow": [10, 20, 40]}


def faults(error: pytest.ExceptionInfo[ValidationFailed]) -> dict[str, str]:
    return {each.field: each.message for each in error.value.errors}


def test_a_grid_has_every_combination_that_keeps_the_constraints_once_in_order() -> None:
    found = planned(space_of(FAST_SLOW, ["fast < slow"]), method=Method.GRID)

    assert [(c["fast"], c["slow"]) for c in found] == [
        *((5, 10), (5, 20), (5, 40)),
        *((10, 20), (10, 40), (15, 20), (15, 40), (20, 40)),
    ]


def test_types_of_values_are_kept() -> None:
    told = {"n": {"min": Decimal("1"), "max": Decimal("2")}, "x": {"min": 0.1, "max": 0.3, "step": 0.1}, "on": [True]}

    found = planned(space_of(told), method=Method.GRID)

    assert [c["x"] for c in found[:3]] == [0.1, 0.2, 0.3]
    assert all(type(c["n"]) is int and c["on"] is True for c in found)


def test_every_fault_of_a_space_is_told_with_its_field() -> None:
    with pytest.raises(ValidationFailed) as error:
        space_of(
            {
                "fast": {"min": 9, "max": 3},
                "slow": {"min": 1, "max": 9, "step": 0},
                "log": {"min": 0, "max": 1, "log": True},
                "odd": 7,
                "none": [],
                "unheard_of": [1],
                "typo": {"min": 1, "max": 2, "stp": 1},
                "inf": [float("inf")],
            },
            ["fast << slow", "slow < 3 *"],
            known=["fast", "slow", "log", "odd", "none", "typo", "inf"],
        )

    found = faults(error)
    assert set(found) == {
        *("space.fast.min", "space.slow.step", "space.log.log", "space.odd", "space.none", "space.unheard_of"),
        *("space.typo", "space.inf", "constraints.0", "constraints.1"),
    }
    assert "min 9 is above max 3" in found["space.fast.min"]


def test_a_grid_beyond_its_bound_says_both_numbers() -> None:
    space = space_of({name: {"min": 1, "max": 100} for name in "abc"})

    with pytest.raises(ValidationFailed, match="1,000,000 combinations is beyond 100,000") as error:
        planned(space, method=Method.GRID)

    assert error.value.errors[0].code == "grid_too_large"


def test_a_grid_over_a_continuous_range_names_the_missing_step() -> None:
    with pytest.raises(ValidationFailed) as error:
        planned(space_of({"x": {"min": 0.0, "max": 1.0}}), method=Method.GRID)

    assert list(faults(error)) == ["space.x.step"]


def test_constraints_that_leave_nothing_are_told() -> None:
    with pytest.raises(ValidationFailed, match="No combination keeps all constraints"):
        planned(space_of(FAST_SLOW, ["slow < fast - 15"]), method=Method.GRID)


@pytest.mark.parametrize(
    ("text", "combo", "holds"),
    [
        ("fast < slow", {"fast": 2, "slow": 3}, True),
        ("fast * 2 <= slow", {"fast": 2, "slow": 3}, False),
        ("slow - fast >= 1", {"fast": 2, "slow": 3}, True),
        ("-fast + 2*slow == 4.0", {"fast": 2, "slow": 3}, True),
        ("fast != 2", {"fast": 2, "slow": 3}, False),
    ],
)
def test_constraints_are_reckoned(text: str, combo: Combo, holds: bool) -> None:
    assert constraint_of(text, ["fast", "slow"], field="c").holds(combo) is holds


@pytest.mark.parametrize(
    "text", ["", "fast", "fast < ", "< slow", "fast < __import__('os')", "fast < slow < 3", "fast ** 2 < 3", "a < 1"]
)
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        constraint_of(text, ["fast", "slow"], field="c")


@given(n=st.integers(0, 200), n_chunks=st.integers(1, 20))
def test_chunks_are_together_every_combination_once(n: int, n_chunks: int) -> None:
    combos: list[Combo] = [{"i": i} for i in range(n)]

    found = [each for index in range(n_chunks) for each in chunk(combos, index, n_chunks)]

    assert found == combos


def continuous() -> Space:
    return space_of({"x": {"min": 0.01, "max": 1.0, "log": True}, "n": {"min": 1, "max": 50}}, ["n > 10"])


def test_random_combinations_are_different_keep_constraints_and_come_again_with_the_seed() -> None:
    found = planned(continuous(), method=Method.RANDOM, n=100, seed=3)

    assert found == planned(continuous(), method=Method.RANDOM, n=100, seed=3)
    assert found != planned(continuous(), method=Method.RANDOM, n=100, seed=4)
    assert len({tuple(c.values()) for c in found}) == 100
    assert all(int(c["n"]) > 10 and 0.01 <= float(c["x"]) <= 1 for c in found)


def test_a_random_search_of_a_small_space_takes_all_of_it() -> None:
    found = planned(space_of(FAST_SLOW, ["fast < slow"]), method=Method.RANDOM, n=50, is_valid=lambda c: c["fast"] != 5)

    assert len(found) == 5


def bowl(combo: Combo) -> float:
    return -((int(combo["fast"]) - 12) ** 2) - (int(combo["slow"]) - 60) ** 2 / 10


def searched(space: Space, n_batches: int, batch: int) -> list[tpe.Told]:
    told: list[tpe.Told] = []
    for _ in range(n_batches):
        told += [tpe.Told(c, bowl(c)) for c in tpe.suggest(space, told, n=batch, seed=7)]
    return told


def test_tpe_goes_on_where_it_was_and_beats_chance() -> None:
    space = space_of({"fast": {"min": 2, "max": 60}, "slow": {"min": 10, "max": 200}}, ["fast < slow"])

    told = searched(space, n_batches=12, batch=8)
    again = tpe.suggest(space, told[:40], n=8, seed=7)

    assert [each.combo for each in told[40:48]] == list(again)
    assert len({tuple(each.combo.values()) for each in told}) == 96
    assert all(int(each.combo["fast"]) < int(each.combo["slow"]) for each in told)
    chance = [bowl(c) for c in planned(space, method=Method.RANDOM, n=96, seed=7)]
    late = [each.score for each in told[48:] if each.score is not None]
    assert np.median(late) > np.median(chance)
    assert max(each.score or -1e9 for each in told) >= max(chance)


def test_tpe_ends_where_the_space_does() -> None:
    space = space_of({"fast": [1, 2], "on": [True, False]})

    first = tpe.suggest(space, [], n=10)

    assert len(first) == 4
    assert tpe.suggest(space, [tpe.Told(c, 0.0) for c in first], n=10) == ()


def test_tpe_has_a_bound() -> None:
    with pytest.raises(ValidationFailed, match="2,001 trials are more than 2,000"):
        tpe.suggest(space_of(FAST_SLOW), [], n=2_001)


def test_scores_are_higher_for_better_and_unknown_where_a_requirement_fails() -> None:
    enough = objectives.requirement_of("trades", 30, None, field="requirements.0")
    volatility = objectives.objective_of("annual_volatility")

    assert objectives.score({"annual_volatility": 0.2, "trades": 40}, volatility, [enough]) == -0.2
    assert np.isnan(objectives.score({"annual_volatility": 0.2, "trades": 4}, volatility, [enough]))
    assert np.isnan(objectives.score({"annual_volatility": None, "trades": 40}, volatility, [enough]))
    assert objectives.best([{}, {}, {}], np.array([np.nan, 1.0, 1.0])) == 1
    assert objectives.best([{}], np.array([np.nan])) is None


@pytest.mark.parametrize("name", ["max_drawdown", "annual_volatility", "total_return", "cagr"])
def test_to_do_nothing_is_not_the_best_of_all(name: str) -> None:
    nothing = {"max_drawdown": 0.0, "annual_volatility": 0.0, "total_return": 0.0, "cagr": 0.0}
    climbed = {"max_drawdown": 0.0, "annual_volatility": 0.0, "total_return": 0.1, "cagr": 0.1}

    assert np.isnan(objectives.score(nothing, objectives.objective_of(name)))
    assert np.isfinite(objectives.score(climbed, objectives.objective_of(name)))


def grid_scores(score: dict[tuple[int, int], float]) -> tuple[list[Combo], Floats]:
    combos: list[Combo] = [{"fast": f, "slow": s, "kind": "a"} for f in range(5) for s in range(5)]
    return combos, np.array([score.get((int(c["fast"]), int(c["slow"])), 0.0) for c in combos])


def test_a_needle_and_a_plateau_are_told_apart_and_the_plateau_is_recommended() -> None:
    hill = {(f, s): 1.0 for f in (2, 3, 4) for s in (2, 3, 4)}
    combos, scores = grid_scores({**hill, (0, 0): 2.0})

    found = plateau(combos, scores)

    assert found is not None and found.stability is not None
    assert combos[found.best_index] == {"fast": 0, "slow": 0, "kind": "a"}
    assert found.stability == 0 and "needle" in found.sentence
    assert combos[found.steadiest_index] == {"fast": 3, "slow": 3, "kind": "a"}


def test_neighbours_of_a_plateau_keep_its_lead() -> None:
    combos, scores = grid_scores({(f, s): 1.0 + (f == s == 3) * 0.1 for f in (2, 3, 4) for s in (2, 3, 4)})

    found = plateau(combos, scores)

    assert found is not None
    assert (found.n_neighbours, found.neighbour_worst) == (4, 1.0)
    assert found.stability == pytest.approx(1 / 1.1) and "plateau" in found.sentence


def test_scattered_points_use_their_nearest() -> None:
    rng = np.random.default_rng(5)
    combos: list[Combo] = [{"x": float(x), "y": float(y)} for x, y in rng.random((60, 2))]

    found = plateau(combos, np.array([float(c["x"]) for c in combos]))

    assert found is not None and found.n_neighbours == 4
    assert plateau(combos, np.full(60, np.nan)) is None


def test_a_trial_is_the_same_whichever_run_it_was_in() -> None:
    told = {"code": "f00", "timeframe": "1d", "start": "2020-01-01", "end": "2021-01-01"}

    one = trial_key(combo={"fast": 1, "slow": 2}, symbols=["B", "A"], **told)

    assert one == trial_key(combo={"slow": 2, "fast": 1}, symbols=["A", "B"], **told)
    assert one != trial_key(combo={"slow": 3, "fast": 1}, symbols=["A", "B"], **told)


def test_mean_correlation_is_numpys_and_counts_alike_trials_as_fewer() -> None:
    rng = np.random.default_rng(6)
    matrix = 0.5 * rng.normal(size=(500, 1)) + rng.normal(size=(500, 6))
    pairs = np.corrcoef(matrix.T)[np.triu_indices(6, 1)]

    found = mean_correlation(np.column_stack([matrix, np.zeros(500)]))

    assert found == pytest.approx(pairs.mean())
    assert effective_trials(50, 0.8) == pytest.approx(10.8)
