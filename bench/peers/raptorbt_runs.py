"""The workloads on raptorbt."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["RAPTORBT_NO_VERSION_CHECK"] = "1"

import numpy as np
import raptorbt as rb
from peers import data

VERSION = rb.__version__
Run = Callable[[], dict[str, Any]]


def settings(cash: float = data.CASH, *, brackets: bool = False) -> Any:
    """Return fills at the next open with fees of 0.1 %."""
    made = rb.BacktestConfig(
        initial_capital=cash, fees=data.FEE, slippage=0.0, apply_slippage=False, fill_timing="next_bar_open"
    )
    if brackets:
        made.set_fixed_stop(data.STOP)
        made.set_fixed_target(data.TARGET)
    return made


def said(close: Any, fast: int, slow: int, averages: dict[int, Any] | None = None) -> tuple[Any, Any]:
    """Return the crosses by raptorbt's own averages."""
    quick, slack = (averages[w] if averages else rb.sma(close, w) for w in (fast, slow))
    above, below, known = quick > slack, quick < slack, ~np.isnan(slack)
    up, down = np.zeros(len(close), bool), np.zeros(len(close), bool)
    up[1:], down[1:] = above[1:] & ~above[:-1] & known[:-1], below[1:] & ~below[:-1] & known[:-1]
    return up, down


def _one(folder: Path, n: int, *, brackets: bool = False) -> Run:
    t, columns = data.one(folder, n)
    t, config = t * 10**9, settings(brackets=brackets)

    def run() -> dict[str, Any]:
        up, down = said(columns[3], data.FAST, data.SLOW)
        result = rb.run_single_backtest(t, *columns, up, down, 1, 1.0, "X", config)
        return {"equity": float(result.equity_curve()[-1]), "n_trades": result.metrics.total_trades}

    return run


def _many(folder: Path, width: int) -> Run:
    t, blocks = data.many(folder, width)
    t, config = t * 10**9, settings(data.CASH / width)
    columns = [[np.ascontiguousarray(block[:, j]) for block in blocks] for j in range(width)]

    def run() -> dict[str, Any]:
        equity, n_trades = 0.0, 0
        for own in columns:
            up, down = said(own[3], data.FAST, data.SLOW)
            result = rb.run_single_backtest(t, *own, up, down, 1, 1.0, "X", config)
            equity += result.equity_curve()[-1]
            n_trades += result.metrics.total_trades
        return {"equity": equity, "n_trades": n_trades}

    return run


def _shared(folder: Path, width: int) -> Run:
    t, blocks = data.many(folder, width)
    t, config = t * 10**9, settings()
    columns = [[np.ascontiguousarray(block[:, j]) for block in blocks] for j in range(width)]

    def run() -> dict[str, Any]:
        each = [(t, *own, *said(own[3], data.FAST, data.SLOW), 1, 1.0, f"S{j}") for j, own in enumerate(columns)]
        result = rb.run_portfolio_backtest(each, config, "equal_weight")
        return {"equity": None, "n_trades": result.metrics.total_trades}

    return run


def _grid(folder: Path, n: int) -> Run:
    t, columns = data.one(folder, data.GRID_BARS)
    t, close, config = t * 10**9, columns[3], settings()

    def run() -> dict[str, Any]:
        averages = {w: rb.sma(close, w) for w in sorted({w for pair in data.GRID[:n] for w in pair})}
        equity: list[float] = []
        for start in range(0, n, 40):
            pairs = data.GRID[start : min(start + 40, n)]
            items = [
                rb.BatchSingleItem(f"{k}", *said(close, *pair, averages), 1, 1.0, "X", config)
                for k, pair in enumerate(pairs)
            ]
            done = rb.batch_single_backtest(t, *columns, items, config)
            equity += [(1 + result.metrics.total_return_pct / 100) * data.CASH for _, result in done]
        return {"equity": equity}

    return run


class CrossAtEveryBar(rb.Strategy):  # type: ignore[misc]  # no types
    """The rule as Python at every bar."""

    def on_start(self, context: Any) -> None:
        """Work out the averages."""
        self.quick, self.slack = (rb.sma(context.close, w).tolist() for w in (data.FAST, data.SLOW))

    def on_bar(self, context: Any) -> None:
        """Look for a cross."""
        i = context.idx
        if i < data.SLOW:
            return
        now, slow, before, slow_before = self.quick[i], self.slack[i], self.quick[i - 1], self.slack[i - 1]
        if now > slow and before <= slow_before:
            if context.position is None:
                self.enter()
        elif now < slow and before >= slow_before and context.position is not None:
            self.close_position()


def _user(folder: Path, n: int) -> Run:
    t, columns = data.one(folder, n)
    t, config = t * 10**9, settings()

    def run() -> dict[str, Any]:
        result = rb.run_strategy_backtest(CrossAtEveryBar(), t, *columns, symbol="X", config=config)
        return {"equity": None, "n_trades": result.metrics.total_trades}

    return run


def prepare(workload: str, folder: Path) -> tuple[Run, int, str]:
    """Return what runs a workload once, its bars or combinations, and a note."""
    users, bars, width, grid = data.USER_BARS, data.N_BARS, data.N_INSTRUMENTS, len(data.GRID)
    makers: dict[str, Callable[[], tuple[Run, int, str]]] = {
        "W1": lambda: (_one(folder, bars), bars, "sma, run_single_backtest, equity_curve"),
        "W2": lambda: (_shared(folder, width), width * data.N_DAYS, "run_portfolio_backtest, equal_weight"),
        "W2 split": lambda: (_many(folder, width), width * data.N_DAYS, "one run an instrument"),
        "W3": lambda: (_grid(folder, grid), grid, "batch_single_backtest on all cores"),
        "W4a": lambda: (_user(folder, users), users, "on_bar; ignores crosses on the fill bar: equity differs"),
        "W4b": lambda: (_one(folder, users, brackets=True), users, "a target opened beyond its level fills at it"),
    }
    return makers[workload]()
