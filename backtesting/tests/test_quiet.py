"""Marking many bars at once changes nothing of a run."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting.exact import run_exact
from backtesting.quiet import Quiet
from backtesting.results import RunResult
from backtesting.spec import RunSpec
from backtesting.tests.test_kernel_equals_exact import random_case, says, walk
from domain.bars import BarArrays, Timeframe
from domain.costs import SlippageModel
from risk.decisions import RuleSpec

N_BARS = 140


def case(seed: int) -> tuple[RunSpec, dict[str, BarArrays]]:
    """Return a random run of one instrument; often with limit entries that run out of time, or scarce volume."""
    rng = np.random.default_rng(seed)
    spec, _ = random_case(seed)
    bars = walk(rng, N_BARS, step=spec.timeframe.seconds, start=1_600_041_600)
    bars = BarArrays(*bars.columns[:5], np.full(N_BARS, 120.0))
    changes: dict[str, Any] = {"strategy": says(rng, bars.c), "instruments": spec.instruments[:1]}
    changes["rules"] = tuple(rule for rule in spec.rules if rule.type in ("stop_loss", "take_profit"))
    if seed % 4 > 1:
        changes["timeframe"] = Timeframe.H1
        bars = walk(rng, N_BARS, step=3600, start=1_600_041_600)
        changes["rules"] += (RuleSpec(key="d", name="Day", type="max_daily_loss", limit=D("0.5")),)
    if seed % 2:
        patience = int(rng.integers(1, 9)) * changes.get("timeframe", spec.timeframe).seconds
        kinds = {"preferred_order_types": ("limit",), "order_timeout_seconds": patience}
        changes["trading"] = replace(spec.trading, **kinds)
    if seed % 3 == 0:
        changes["slippage"] = SlippageModel(max_volume_percent=D(10), volume_impact=D(5))
    return replace(spec, **changes), {"AAA": bars}


@pytest.mark.parametrize("seed", range(60))
def test_a_run_is_the_same_as_bar_by_bar(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, bars = case(seed)
    ours = run_exact(spec, bars)
    monkeypatch.setattr(Quiet, "until", lambda self, i, held, orders: i)
    theirs = run_exact(spec, bars)

    for name in RunResult.__dataclass_fields__:
        assert getattr(ours, name) == getattr(theirs, name), name


def test_quiet_bars_are_marked_together_up_to_the_bar_that_reaches_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    n_marked: list[int] = []
    until = Quiet.until
    monkeypatch.setattr(Quiet, "until", lambda *asked: n_marked.append(stop := until(*asked)) or stop)

    result = run_exact(*case(4))

    assert len(result.fills) > 10
    assert len(n_marked) < 0.9 * N_BARS
