"""What a sweep keeps of each combination is what a run of it alone gives, figure by figure and bit by bit."""

import tempfile
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from analytics.metrics.series import period_values, returns_of
from analytics.metrics.summary import Curve, summarize
from backtesting import engine
from backtesting.assignments import Assignment, benchmark_of
from backtesting.result_tables import share_of
from backtesting.run_settings import RunSettings, without_gates
from backtesting.search.objectives import OBJECTIVES
from backtesting.single import basis_of, trade_columns
from backtesting.spec import Sizing
from backtesting.tests.scene import instrument
from backtesting.tests.test_kernel_equals_exact import walk
from backtesting.trials import TrialsAnswer, joined, run_trials
from domain.bars import BarArrays, Timeframe
from domain.costs import FeeModel, FeeTier, SlippageModel
from domain.sizing import SizingMethod
from marketdata.calendars import close_times
from risk.decisions import RuleSpec

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel
N_BARS, START = 1_500, 60
HOUR = Timeframe.H1.seconds
RULES = (
    RuleSpec(key="a", name="Stop", type="stop_loss", limit=D(2)),
    RuleSpec(key="b", name="Loss", type="max_daily_loss", limit=D(1)),
)
COMBOS = [{"fast": fast, "slow": slow} for fast in (2, 5, 12) for slow in (8, 30, 90)]  # 12 over 8 is refused
WORLDS: dict[str, dict[str, Any]] = {
    "costs": {"fees": FeeModel(percent=D("0.1")), "slippage": SlippageModel(bps=D(3))},
    "rules and shorts": {"rules": RULES, "allow_short": True},
    "two instruments": {"instruments": (instrument("AAA"), instrument("BBB"))},
    "orders that only the plain engine knows": {"fees": FeeModel(tiers=(FeeTier(above=D(0), percent=D("0.1")),))},
}


def assignment_of(*, objective: str = "sharpe", stride: int = 1, **changes: Any) -> Assignment:
    """Return hourly bars of made-up walks and the settings for them."""
    settings = RunSettings(
        instruments=(instrument("AAA"),),
        timeframe=Timeframe.H1,
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, D(45)),
        starting_cash=D(100_000),
        fees=FeeModel(),
        slippage=SlippageModel(),
        trading=without_gates(),
    )
    settings = replace(settings, **changes)
    rng = np.random.default_rng(5)
    bars: dict[str, BarArrays] = {
        each.symbol: walk(rng, N_BARS, step=HOUR, start=1_700_000_400 // HOUR * HOUR) for each in settings.instruments
    }
    return Assignment(
        folder=tempfile.gettempdir() + "/no-strategies",
        type="sma_cross",
        parameters={"fast": 5, "slow": 20},
        settings=settings,
        bars=bars,
        start=int(bars["AAA"].t[START]),
        extra={"objective": objective, "stride": stride},
    )


def alone(assignment: Assignment, combo: dict[str, int]) -> tuple[dict[str, Any], Any]:
    """Return the figures and the daily returns of one combination by a run of its own over the job's moments."""
    params = assignment.params(combo)
    spec = assignment.settings.spec(assignment.kind.strategy, params, first_decision=assignment.first_decisions(params))
    result = engine.run(spec, assignment.bars)
    t = close_times(assignment.bars["AAA"].t, Timeframe.H1, "24/7")[START:]
    row = {int(at): i for i, at in enumerate(result.t)}
    held = share_of(result.exposure, result.equity)
    equity = np.array([result.equity[row[int(at)]] if int(at) in row else result.starting_cash for at in t])
    exposure = np.array([held[row[int(at)]] if int(at) in row else 0.0 for at in t])
    basis = basis_of(assignment)
    figures = summarize(
        Curve(t, equity, result.starting_cash),
        trade_columns(result.trades),
        basis=basis,
        benchmark=benchmark_of(assignment, t)[1],
        exposure=exposure,
        fees_paid=result.fees_paid,
    )
    return dict(figures), returns_of(period_values(t, equity, basis.seconds)[1], result.starting_cash)


@pytest.mark.parametrize("world", WORLDS)
def test_every_figure_and_return_of_a_trial_is_that_of_a_run_alone(world: str) -> None:
    assignment = assignment_of(**WORLDS[world])
    combos = COMBOS if len(assignment.bars) == 1 else COMBOS[:4]

    found = run_trials(assignment, combos)

    assert [row["parameters"] for row in found.rows] == combos
    for k, row in enumerate(found.rows):
        if combos[k]["fast"] >= combos[k]["slow"]:
            assert row["error"] and row["score"] is None and not row["metrics"] and not found.returns[:, k].any()
            continue
        figures, returns = alone(assignment, combos[k])
        assert not row["error"] and row["metrics"] == figures
        assert np.array_equal(found.returns[:, k], returns.astype(np.float32))
    assert max(row["metrics"].get("trades", 0) for row in found.rows) > 20


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_score_of_a_trial_is_the_objective_of_a_run_alone(objective: str) -> None:
    assignment = assignment_of(objective=objective, **WORLDS["costs"])
    combo = COMBOS[1]

    row = run_trials(assignment, [combo]).rows[0]

    wanted = alone(assignment, combo)[0][objective]
    assert wanted is not None
    assert row["score"] == (wanted if OBJECTIVES[objective].is_maximized else -wanted)


def test_chunks_of_any_size_give_the_same_bytes() -> None:
    assignment = assignment_of(stride=3, **WORLDS["costs"])

    whole = run_trials(assignment, COMBOS)
    parts: TrialsAnswer = joined(run_trials(assignment, COMBOS[at : at + 2]) for at in range(0, len(COMBOS), 2))

    assert parts.packed() == whole.packed()
    assert whole.returns.shape[1] == len(COMBOS) and np.abs(whole.returns).max() > 0
