"""The verdict: 'promising' in at most 5 % of sweeps over noise, in at least 80 % with an edge; its words and reasons.

`python -m bench.verdicts` makes the same check on thousands of sweeps.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtesting.robustness.bootstrap import Interval
from backtesting.robustness.evidence import Evidence, chosen_columns, run_evidence, sweep_evidence, without_market
from backtesting.robustness.verdict import Answer, Verdict, Word, verdict
from backtesting.tests.worlds import EDGES, NOISE, World

N_NOISE, N_EDGE = 20, 10


def judged(world: World, seed: int) -> Verdict:
    found = sweep_evidence(world.matrix, periods_per_year=252, market=world.market, n_samples=200, seed=seed)
    return verdict(found)


@pytest.mark.parametrize("world", NOISE)
def test_noise_is_promising_in_at_most_a_twentieth_of_sweeps(world: str) -> None:
    words = [judged(NOISE[world](np.random.default_rng([seed, 11])), seed).word for seed in range(N_NOISE)]

    assert words.count(Word.PROMISING) <= 0.05 * N_NOISE
    assert words.count(Word.LIKELY_LUCK) >= 0.4 * N_NOISE


@pytest.mark.parametrize("world", EDGES)
def test_a_planted_edge_is_promising_in_four_fifths_of_sweeps(world: str) -> None:
    words = [judged(EDGES[world](np.random.default_rng([seed, 12])), seed).word for seed in range(N_EDGE)]

    assert words.count(Word.PROMISING) >= 0.8 * N_EDGE


GOOD = Evidence(
    n_returns=1_000,
    n_trials=20,
    n_trades=100,
    sharpe=2.5,
    probabilistic_sharpe=0.999,
    deflated_sharpe=0.98,
    expected_maximum_sharpe=1.1,
    minimum_track_record=300.0,
    sharpe_interval=Interval(2.5, 1.4, 3.6, 0.9, 0.001),
    without_best_tenth=0.98,
    overfitting=0.1,
    overfitting_loss=0.02,
    reality_check=0.01,
    spa=0.01,
    n_variants_tested=20,
    out_of_sample_efficiency=0.8,
    stability=0.9,
)


def test_all_checks_good_is_promising_with_every_reason() -> None:
    found = verdict(GOOD)

    assert (found.word, found.title) == (Word.PROMISING, "Promising")
    assert [reason.check for reason in found.reasons] == [
        *("deflated_sharpe", "spa", "overfitting", "track_record", "resampled", "one_stretch"),
        *("trades", "out_of_sample", "plateau"),
    ]
    assert "A Sharpe ratio of 2.50 after 20 trials, where luck alone would show 1.10" in found.reasons[0].text


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"deflated_sharpe": 0.9}, "deflated_sharpe"),
        ({"spa": 0.1}, "spa"),
        ({"overfitting_loss": 0.3}, "overfitting"),
        ({"n_returns": 299}, "track_record"),
        ({"n_returns": 40, "minimum_track_record": 30.0}, "track_record"),
        ({"sharpe_interval": Interval(2.5, -0.1, 3.6, 0.9, 0.06)}, "resampled"),
        ({"without_best_tenth": 0.7}, "one_stretch"),
        ({"n_trades": 9}, "trades"),
        ({"out_of_sample_efficiency": 0.4}, "out_of_sample"),
        ({"stability": 0.1}, "plateau"),
    ],
)
def test_one_open_check_makes_it_inconclusive_and_is_named(change: dict[str, Any], check: str) -> None:
    found = verdict(replace(GOOD, **change))

    open_ones = [reason for reason in found.reasons if reason.answer is Answer.OPEN]
    assert found.word is Word.INCONCLUSIVE
    assert [reason.check for reason in open_ones] == [check]
    assert open_ones[0].text in found.sentence


def a_single_run(rng: np.random.Generator) -> World:
    """Return a rule that holds a walk with fat tails on few days, chosen by its own past, and no edge."""
    market = 0.01 * rng.standard_t(3, 1_251) / np.sqrt(3)
    held = market[:-1] < -1.2 * 0.01
    return World((held * market[1:])[:, None], market[1:])


def test_single_runs_over_noise_are_promising_in_at_most_a_twentieth() -> None:
    n = 120

    words = [judged(a_single_run(np.random.default_rng([seed, 13])), seed).word for seed in range(n)]

    assert words.count(Word.PROMISING) <= 0.05 * n


def test_what_one_event_made_is_not_promising() -> None:
    returns = np.random.default_rng(14).normal(0, 0.004, 1_250)
    returns[600:640] += 0.02

    found = verdict(run_evidence(returns, periods_per_year=252, n_samples=200))

    assert found.word is Word.INCONCLUSIVE
    assert "one_stretch" in [each.check for each in found.reasons if each.answer is Answer.OPEN]
    assert all(
        each.answer is Answer.GOOD for each in found.reasons if each.check in ("deflated_sharpe", "track_record")
    )


@pytest.mark.parametrize(
    "change", [{"deflated_sharpe": 0.4}, {"spa": 0.5}, {"overfitting": 0.7, "overfitting_loss": 0.6}]
)
def test_one_damning_check_is_likely_luck(change: dict[str, float]) -> None:
    assert verdict(replace(GOOD, **change)).word is Word.LIKELY_LUCK


def test_a_run_that_never_moves_cannot_be_judged() -> None:
    found = verdict(run_evidence(np.zeros(500), periods_per_year=252))

    assert found.word is Word.INCONCLUSIVE
    assert "cannot be judged" in found.sentence


def test_trials_of_earlier_runs_count_against_a_single_run() -> None:
    returns = np.random.default_rng(4).normal(0.0012, 0.01, 1_000)

    first = run_evidence(returns, periods_per_year=252, n_samples=100)
    thousandth = run_evidence(returns, periods_per_year=252, n_trials=1_000, n_samples=100)

    assert verdict(first).word is Word.PROMISING
    assert verdict(thousandth).word is not Word.PROMISING
    assert (thousandth.deflated_sharpe or 1) < (first.deflated_sharpe or 0)


def test_what_the_market_gave_is_taken_off() -> None:
    market = np.random.default_rng(5).normal(0.002, 0.01, 1_000)

    found = run_evidence(0.5 * market, periods_per_year=252, market=market, n_samples=100)

    assert np.allclose(without_market(np.column_stack([2 * market]), market), 0)
    assert found.sharpe is None or abs(found.sharpe) < 0.01


def test_evidence_comes_again_with_the_seed() -> None:
    matrix = np.random.default_rng(6).normal(0, 0.01, (300, 8))

    found = [sweep_evidence(matrix, periods_per_year=252, n_samples=100, seed=3) for _ in range(2)]

    assert found[0] == found[1]
    assert found[0].n_trials == 8


def test_a_large_sweep_is_measured_on_columns_spread_evenly_with_the_best() -> None:
    found = chosen_columns(5_000, 77, 100)

    assert 77 in found and len(found) <= 100 and found[0] == 0 and found[-1] == 4_999
    assert list(chosen_columns(3, 1)) == [0, 1, 2]


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("n_variants", [1, 5])
def test_short_and_odd_sweeps_are_never_promising_and_never_fail(n: int, n_variants: int) -> None:
    matrix = np.random.default_rng(7).normal(0, 0.01, (n, n_variants))
    matrix[::3] = np.nan

    found = verdict(sweep_evidence(matrix, periods_per_year=252, market=np.zeros(n), n_samples=50))

    assert found.word is not Word.PROMISING
