"""The workloads on this project's engine, through its public functions; every run reads trades, orders and equity."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from backtesting import engine
from backtesting.panel import Panel
from backtesting.spec import Capital, RunSpec, SizedAt, Sizing
from bench.peers import data
from domain.bars import BarArrays, Timeframe
from domain.costs import FeeModel
from domain.instruments import AssetClass, InstrumentSpec
from domain.sizing import SizingMethod
from marketdata.indicators.averages import sma
from preferences.categories import TradingPreferences
from risk.decisions import RuleSpec
from strategies.base import Params, Signals, Strategy
from strategies.library.sma_cross import SmaCross, SmaCrossParams
from strategies.on_bar import BarStrategy, Desk

VERSION = "this checkout"
Prepared = tuple[Callable[[], dict[str, Any]], int, str]
RULES = {
    "max_position_size": 101,
    "max_leverage": 2,
    "max_exposure": 200,
    "position_limit": 1000,
    "max_order_value": 10**12,
    "max_order_quantity": 10**12,
    "price_collar": 5,
    "stale_data": 60,
    "max_open_orders": 1000,
    "max_session_trades": 10_000,
    "max_daily_loss": 99,
    "max_drawdown": 99,
}


class Cross(SmaCross):
    """The library's cross, from the first bar at which the slow average exists (as the peers do)."""

    def warmup(self, params: SmaCrossParams) -> int:
        """The slow average and the bar before."""
        return params.slow


class CrossAtEveryBar(BarStrategy):
    """The same rule as code that is called at every bar."""

    name = "cross_at_every_bar"
    Params: type[Params] = SmaCrossParams

    def warmup(self, params: SmaCrossParams) -> int:
        """The slow average and the bar before."""
        return params.slow

    def begin(self, bars: BarArrays, params: SmaCrossParams) -> None:
        """Work out the averages."""
        self.quick, self.slack = sma(bars.c, params.fast).tolist(), sma(bars.c, params.slow).tolist()

    def on_bar(self, desk: Desk) -> None:
        """Look for a cross."""
        i = desk.i
        now, slow, before, slow_before = self.quick[i], self.slack[i], self.quick[i - 1], self.slack[i - 1]
        if now > slow and before <= slow_before:
            if not desk.position:
                desk.enter()
        elif now < slow and before >= slow_before and desk.position:
            desk.exit()


class CrossAsArrays(Strategy):
    """The same rule as arrays of an author's own, which the kernel does not know."""

    name = "cross_as_arrays"

    def warmup(self, params: SmaCrossParams) -> int:
        """The slow average and the bar before."""
        return params.slow

    def signals(self, bars: BarArrays, params: SmaCrossParams) -> Signals:
        """Compare the averages."""
        up, down = data.crossings(bars.c, params.fast, params.slow)
        return Signals(entry=up, exit=down)


def spec_of(symbols: list[str], timeframe: Timeframe, **changes: Any) -> RunSpec:
    """Return an all-in run with fees of 0.1 %, on fine ticks and lots, without limits."""
    instruments = tuple(
        InstrumentSpec(
            id=UUID(int=k + 1),
            symbol=symbol,
            venue="BENCH",
            asset_class=AssetClass.CRYPTO,
            currency="USD",
            tick_size=D("1e-9"),
            lot_size=D("1e-9"),
            sector="",
            calendar="24/7",
        )
        for k, symbol in enumerate(symbols)
    )
    made = RunSpec(
        strategy=Cross(),
        params=SmaCrossParams(fast=data.FAST, slow=data.SLOW),
        instruments=instruments,
        timeframe=timeframe,
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, D(100), SizedAt.FILL),
        starting_cash=D(int(data.CASH)),
        fees=FeeModel(percent=D("0.1"), digits=9),
        trading=replace(TradingPreferences(), max_daily_trades=10_000, max_concurrent_positions=10_000),
    )
    return replace(made, **changes)


def one(folder: Path, n: int, **changes: Any) -> tuple[RunSpec, Panel]:
    """Return a run over the one instrument."""
    t, columns = data.one(folder, n)
    spec = spec_of(["ONE"], Timeframe.M1, **changes)
    return spec, _panel(spec, {"ONE": BarArrays(t, *columns)})


def many(folder: Path, width: int, **changes: Any) -> tuple[RunSpec, Panel]:
    """Return a run over many instruments."""
    t, blocks = data.many(folder, width)
    symbols = [f"S{j:03d}" for j in range(width)]
    sizing = Sizing(SizingMethod.EQUAL_WEIGHT, D(1), SizedAt.FILL)
    spec = spec_of(symbols, Timeframe.D1, sizing=sizing, **changes)
    series = {s: BarArrays(t, *(np.ascontiguousarray(b[:, j]) for b in blocks)) for j, s in enumerate(symbols)}
    return spec, _panel(spec, series)


def _panel(spec: RunSpec, bars: dict[str, BarArrays]) -> Panel:
    made = engine.panel(spec, bars)
    if made is None:
        raise ValueError("the bars do not lie on common times")
    return made


def rules(**limits: float) -> tuple[RuleSpec, ...]:
    """Return rules by type and limit."""
    return tuple(RuleSpec(key=kind, name=kind, type=kind, limit=D(str(limit))) for kind, limit in limits.items())


def _runs(spec: RunSpec, panel: Panel) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        result = engine.run(spec, panel)
        assert result.path == "kernel"
        profit, sizes = result.trades["pnl_net"], result.orders["quantity"]
        return {"equity": float(result.equity[-1]), "n_trades": len(profit), "n_orders": len(sizes)}

    return run


def _sweep(folder: Path, n: int) -> Callable[[], dict[str, Any]]:
    spec, panel = one(folder, data.GRID_BARS)
    combinations = [SmaCrossParams(fast=fast, slow=slow) for fast, slow in data.GRID[:n]]

    def run() -> dict[str, Any]:
        table = engine.sweep(spec, panel, combinations)
        return {"equity": table.final_equity.tolist(), "n_trades": int(table.n_trades.sum())}

    return run


def prepare(workload: str, folder: Path) -> Prepared:
    """Return what runs a workload once, how many bars (combinations) it has, and a note. A size may follow a colon."""
    name, _, size = workload.partition(":")
    brackets = rules(stop_loss=100 * data.STOP, take_profit=100 * data.TARGET)
    bars, width, grid = int(size or data.N_BARS), int(size or data.N_INSTRUMENTS), int(size or len(data.GRID))
    short = int(size or data.USER_BARS)
    if name == "W1":
        return _runs(*one(folder, bars)), bars, "the library's cross"
    if name == "W1 rules":
        return _runs(*one(folder, bars, rules=rules(**RULES))), bars, f"{len(RULES)} risk rules on"
    if name == "W1 arrays":
        return _runs(*one(folder, bars, strategy=CrossAsArrays())), bars, "arrays of an author's own"
    if name == "W2":
        return _runs(*many(folder, width)), width * data.N_DAYS, "shared cash, equal weight"
    if name == "W2 split":
        return _runs(*many(folder, width, capital=Capital.SPLIT)), width * data.N_DAYS, "cash in equal parts"
    if name == "W3":
        return _sweep(folder, grid), grid, "final equity, drawdown, Sharpe, trades, fees of each"
    if name == "W4a":
        return _runs(*one(folder, short, strategy=CrossAtEveryBar())), short, "Python at every bar"
    if name == "W4b":
        return _runs(*one(folder, short, rules=brackets)), short, "stop and target"
    raise KeyError(workload)
