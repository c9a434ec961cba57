"""A sweep gives of every combination what a run of it gives, whichever way it is worked out."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting import engine
from backtesting.spec import SizedAt, Sizing
from backtesting.sweep import figures_of
from backtesting.tests.scene import instrument, spec_of
from backtesting.tests.test_kernel_equals_exact import walk
from domain.bars import BarArrays
from domain.costs import FeeModel
from domain.sizing import SizingMethod
from preferences.categories import TradingPreferences
from risk.decisions import RuleSpec
from strategies.library.breakout import Breakout, BreakoutParams
from strategies.library.sma_cross import SmaCross, SmaCrossParams

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel
RULES = (
    RuleSpec(key="a", name="Stop", type="stop_loss", limit=D(2)),
    RuleSpec(key="b", name="Target", type="take_profit", limit=D(4)),
    RuleSpec(key="c", name="Loss", type="max_daily_loss", limit=D(1)),
)
PLANS = {
    "all in": {"sizing": Sizing(SizingMethod.PERCENT_EQUITY, D(100), SizedAt.FILL)},
    "half in, with costs": {"sizing": Sizing(SizingMethod.PERCENT_EQUITY, D(50)), "fees": FeeModel(percent=D("0.1"))},
    "shorts, stops and rules": {"allow_short": True, "rules": RULES},
    "shorts and stops, no rule that looks back": {"allow_short": True, "rules": RULES[:2]},
    "by limit orders": {
        "allow_short": True,
        "rules": RULES[:2],
        "trading": replace(TradingPreferences(), preferred_order_types=("limit",), order_timeout_seconds=7_200),
    },
    "all in, turning at once": {
        "sizing": Sizing(SizingMethod.PERCENT_EQUITY, D(100), SizedAt.FILL),
        "allow_short": True,
        "turns_at_once": True,
        "fees": FeeModel(percent=D("0.05")),
    },
}


@pytest.mark.parametrize("plan", PLANS)
def test_a_sweep_of_crosses_equals_its_runs(plan: str) -> None:
    bars = {"AAA": walk(np.random.default_rng(11), 5_000, step=3600, start=0)}
    changes: dict[str, Any] = PLANS[plan]
    spec = spec_of(SmaCross(), instruments=(instrument(lot_size=D("0.0001")),), params=SmaCrossParams(), **changes)
    combinations = [SmaCrossParams(fast=f, slow=s) for f in range(2, 30, 3) for s in range(31, 90, 8)]
    done: list[int] = []

    table = engine.sweep(spec, bars, combinations, progress=done.append)

    assert done[-1] == len(combinations) == len(table)
    for k in range(0, len(combinations), 7):
        run = engine.run(replace(spec, params=combinations[k]), bars)
        assert run.path == "kernel"
        assert_figures(table, k, figures_of(run, 5_000))


def assert_figures(table: Any, k: int, wanted: Any) -> None:
    """Compare one row of a sweep."""
    assert table.n_trades[k] == wanted.n_trades
    for name in ("final_equity", "max_drawdown", "sharpe", "fees_paid"):
        assert getattr(table, name)[k] == pytest.approx(getattr(wanted, name), rel=1e-9, abs=1e-12), name


def test_a_sweep_of_any_strategy_over_several_instruments() -> None:
    rng = np.random.default_rng(2)
    bars = {name: walk(rng, 300, step=86_400, start=0) for name in ("AAA", "BBB")}
    spec = spec_of(Breakout(), params=BreakoutParams(), instruments=tuple(map(instrument, bars)))
    combinations = [BreakoutParams(entry_lookback=n, exit_lookback=5) for n in (5, 10, 20)]

    table = engine.sweep(spec, engine.panel(spec, bars), combinations)

    for k, params in enumerate(combinations):
        assert_figures(table, k, figures_of(engine.run(replace(spec, params=params), bars), 300))


def test_a_sweep_ends_when_its_progress_raises_and_one_of_nothing_is_empty() -> None:
    bars = {"AAA": walk(np.random.default_rng(1), 200, step=86_400, start=0)}
    spec = spec_of(SmaCross(), params=SmaCrossParams())

    def stop(n: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.sweep(spec, bars, [SmaCrossParams(fast=2, slow=9)], progress=stop)
    assert len(engine.sweep(spec, bars, [])) == 0


def test_no_bars_give_a_run_and_a_sweep_of_nothing() -> None:
    spec, bars = spec_of(SmaCross(), params=SmaCrossParams()), {"AAA": BarArrays.empty()}

    result = engine.run(spec, bars)
    table = engine.sweep(spec, bars, [SmaCrossParams(fast=2, slow=9)])

    assert len(result.trades["pnl_net"]) == len(result.equity) == 0
    assert table.final_equity.tolist() == [float(spec.starting_cash)]
    assert (table.n_trades[0], table.max_drawdown[0], table.sharpe[0]) == (0, 0, 0)
