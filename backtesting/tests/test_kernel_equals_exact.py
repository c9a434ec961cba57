"""The compiled kernel and the plain engine give the same orders, fills, trades, signals and equity: random cases."""

from dataclasses import replace
from datetime import time
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from backtesting import engine
from backtesting.spec import RunSpec, Sizing
from backtesting.tables import Result, Table
from backtesting.tests.scene import Says, instrument, spec_of
from domain.bars import BarArrays, Timeframe
from domain.costs import FeeModel, SlippageModel
from domain.sizing import SizingMethod
from preferences.categories import TradingPreferences
from risk.decisions import Action, RuleSpec, Scope
from strategies.library.breakout import Breakout, BreakoutParams
from strategies.library.sma_cross import SmaCross, SmaCrossParams

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]  # the first one may have to compile the kernel
CASES = 120
N_BARS = 140
LIMITS = {  # rule type: limits that are sometimes broken
    "max_position_size": ("5", "30"),
    "max_leverage": ("0.5", "1"),
    "max_exposure": ("40", "90"),
    "sector_limit": ("20", "60"),
    "position_limit": ("1", "2"),
    "max_order_value": ("2000", "9000"),
    "max_order_quantity": ("12", "60"),
    "price_collar": ("1", "5"),
    "stale_data": ("0", "60"),
    "unreconciled": ("0", "1"),
    "duplicate_order": ("30", "60"),
    "order_rate": ("1", "4"),
    "repeated_execution": ("1", "3"),
    "max_open_orders": ("1", "2"),
    "max_session_trades": ("1", "3"),
    "max_turnover": ("50", "200"),
    "self_cross": ("0", "1"),
    "max_daily_loss": ("1", "5"),
    "max_drawdown": ("3", "20"),
    "stop_loss": ("1", "6"),
    "take_profit": ("1", "9"),
}
SUMS = {f"trades.{name}" for name in ("pnl", "fees", "pnl_net", "return_fraction", "r_multiple")}
"""Columns that add and multiply what was rounded; everything else is the same to the byte (docs/adr/0010)."""
RESIZABLE = ("max_position_size", "max_leverage", "max_exposure", "sector_limit", "max_order_value", "max_turnover")
ACTIONS = (Action.REJECT, Action.REJECT, Action.WARN, Action.PAUSE_STRATEGY, Action.REDUCE_ONLY, Action.HALT)


def walk(rng: np.random.Generator, n: int, *, step: int, start: int) -> BarArrays:
    """Return a random walk on the tick, with gaps, and bars that touch much."""
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.02, n))), 2)
    opened = np.round(np.concatenate(([100.0], close[:-1])) * (1 + rng.normal(0, 0.008, n)), 2)
    high = np.round(np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.01, n))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.01, n))), 2)
    t = start + np.arange(n, dtype=np.int64) * step
    return BarArrays(t, opened, high, low, close, np.full(n, 1e5))


def says(rng: np.random.Generator, closes: np.ndarray) -> Says:
    """Return a strategy that says random things."""
    entry, short = rng.random(N_BARS) < 0.15, rng.random(N_BARS) < 0.1
    columns: dict[str, Any] = {
        "entry": np.flatnonzero(entry),
        "short_entry": np.flatnonzero(short & ~entry),
        "exit": np.flatnonzero(rng.random(N_BARS) < 0.12),
        "short_exit": np.flatnonzero(rng.random(N_BARS) < 0.12),
    }
    if rng.random() < 0.5:
        away = 1 + rng.normal(-0.03, 0.02, N_BARS)
        columns["stop"] = {i: round(float(closes[i] * away[i]), 3) for i in range(0, N_BARS, 2)}
    if rng.random() < 0.4:
        columns["take_profit"] = {i: float(closes[i] * (1 + rng.normal(0.04, 0.02))) for i in range(0, N_BARS, 3)}
    if rng.random() < 0.4:
        columns["confidence"] = dict(enumerate(np.round(rng.random(N_BARS), 3).tolist()))
    return Says(**columns)


