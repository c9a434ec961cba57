"""Windows and splits at their edges: late warm-ups, nothing left, variants that do nothing, bars not to be seen."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from backtesting.assignments import Assignment
from backtesting.folds import _read, end_validation, end_walk, run_window
from backtesting.single import SingleAnswer
from backtesting.spec import Sizing
from backtesting.tests.test_trials import assignment_of
from backtesting.trials import run_trials
from backtesting.walkforward.chain import Outcome, WindowResult, stitched
from backtesting.walkforward.cpcv import cpcv, validated
from backtesting.walkforward.windows import Mode, Span, Window, windows
from domain.bars import BarArrays, Floats, Timeframe
from domain.costs import FeeModel
from domain.sizing import SizingMethod

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel


def told_of(bars: BarArrays, step: Window, combos: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do a window of a walk over bars and read its answer."""

    assignment = replace(assignment_of(objective="cagr"), bars={"AAA": bars}, start=int(bars.t[0]))
    return _read(run_window(assignment, asked(bars, step), combos))


def asked(bars: BarArrays, step: Window) -> dict[str, Any]:
    """Return a window as its task says it."""

    def times(span: Span) -> list[int]:
        return [int(bars.t[span.start]), int(bars.t[span.stop - 1]) + 1]

    rows = {"train_rows": [step.train.start, step.train.stop], "test_rows": [step.test.start, step.test.stop]}
    return {"index": step.index, "train": times(step.train), "test": times(step.test), **rows}


def test_a_training_is_measured_over_all_its_bars_whatever_the_warm_up() -> None:
    bars = assignment_of().bars["AAA"].slice(0, 120)

    told, arrays = told_of(bars, Window(0, Span(0, 60), Span(60, 120)), [{"fast": 2, "slow": 10}])

    assert len(arrays["inside_t"]) == len(arrays["outside_t"]) == 60
    assert told["inside"]["metrics"]["days"] == pytest.approx(59 / 24)


@pytest.mark.parametrize("gap", [0, 7])
def test_no_bar_behind_the_training_has_a_say_in_the_choice(gap: int) -> None:
    bars = assignment_of().bars["AAA"].slice(0, 400)
    step = windows(400, mode=Mode.ROLLING, train=200, test=100, purge=gap)[0]
    combos = [{"fast": fast, "slow": slow} for fast in (2, 4, 8) for slow in (10, 20, 40)]
    end = step.train.stop
    after = np.arange(400) >= end
    o, h, low, c = (np.where(after, 500 - column, column) for column in (bars.o, bars.l, bars.h, bars.c))
    h, low = np.where(after, h, bars.h), np.where(after, low, bars.l)

    one, _ = told_of(bars, step, combos)
    other, _ = told_of(BarArrays(bars.t, o, h, low, c, bars.v), step, combos)

    assert (one["combo"], one["inside"]) == (other["combo"], other["inside"])
    assert one["outside"] != other["outside"]


def outcome(*equity: float) -> Outcome:
    """Return a test that begins with 100."""
    return Outcome(0.0, np.arange(len(equity)), np.array(equity), 100.0, 1)


def test_tests_are_stitched_by_what_the_ones_before_left() -> None:
    step = windows(100, mode=Mode.ROLLING, train=40, test=20)[0]
    results = [
        WindowResult(step, {"a": 1}, None, each)
        for each in (outcome(100, 110), outcome(90, 120), outcome(50, -20), outcome(100, 150))
    ]

    _, equity = stitched(results, 1_000.0)

    assert equity.tolist() == pytest.approx([1_000, 1_100, 990, 1_320, 660, -264, -264, -264])


def test_a_variant_that_did_nothing_is_no_choice() -> None:
    rng = np.random.default_rng(3)
    losing: Floats = rng.normal(-0.002, 0.01, (120, 2))
    plan = cpcv(120, n_groups=4, n_test_groups=1)

    found = validated(plan, np.column_stack((np.zeros(120), losing)), periods_per_year=252)

    assert set(found.choices.tolist()) <= {1, 2}
    assert validated(plan, np.zeros((120, 2)), periods_per_year=252).choices.tolist() == [0, 0, 0, 0]


COMBOS = [{"fast": fast, "slow": slow} for fast in (1, 2) for slow in (3, 4, 5)]


def world(rng: np.random.Generator, drift: Floats) -> Assignment:
    """Return daily bars that walk at random by a per cent around a drift, nearly all money in at every entry."""
    close = np.round(100 * np.exp(np.cumsum(rng.normal(drift, 0.01))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    t = np.arange(len(close), dtype=np.int64) * 86_400 + 15_000 * 86_400
    top, bottom = np.maximum(opened, close) + 0.01, np.minimum(opened, close) - 0.01
    bars = BarArrays(t, opened, top, bottom, close, np.full(len(t), 1e6))
    sizing = Sizing(SizingMethod.PERCENT_EQUITY, Decimal(95))
    return replace(assignment_of(timeframe=Timeframe.D1, sizing=sizing), bars={"AAA": bars}, start=int(t[0]))


def walked(told: Assignment) -> SingleAnswer:
    """Walk forward."""
    bars = told.bars["AAA"]
    steps = windows(len(bars), mode=Mode.ROLLING, train=300, test=200)
    return end_walk(told, [run_window(told, asked(bars, step), COMBOS) for step in steps])


def crossed(told: Assignment) -> SingleAnswer:
    """Cross-validate."""
    plan = {"groups": 6, "test_groups": 2, "purge": 0, "embargo": 0}
    return end_validation(replace(told, extra={**told.extra, "cpcv": plan}), [run_trials(told, COMBOS).packed()])


def test_trades_are_told_in_the_money_of_the_stitched_curve() -> None:
    told = world(np.random.default_rng(3), np.full(1_500, 0.003))
    found = walked(replace(told, settings=replace(told.settings, fees=FeeModel(percent=Decimal("0.01")))))

    trades = pq.read_table(io.BytesIO(next(each.data for each in found.tables if each.name == "trades"))).to_pydict()
    gained = found.metrics["final_equity"] - found.metrics["starting_equity"]
    assert gained > 100_000
    assert sum(trades["pnl_net"]) == pytest.approx(gained)
    assert found.metrics["fees_paid"] == pytest.approx(sum(trades["fees"]))


@pytest.mark.parametrize("judge", [walked, crossed])
def test_what_a_rising_market_gives_is_no_skill_out_of_sample_either(judge: Any) -> None:
    rising = [judge(world(np.random.default_rng(seed), np.full(1_500, 0.0015))) for seed in range(3)]

    assert all(each.metrics["sharpe"] > 1 for each in rising)
    assert "promising" not in [each.summary["verdict"]["word"] for each in rising]


@pytest.mark.parametrize("judge", [walked, crossed])
def test_what_follows_trends_of_weeks_is_skill_out_of_sample_too(judge: Any) -> None:
    rng = np.random.default_rng(2)
    drift = np.where(np.cumsum(rng.random(1_500) < 0.04) % 2 == 0, 0.008, -0.008)

    assert judge(world(rng, drift)).summary["verdict"]["word"] == "promising"
