"""The workloads on backtrader (all-in at the next open needs its cheat-on-open)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import pandas as pd
from peers import data

VERSION = bt.__version__
Run = Callable[[], dict[str, Any]]
_BARS, _WIDTH, _GRID_SIZE, _FIXED = 50_000, 10, 1, 1000.0  # as much as it does in some seconds


class Cross(bt.Strategy):  # type: ignore[misc]  # no types
    """The rule, all-in at the open."""

    params = (("fast", data.FAST), ("slow", data.SLOW))

    def __init__(self) -> None:
        close = self.data.close
        quick, slack = (bt.ind.SMA(close, period=w) for w in (self.p.fast, self.p.slow))
        self.cross, self.said = bt.ind.CrossOver(quick, slack, plot=False), 0.0

    def next(self) -> None:
        """Note what the close says."""
        self.said = self.cross[0]

    def next_open(self) -> None:
        """Trade what the close before said."""
        if self.said > 0 and not self.position.size:
            self.buy(size=self.broker.getcash() / (self.data.open[0] * (1 + data.FEE)) * (1 - 1e-12))
        elif self.said < 0 and self.position.size:
            self.close()
        self.said = 0.0


class CrossWithBrackets(Cross):
    """The rule with a stop and a target, of a fixed size."""

    def next(self) -> None:
        """Trade at the next open."""
        if self.cross[0] > 0 and not self.position.size:
            price = self.data.close[0]
            levels = {"stopprice": price * (1 - data.STOP), "limitprice": price * (1 + data.TARGET)}
            self.placed = self.buy_bracket(size=_FIXED, exectype=bt.Order.Market, **levels)
        elif self.cross[0] < 0 and self.position.size:
            for order in self.placed[1:]:
                self.cancel(order)
            self.close()

    def next_open(self) -> None:
        """Nothing waits for the open."""


def once(bars: Any, kind: type[Cross], cash: float = data.CASH, **windows: int) -> float:
    """Run one instrument; return the final value."""
    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=kind is Cross)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=data.FEE)
    cerebro.broker.set_coo(kind is Cross)
    cerebro.adddata(bt.feeds.PandasData(dataname=bars))
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.addstrategy(kind, **windows)
    cerebro.run()
    return float(cerebro.broker.getvalue())


def frame(t: Any, columns: list[Any]) -> Any:
    """Return bars as backtrader's feed wants them."""
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame(dict(zip(names, columns, strict=True)), index=pd.to_datetime(t, unit="s"))


def _one(folder: Path, n: int, kind: type[Cross]) -> Run:
    bars = frame(*data.one(folder, n))
    agrees = kind is Cross
    return lambda: {"equity": value if (value := once(bars, kind)) and agrees else None}


def _many(folder: Path, width: int) -> Run:
    t, blocks = data.many(folder, width)
    each = [frame(t, [block[:, j] for block in blocks]) for j in range(width)]
    return lambda: {"equity": sum(once(bars, Cross, data.CASH / width) for bars in each)}


def _grid(folder: Path, n: int) -> Run:
    bars = frame(*data.one(folder, data.GRID_BARS))
    return lambda: {"equity": [once(bars, Cross, fast=f, slow=s) for f, s in data.GRID[:n]]}


def prepare(workload: str, folder: Path) -> tuple[Run, int, str]:
    """Return what runs a workload once, its bars or combinations, and a note."""
    users = _BARS
    makers: dict[str, Callable[[], tuple[Run, int, str]]] = {
        "W1": lambda: (_one(folder, _BARS, Cross), _BARS, f"{_BARS:,} bars"),
        "W2 split": lambda: (_many(folder, _WIDTH), _WIDTH * data.N_DAYS, f"{_WIDTH} instruments, one run each"),
        "W3": lambda: (_grid(folder, _GRID_SIZE), _GRID_SIZE, "one combination"),
        "W4a": lambda: (_one(folder, users, Cross), users, f"next(), {users:,} bars"),
        "W4b": lambda: (_one(folder, users, CrossWithBrackets), users, "buy_bracket; children start a bar late"),
    }
    return makers[workload]()