def some_rules(rng: np.random.Generator) -> tuple[RuleSpec, ...]:
    """Return up to six random rules."""
    made = []
    for k, kind in enumerate(rng.choice(list(LIMITS), size=rng.integers(0, 7), replace=False).tolist()):
        action = ACTIONS[rng.integers(len(ACTIONS))]
        if kind in RESIZABLE and rng.random() < 0.5:
            action = Action.RESIZE
        scope = (
            (Scope.ACCOUNT, Scope.INSTRUMENT, Scope.SECTOR)[rng.integers(3)] if rng.random() < 0.3 else Scope.ACCOUNT
        )
        made.append(
            RuleSpec(
                key=f"r{k}",
                name=f"Rule {k}",
                type=kind,
                limit=D(LIMITS[kind][rng.integers(2)]),
                action=action,
                scope=scope,
                instrument_id=UUID(int=sum(ord(c) << 8 * i for i, c in enumerate("AAA"))),
                sector="One",
                parameters={"measure": "net"} if kind == "max_exposure" and rng.random() < 0.5 else {},
            )
        )
    return tuple(made)


SIZES = (
    (SizingMethod.FIXED_QUANTITY, "13"),
    (SizingMethod.FIXED_VALUE, "2345.67"),
    (SizingMethod.PERCENT_EQUITY, "20"),
    (SizingMethod.RISK_PER_TRADE, "0.5"),
    (SizingMethod.ATR_VOLATILITY, "0.7"),
    (SizingMethod.KELLY, "0.5"),
    (SizingMethod.EQUAL_WEIGHT, "1"),
)


def random_case(seed: int) -> tuple[RunSpec, dict[str, BarArrays]]:
    """Return a random run and its bars."""
    rng = np.random.default_rng(seed)
    timeframe = (Timeframe.D1, Timeframe.M1, Timeframe.H1)[rng.integers(3)]
    symbols = ("AAA", "BBB", "CCC")[: rng.integers(1, 4)]
    bars = {name: walk(rng, N_BARS, step=timeframe.seconds, start=1_600_041_600) for name in symbols}
    method, value = SIZES[seed % len(SIZES)]
    strategy = says(rng, bars["AAA"].c)
    spec = spec_of(
        strategy,
        instruments=tuple(
            instrument(
                s,
                sector=("One", "Two", "One")[k],
                lot_size=D(str(rng.choice(["1", "0.1", "10"]))),
                tick_size=D("0.05") if seed % 6 == 5 else D("0.01"),
            )
            for k, s in enumerate(symbols)
        ),
        timeframe=timeframe,
        sizing=Sizing(method, D(value)),
        fees=FeeModel(
            percent=D(str(rng.choice(["0", "0.05"]))),
            per_order=D(str(rng.choice(["0", "1"]))),
            per_share=D(str(rng.choice(["0", "0.005"]))),
            minimum=D(str(rng.choice(["0", "1.5"]))),
            maker_percent=D("0.01") if rng.random() < 0.3 else None,
        ),
        slippage=SlippageModel(
            bps=D(str(rng.choice(["0", "3"]))),
            spread=D(str(rng.choice(["0", "0.03"]))),
            entry_bps=D("7.5") if seed % 4 == 1 else D(0),
        ),
        rules=some_rules(rng),
        allow_short=bool(rng.random() < 0.6),
        trading=replace(
            TradingPreferences(),
            max_daily_trades=int(rng.choice([2, 50])),
            max_concurrent_positions=int(rng.choice([1, 10])),
            preferred_order_types=("limit",) if seed % 3 == 2 else ("market",),
            order_timeout_seconds=timeframe.seconds * int(1 + seed % 4) - seed % 2,
        ),
        session_zone=str(rng.choice(["UTC", "America/New_York"])),
        session_start=time(int(rng.choice([0, 17])), 0),
        first_decision={"AAA": int(rng.integers(0, 20))},
    )
    return spec, bars


