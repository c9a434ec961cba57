"""The workloads on vectorbt (signals shifted by a bar, filled at the open)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from peers import data
from vectorbt.portfolio import nb as orders
from vectorbt.portfolio.enums import Direction, NoOrder

VERSION = vbt.__version__
Run = Callable[[], dict[str, Any]]
_GRID_SIZE = 80  # of the 1,000 combinations: as many as it does in a few seconds
vbt.settings.caching["enabled"] = False


def frame(folder: Path, n: int) -> Any:
    """Return the one instrument's bars."""
    t, columns = data.one(folder, n)
    return pd.DataFrame(dict(zip("OHLCV", columns, strict=True)), index=pd.to_datetime(t, unit="s"))


def said(close: Any, fast: Any, slow: Any) -> tuple[Any, Any]:
    """Return the crosses, a bar later."""
    quick = vbt.MA.run(close, fast, run_unique=True, short_name="fast")
    slack = vbt.MA.run(close, slow, run_unique=True, short_name="slow")
    up, down = quick.ma_crossed_above(slack), quick.ma_crossed_below(slack)
    return up.vbt.signals.fshift(1), down.vbt.signals.fshift(1)


def portfolio(close: Any, opened: Any, up: Any, down: Any, cash: float = data.CASH, **more: Any) -> Any:
    """Run all-in at the open with fees of 0.1 %."""
    return vbt.Portfolio.from_signals(close, up, down, price=opened, fees=data.FEE, init_cash=cash, freq="1min", **more)


def _one(folder: Path, n: int, **more: Any) -> Run:
    bars = frame(folder, n)
    columns = {"open": bars["O"], "high": bars["H"], "low": bars["L"]} if more else {}

    def run() -> dict[str, Any]:
        made = portfolio(bars["C"], bars["O"], *said(bars["C"], data.FAST, data.SLOW), **columns, **more)
        return {"equity": float(made.value().iloc[-1]), "n_trades": len(made.trades.records)}

    return run


def _many(folder: Path, width: int) -> Run:
    t, (opened, _, _, close, _) = data.many(folder, width)
    index = pd.to_datetime(t, unit="s")
    closes, opens = pd.DataFrame(close, index=index), pd.DataFrame(opened, index=index)

    def run() -> dict[str, Any]:
        up, down = (pd.DataFrame(x.values, index=index) for x in said(closes, data.FAST, data.SLOW))
        made = portfolio(closes, opens, up, down, data.CASH / width)
        return {"equity": float(made.value().iloc[-1].sum()), "n_trades": len(made.trades.records)}

    return run


def _grid(folder: Path, n: int) -> Run:
    bars = frame(folder, data.GRID_BARS)

    def run() -> dict[str, Any]:
        equity: list[float] = []
        for start in range(0, n, 40):
            pairs = data.GRID[start : start + 40]
            fast, slow = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            made = portfolio(bars["C"], bars["O"], *said(bars["C"], fast, slow))
            equity += made.final_value().tolist()
            made.max_drawdown()
            made.sharpe_ratio()
        return {"equity": equity}

    return run


@njit  # type: ignore[untyped-decorator]  # numba has no types
def at_every_bar(c: Any, up: Any, down: Any, opened: Any, fee: float) -> Any:
    """Order what the bar before said."""
    i = c.i
    if i > 0:
        if up[i - 1] and c.position_now == 0:
            return orders.order_nb(size=np.inf, price=opened[i], fees=fee, direction=Direction.LongOnly)
        if down[i - 1] and c.position_now > 0:
            return orders.order_nb(size=-np.inf, price=opened[i], fees=fee, direction=Direction.LongOnly)
    return NoOrder


def _user(folder: Path, n: int) -> Run:
    bars = frame(folder, n)
    close, opened = bars["C"], bars["O"].to_numpy()

    def run() -> dict[str, Any]:
        quick, slack = (vbt.MA.run(close, w) for w in (data.FAST, data.SLOW))
        up, down = quick.ma_crossed_above(slack).to_numpy(), quick.ma_crossed_below(slack).to_numpy()
        made = vbt.Portfolio.from_order_func(
            close, at_every_bar, up, down, opened, data.FEE, init_cash=data.CASH, freq="1min"
        )
        return {"equity": float(made.value().iloc[-1]), "n_trades": len(made.trades.records)}

    return run


def prepare(workload: str, folder: Path) -> tuple[Run, int, str]:
    """Return what runs a workload once, its bars or combinations, and a note."""
    users, bars, width = data.USER_BARS, data.N_BARS, data.N_INSTRUMENTS
    stops = {"sl_stop": data.STOP, "tp_stop": data.TARGET, "stop_entry_price": "FillPrice"}
    makers: dict[str, Callable[[], tuple[Run, int, str]]] = {
        "W1": lambda: (_one(folder, bars), bars, "MA, from_signals, value, trades"),
        "W2 split": lambda: (_many(folder, width), width * data.N_DAYS, f"{width} columns"),
        "W3": lambda: (_grid(folder, _GRID_SIZE), _GRID_SIZE, f"{_GRID_SIZE} of {len(data.GRID)} combinations"),
        "W4a": lambda: (_user(folder, users), users, "from_order_func: a callback in numba, not Python"),
        "W4b": lambda: (_one(folder, users, **stops), users, "sl_stop, tp_stop on OHLC; one order a bar"),
    }
    return makers[workload]()
