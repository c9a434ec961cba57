"""Honesty: costs multiplied, bars looked through, warnings with their numbers."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import numpy as np
import pytest

from backtesting.honesty import (
    CostPoint,
    DataTrust,
    cost_sensitivity,
    data_trust,
    joint_trust,
    scaled,
)
from backtesting.run_warnings import RunFacts, warnings_of
from domain.bars import BarArrays
from domain.costs import FeeModel, SlippageModel


def bars(close: list[float], volume: list[float]) -> BarArrays:
    c = np.array(close)
    high = np.where(np.array(volume) > 0, c + 1, c)
    return BarArrays(np.arange(len(c), dtype=np.int64), c, high, c, c, np.array(volume))


GOOD = RunFacts(
    n_trades=100,
    years=5.0,
    n_instruments=10,
    n_survivors=8,
    warmup_bars=0,
    trust=DataTrust(1_000, 0, 0, 0, 1.0),
    has_costs=True,
    n_trials=1,
    n_open=0,
    best_trade_share=0.1,
)


def test_every_cost_is_multiplied_and_rounding_stays() -> None:
    fees = scaled(FeeModel(percent=D("0.1"), minimum=D(1), maker_percent=D("0.02"), digits=4), D(2))
    slippage = scaled(SlippageModel(bps=D(5), spread=D("0.02")), D("0.5"))

    assert (fees.percent, fees.minimum, fees.maker_percent, fees.digits) == (D("0.2"), D(2), D("0.04"), 4)
    assert fees.taker_percent is None
    assert (slippage.bps, slippage.spread) == (D("2.5"), D("0.01"))


def test_missing_frozen_and_spiking_bars_are_not_trusted() -> None:
    found = data_trust(bars([100, 101, 101, 60, 102, 103, 104, 105, 106], [5, 5, 0, 5, 5, 5, 5, 5, 5]), n_missing=1)

    assert (found.n_bars, found.n_missing, found.n_frozen, found.n_spikes) == (9, 1, 1, 1)
    assert found.share == pytest.approx(0.7)
    assert joint_trust([found, DataTrust(10, 0, 0, 0, 1.0)]).share == pytest.approx(17 / 20)
    assert data_trust(BarArrays.empty()).share == 1


def test_a_fall_that_stays_is_no_spike() -> None:
    assert data_trust(bars([100, 60, 61, 60], [1, 1, 1, 1])).n_spikes == 0


def points(*returns: float) -> list[CostPoint]:
    factors = (D("0.5"), D(1), D(2), D(4))
    return [CostPoint(factor, value, 1.0, 10.0) for factor, value in zip(factors, returns, strict=True)]


def test_the_factor_at_which_the_gain_is_gone_lies_on_the_line() -> None:
    found = cost_sensitivity(points(0.30, 0.20, 0.10, -0.10))

    assert found.break_even_factor == pytest.approx(3.0)
    assert found.sentence == "The gain is gone at 3.0 times the costs."


def test_sensitivity_says_where_nothing_is_gone_or_gained() -> None:
    assert "+5.0 % is left" in cost_sensitivity(points(0.3, 0.2, 0.1, 0.05)).sentence
    assert "no gain even at 0.5" in cost_sensitivity(points(-0.1, -0.2, -0.3, -0.4)).sentence
    with pytest.raises(ValueError, match="1 points"):
        cost_sensitivity(points(0.3, 0.2, 0.1, 0.05)[:1])


def test_a_good_run_has_no_warning() -> None:
    assert warnings_of(GOOD) == ()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"n_trades": 0}, "no_trades", "No trade"),
        ({"lost_at": datetime(2015, 3, 2, tzinfo=UTC)}, "account_lost", "Everything was lost by 02 Mar 2015"),
        ({"n_trades": 12}, "small_sample", "12 closed trades: below 30"),
        ({"years": 1.0}, "short_history", "1.0 years"),
        ({"years": 0.0575}, "short_history", "21 days of data"),
        ({"trust": DataTrust(98, 2, 0, 0, 0.98)}, "data_trust", "98.0 % of the bars can be trusted: 2 missing"),
        ({"has_costs": False}, "no_costs", "No fees and no slippage"),
        ({"tick_share": 0.25}, "coarse_tick", "up to 25 % of the lowest prices"),
        ({"best_trade_share": 0.6}, "one_trade", "60 % of all gains"),
        ({"invested": 0.0006}, "little_invested", "On average 0.06 % of the equity was invested"),
        ({"n_survivors": 10}, "survivorship", "chosen today"),
        ({"warmup_bars": 1}, "warm_up", "The first 1 bar of"),
        ({"n_open": 2}, "open_positions", "2 positions still open"),
        ({"n_trials": 1_000}, "many_trials", "best of 1,000 trials"),
    ],
)
def test_each_warning_says_its_number(change: dict[str, object], code: str, words: str) -> None:
    (found,) = warnings_of(replace(GOOD, **change))  # type: ignore[arg-type]  # any field

    assert found.code == code and words in found.message


def test_a_run_without_trades_is_not_said_to_have_no_costs() -> None:
    idle = [CostPoint(factor, 0.0, None, 0.0) for factor in (D("0.5"), D(1), D(2))]
    free = [CostPoint(factor, 0.2, 1.0, 0.0) for factor in (D("0.5"), D(1), D(2))]

    assert cost_sensitivity(idle).sentence == "Nothing was traded: no costs arose."
    assert "no costs to vary" in cost_sensitivity(free).sentence


def test_a_curve_of_many_paths_is_not_warned_of_missing_trades() -> None:
    assert {each.code for each in warnings_of(replace(GOOD, n_trades=None))} == set()