def assert_same(ours: Result, theirs: Result) -> None:
    """Compare everything that two runs did."""
    assert (ours.path, theirs.path) == ("kernel", "exact")
    for name in ("signals", "orders", "fills", "trades", "positions"):
        assert_same_tables(name, getattr(ours, name), getattr(theirs, name))
    assert np.array_equal(ours.t, theirs.t)
    for name in ("equity", "cash", "exposure", "net_exposure"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-6, err_msg=name)
    assert ours.fees_paid == pytest.approx(theirs.fees_paid, abs=1e-6)


def assert_same_tables(name: str, ours: Table, theirs: Table) -> None:
    """Compare two tables: words, counts, times, quantities, prices and fees to the byte; sums to nine digits."""
    assert ours.names == theirs.names
    for column in ours.names:
        if column in ("message", "reason"):
            continue
        mine, other = ours[column], theirs[column]
        n = min(len(mine), len(other))
        if mine.dtype.kind == "f" and f"{name}.{column}" not in SUMS:
            assert mine[:n].tobytes() == other[:n].tobytes(), _first_difference(name, column, mine[:n], other[:n])
        elif mine.dtype.kind == "f":
            np.testing.assert_allclose(mine[:n], other[:n], rtol=1e-9, atol=1e-7, err_msg=f"{name}.{column}")
        else:
            differing = np.flatnonzero(mine[:n] != other[:n])
            assert not len(differing), (name, column, differing[0], mine[differing[0]], other[differing[0]])
        assert len(mine) == len(other), name


def _first_difference(name: str, column: str, mine: np.ndarray, other: np.ndarray) -> str:
    rows = np.flatnonzero((mine != other) & ~(np.isnan(mine) & np.isnan(other)))
    at = int(rows[0]) if len(rows) else -1
    return (
        f"{name}.{column}, row {at} (-1: bytes of NaN or zero): {mine[at]!r} by the kernel, {other[at]!r} by the plain"
    )


@pytest.mark.parametrize("seed", range(CASES))
def test_kernel_and_plain_engine_agree_on_random_runs(seed: int) -> None:
    spec, bars = random_case(seed)

    ours = engine.run(spec, bars)

    assert ours.path == "kernel"
    assert_same(ours, engine.run(spec, bars, exact=True))


@pytest.mark.parametrize("seed", range(6))
def test_crosses_that_the_kernel_finds_itself_are_those_of_the_strategy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bars = {name: walk(rng, 600, step=86_400, start=0) for name in ("AAA", "BBB")[: 1 + seed % 2]}
    for series in bars.values():
        series.c[:] = np.round(series.c)  # whole numbers: averages are often exactly equal
    spec = spec_of(
        SmaCross(),
        params=SmaCrossParams(fast=2 + seed, slow=4 + 2 * seed),
        instruments=tuple(instrument(name) for name in bars),
        allow_short=bool(seed % 2),
    )

    ours = engine.run(spec, bars)

    assert len(ours.trades) > 20
    assert_same(ours, engine.run(spec, bars, exact=True))


def test_denials_are_told_in_the_words_of_the_gate() -> None:
    rng = np.random.default_rng(3)
    bars = {"AAA": walk(rng, 300, step=86_400, start=0)}
    rules = (
        RuleSpec(key="b", name="Position", type="max_position_size", limit=D(5)),
        RuleSpec(key="a", name="Value", type="max_order_value", limit=D(100)),
    )
    spec = spec_of(Breakout(), params=BreakoutParams(entry_lookback=10, exit_lookback=5), rules=rules)

    ours, theirs = engine.run(spec, bars), engine.run(spec, bars, exact=True)

    assert len(ours.orders) > 5 and ours.orders["reason"].tolist() == theirs.orders["reason"].tolist()
    assert "Position" in ours.orders["reason"][0] and "Value" in ours.orders["reason"][0]
