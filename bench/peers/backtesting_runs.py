"""The workloads on backtesting.py (it trades whole units, so that equity agrees only to about 1e-6)."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from peers import data

import backtesting
from backtesting import Backtest, Strategy

warnings.filterwarnings("ignore")
VERSION = backtesting.__version__
Run = Callable[[], dict[str, Any]]
_BARS, _WIDTH, _GRID_SIZE = 200_000, 40, 4  # as much as it does in some seconds


class Cross(Strategy):
    """The rule, called at every bar."""

    fast, slow, brackets = data.FAST, data.SLOW, False

    def init(self) -> None:
        """Work out the averages."""
        self.quick = self.I(data.average, self.data.Close, self.fast)
        self.slack = self.I(data.average, self.data.Close, self.slow)

    def next(self) -> None:
        """Look for a cross."""
        quick, slack = self.quick, self.slack
        if quick[-1] > slack[-1]:
            if quick[-2] <= slack[-2] and not self.position:
                self.enter()
        elif quick[-1] < slack[-1] and quick[-2] >= slack[-2] and self.position:
            self.position.close()

    def enter(self) -> None:
        """Buy with all cash."""
        if not self.brackets:
            self.buy()
            return
        price = self.data.Close[-1]
        self.buy(sl=price * (1 - data.STOP), tp=price * (1 + data.TARGET))


class CrossWithBrackets(Cross):
    """The rule with stop and target from the signal's close."""

    brackets = True


def tests(folder: Path, n: int, kind: type[Cross], cash: float = data.CASH) -> Any:
    """Return the test of one instrument."""
    t, columns = data.one(folder, n)
    names = ("Open", "High", "Low", "Close", "Volume")
    bars = pd.DataFrame(dict(zip(names, columns, strict=True)), index=pd.to_datetime(t, unit="s"))
    return _test(bars, kind, cash)


def _test(bars: Any, kind: type[Cross], cash: float) -> Any:
    return Backtest(bars, kind, cash=cash, commission=data.FEE, exclusive_orders=False, finalize_trades=False)


def _one(folder: Path, n: int, kind: type[Cross], *, agrees: bool = True) -> Run:
    test = tests(folder, n, kind)

    def run() -> dict[str, Any]:
        found = test.run()
        return {"equity": float(found["Equity Final [$]"]) if agrees else None, "n_trades": int(found["# Trades"])}

    return run


def _many(folder: Path, width: int) -> Run:
    t, blocks = data.many(folder, width)
    names = ("Open", "High", "Low", "Close", "Volume")
    frames = [
        pd.DataFrame({n: b[:, j] for n, b in zip(names, blocks, strict=True)}, index=pd.to_datetime(t, unit="s"))
        for j in range(width)
    ]
    each = [_test(frame, Cross, data.CASH / width) for frame in frames]

    def run() -> dict[str, Any]:
        return {"equity": float(sum(test.run()["Equity Final [$]"] for test in each))}

    return run


def _grid(folder: Path, n: int) -> Run:
    test = tests(folder, data.GRID_BARS, Cross)

    def run() -> dict[str, Any]:
        return {"equity": [float(test.run(fast=f, slow=s)["Equity Final [$]"]) for f, s in data.GRID[:n]]}

    return run


def prepare(workload: str, folder: Path) -> tuple[Run, int, str]:
    """Return what runs a workload once, its bars or combinations, and a note."""
    users = data.USER_BARS
    makers: dict[str, Callable[[], tuple[Run, int, str]]] = {
        "W1": lambda: (_one(folder, _BARS, Cross), _BARS, f"{_BARS:,} bars"),
        "W2 split": lambda: (_many(folder, _WIDTH), _WIDTH * data.N_DAYS, f"{_WIDTH} instruments, one test each"),
        "W3": lambda: (_grid(folder, _GRID_SIZE), _GRID_SIZE, f"{_GRID_SIZE} combinations one by one"),
        "W4a": lambda: (_one(folder, users, Cross), users, "next()"),
        "W4b": lambda: (_one(folder, users, CrossWithBrackets, agrees=False), users, "levels from the signal's close"),
    }
    return makers[workload]()
