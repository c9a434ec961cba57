"""Robustness against published worked examples, other implementations and brute force; the same for the same seed."""

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest

from backtesting.robustness import bootstrap, sharpe
from backtesting.robustness.montecarlo import Redraw, trade_monte_carlo
from backtesting.robustness.overfitting import pbo
from backtesting.robustness.sharpe import SharpeFacts
from backtesting.robustness.snooping import snooping
from domain.bars import Floats
from domain.errors import ValidationFailed

DAYS = 250


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


# Bailey & Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier": a fund's 24 months, monthly Sharpe 0.458.
@pytest.mark.parametrize(("skew", "kurtosis", "wanted"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)])
def test_probabilistic_sharpe_is_that_of_the_papers_example(skew: float, kurtosis: float, wanted: float) -> None:
    assert sharpe.probabilistic_sharpe(SharpeFacts(0.458, 24, skew, kurtosis)) == pytest.approx(wanted, abs=5e-4)


# As above: years needed to tell an annual Sharpe ratio of 2 from 1, for daily, weekly and monthly normal returns.
@pytest.mark.parametrize(("periods", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_is_that_of_the_papers_example(periods: int, years: float) -> None:
    facts = SharpeFacts(2 / math.sqrt(periods), 1_000, 0, 3)

    found = sharpe.minimum_track_record(facts, 1 / math.sqrt(periods))

    assert found / periods == pytest.approx(years, abs=5e-3)
    assert sharpe.minimum_track_record(facts, 1.0) == math.inf


# Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", numerical example: 2.5 a year over 1250 days, V = 1/2.
@pytest.mark.parametrize(
    ("n_trials", "skew", "kurtosis", "wanted"), [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)]
)
def test_deflated_sharpe_is_that_of_the_papers_example(
    n_trials: int, skew: float, kurtosis: float, wanted: float
) -> None:
    facts = SharpeFacts(2.5 / math.sqrt(DAYS), 1_250, skew, kurtosis)

    found = sharpe.deflated_sharpe(facts, n_trials=n_trials, variance=0.5 / DAYS)

    assert found.probability == pytest.approx(wanted, abs=5e-5)


def test_expected_maximum_is_that_of_the_papers_example_and_of_simulation() -> None:
    best = rng().normal(size=(20_000, 100)).max(axis=1).mean()

    assert sharpe.expected_maximum_sharpe(100, 0.5 / DAYS) == pytest.approx(0.1132, abs=5e-5)
    assert sharpe.expected_maximum_sharpe(100, 1.0) == pytest.approx(best, rel=0.02)
    assert sharpe.expected_maximum_sharpe(1, 1.0) == 0


def test_sharpe_facts_need_returns_that_vary() -> None:
    assert sharpe.sharpe_facts(np.zeros(100)) is None
    assert sharpe.sharpe_facts(np.array([0.1, -0.1])) is None


def brute_force(matrix: Floats, n_blocks: int) -> tuple[float, float]:
    """Return (probability of overfitting, of loss) as the paper's steps say, split by split."""
    blocks = np.split(matrix, n_blocks)
    below = lost = 0
    splits = list(combinations(range(n_blocks), n_blocks // 2))
    for chosen in splits:
        inside = np.concatenate([blocks[i] for i in chosen])
        outside = np.concatenate([blocks[i] for i in range(n_blocks) if i not in chosen])
        top = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))
        scores = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        relative = (np.sum(scores < scores[top]) + 1) / (matrix.shape[1] + 1)
        below += math.log(relative / (1 - relative)) <= 0
        lost += scores[top] < 0
    return below / len(splits), lost / len(splits)


def test_overfitting_is_that_of_brute_force() -> None:
    matrix = rng(2).normal(0.05, 1, (120, 7))

    found = pbo(matrix, n_blocks=8)

    assert found is not None
    assert (found.probability, found.probability_of_loss) == pytest.approx(brute_force(matrix, 8))
    assert found.n_splits == 70


def test_overfitting_is_a_toss_on_noise_and_nothing_where_one_is_really_best() -> None:
    noise = [pbo(rng(seed).normal(0, 1, (256, 20)), 8) for seed in range(40)]
    matrix = rng(3).normal(0, 1, (256, 20))
    matrix[:, 4] += 0.8

    real = pbo(matrix)

    assert np.mean([each.probability for each in noise if each]) == pytest.approx(0.5, abs=0.08)
    assert real is not None and real.probability == 0 and real.probability_of_loss == 0
    assert real.n_splits == 12_870


def test_overfitting_needs_two_variants_and_four_blocks() -> None:
    assert pbo(np.ones((100, 1))) is None
    assert pbo(np.ones((15, 3))) is None


def autoregressive(coefficient: float, n: int = 1_200) -> Floats:
    shocks, values = rng(3).normal(size=n), np.zeros(n)
    for i in range(1, n):
        values[i] = coefficient * values[i - 1] + shocks[i]
    return values


def test_block_length_is_near_that_of_arch() -> None:
    # arch 8.0, optimal_block_length: 11.47 and 0.83 (shorter than one return: one)
    assert bootstrap.optimal_block(autoregressive(0.5)) == pytest.approx(11.47, rel=0.05)
    assert bootstrap.optimal_block(rng(3).normal(size=1_200)) == 1
    assert bootstrap.optimal_block(np.zeros(50)) == 1


def test_resampled_blocks_run_on_with_the_mean_length() -> None:
    rows = bootstrap.resampled_rows(500, 200, 10.0, rng())

    runs_on = (np.diff(rows, axis=1) % 500) == 1
    assert rows.min() == 0 and rows.max() == 499
    assert 1 / (1 - runs_on.mean()) == pytest.approx(10, rel=0.05)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    hits = 0
    for seed in range(60):
        found = bootstrap.intervals(rng(seed).normal(0.001, 0.01, 300), periods=252, n_samples=200, seed=seed)
        hits += found["sharpe"].low <= 0.1 * math.sqrt(252) <= found["sharpe"].high

    assert 0.8 <= hits / 60 <= 0.98


def test_intervals_come_again_with_the_seed_and_need_ten_returns() -> None:
    returns = rng(4).normal(0.001, 0.01, 100)

    one = bootstrap.intervals(returns, periods=252, n_samples=100, seed=9)

    assert one == bootstrap.intervals(returns, periods=252, n_samples=100, seed=9)
    assert one["max_drawdown"].high <= 0 and one["max_drawdown"].share_below_zero == 1
    assert bootstrap.intervals(returns[:9], periods=252) == {}


def test_equity_bands_begin_at_the_start_and_are_in_order() -> None:
    found = bootstrap.equity_bands(rng(5).normal(0.001, 0.01, 1_000), 5_000.0, n_samples=200)

    assert len(found.steps) <= 200 and found.steps[0] == 0 and found.steps[-1] == 1_000
    assert found.quantiles[:, 0].tolist() == [5_000.0] * 5
    assert (np.diff(found.quantiles, axis=0) >= 0).all()


def test_shuffled_trades_keep_their_end_and_resampled_ones_do_not() -> None:
    pnl = rng(6).normal(10, 100, 60)

    shuffled = trade_monte_carlo(pnl, 10_000, n_paths=300, method=Redraw.SHUFFLE)
    drawn = trade_monte_carlo(pnl, 10_000, n_paths=2_000, seed=1)

    assert shuffled is not None and drawn is not None
    assert np.allclose(shuffled.final, 10_000 + pnl.sum())
    assert drawn.final[2] == pytest.approx(10_000 + pnl.sum(), abs=150)
    deviation = pnl.std() * math.sqrt(60)
    assert drawn.final[4] - drawn.final[0] == pytest.approx(2 * 1.645 * deviation, rel=0.1)
    assert drawn.drawdowns[0] <= drawn.drawdowns[1] <= drawn.drawdowns[2] <= 0


def test_ruin_and_loss_of_certain_trades_are_certain() -> None:
    lost = trade_monte_carlo(np.full(10, -80.0), 1_000, n_paths=50)
    won = trade_monte_carlo(np.full(10, 80.0), 1_000, n_paths=50)

    assert lost is not None and won is not None
    assert (lost.probability_of_loss, lost.probability_of_ruin) == (1, 1)
    assert lost.real_drawdown == pytest.approx(-0.8)
    assert (won.probability_of_loss, won.probability_of_ruin, won.real_drawdown) == (0, 0, 0)
    assert trade_monte_carlo(np.ones(4), 1_000) is None


def test_the_gains_of_a_grown_account_are_not_drawn_at_its_start() -> None:
    shares = np.tile([0.03, -0.01], 200)
    equity = 1_000 * np.cumprod(1 + shares)  # 48-fold in the end: a loss of 1 % is half of the money at the start

    found = trade_monte_carlo(np.diff(equity, prepend=1_000), 1_000, n_paths=500)

    assert found is not None
    assert (found.probability_of_loss, found.probability_of_ruin) == (0, 0)
    assert found.real_drawdown == pytest.approx(-0.01) and -0.2 < found.drawdowns[0] < -0.03


@pytest.mark.parametrize("all_is_lost", [-1_000.0, -2_500.0])
def test_nothing_comes_after_a_trade_that_lost_all(all_is_lost: float) -> None:
    found = trade_monte_carlo(np.array([10.0, 10.0, all_is_lost - 20, 900.0, 50.0]), 1_000, n_paths=200)

    assert found is not None and np.isfinite(found.bands.quantiles).all()
    assert (found.real_drawdown, found.final[0]) == (-1, 0)


@pytest.mark.parametrize(("n_paths", "start", "field"), [(0, 1.0, "n_paths"), (10, 0.0, "starting_equity")])
def test_a_simulation_has_bounds(n_paths: int, start: float, field: str) -> None:
    with pytest.raises(ValidationFailed) as error:
        trade_monte_carlo(np.ones(10), start, n_paths=n_paths)

    assert error.value.errors[0].field == field


@pytest.mark.parametrize("n_variants", [1, 8])
def test_spa_of_independent_returns_is_that_of_normal_theory(n_variants: int) -> None:
    matrix = rng(5).normal(0.06, 1, (600, n_variants))
    top = (matrix.mean(axis=0) / matrix.std(axis=0)).max() * math.sqrt(600)

    found = snooping(matrix, n_samples=5_000, mean_block=1, seed=1)

    wanted = 1 - NormalDist().cdf(top) ** n_variants
    assert found is not None and found.upper == pytest.approx(wanted, abs=0.02)


def test_reality_check_is_that_of_arch_without_studentizing() -> None:
    matrix = rng(4).normal(0.03, 1, (400, 12)) * np.linspace(0.5, 2, 12)

    found = snooping(matrix, n_samples=4_000, mean_block=5, seed=1)

    # arch 8.0 (its SPA compares means that are not studentized): upper 0.2293 to 0.2348
    assert found is not None and found.reality_check == pytest.approx(0.232, abs=0.02)


def test_spa_is_not_fooled_by_noise_nor_blind_to_an_edge() -> None:
    noise = [snooping(rng(seed).normal(0, 1, (250, 20)), n_samples=200, seed=seed) for seed in range(60)]
    edge = rng(7).normal(0, 1, (500, 20))
    edge[:, 3] += 0.25

    found = snooping(edge, n_samples=500)

    assert np.mean([each.consistent <= 0.1 for each in noise if each]) <= 0.2
    assert found is not None and found.consistent <= 0.01
    assert found.lower <= found.consistent <= found.upper
    assert snooping(np.zeros((100, 3))) is None and snooping(edge[:10]) is None
