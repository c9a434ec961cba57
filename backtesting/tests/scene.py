"""A small world for the engine's tests: bars written out by hand and strategies that say what the test wants."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from backtesting.exact import run_exact
from backtesting.results import RunResult
from backtesting.spec import RunSpec, ScriptedOrder, Sizing
from domain.bars import BarArrays, Timeframe
from domain.instruments import AssetClass, InstrumentSpec
from domain.orders import OrderSide, OrderSpec
from domain.sizing import SizingMethod
from strategies.base import Params, Signals, Strategy

DAY = 86_400
D = Decimal


def instrument(symbol: str = "AAA", **changes: Any) -> InstrumentSpec:
    """Return an instrument that trades around the clock in single shares on a tick of 0.01."""
    made = InstrumentSpec(
        id=UUID(int=sum(ord(c) << 8 * i for i, c in enumerate(symbol))),
        symbol=symbol,
        venue="TEST",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=D("0.01"),
        lot_size=D(1),
        sector="",
        calendar="24/7",
    )
    return replace(made, **changes)


def ohlc(*rows: Sequence[float], step: int = DAY, start: int = 0) -> BarArrays:
    """Return bars from (open, high, low, close) rows."""
    columns = np.array(rows, dtype=np.float64).T
    t = start + np.arange(len(rows), dtype=np.int64) * step
    return BarArrays(t, *columns, np.full(len(rows), 1000.0))


def closed_at(i: int, *, step: int = DAY) -> datetime:
    """Return when the bar `i` of `ohlc` closed."""
    return datetime.fromtimestamp((i + 1) * step, tz=UTC)


class Says(Strategy):
    """Says at given rows what the test wants."""

    name = "says"
    title = description = "for tests"

    def __init__(self, **columns: Mapping[int, Any]) -> None:
        self.columns = columns

    def warmup(self, params: Any) -> int:
        """None."""
        return 0

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Put the rows into columns."""
        flags = {name: self._flags(name, len(bars)) for name in ("entry", "exit", "short_entry", "short_exit")}
        numbers = {name: self._numbers(name, len(bars)) for name in ("stop", "take_profit", "confidence")}
        return Signals(**flags, **numbers)

    def _flags(self, name: str, n: int) -> Any:
        return np.isin(np.arange(n), list(self.columns.get(name, ())))

    def _numbers(self, name: str, n: int) -> Any:
        column = np.full(n, 1.0 if name == "confidence" else np.nan)
        for row, value in self.columns.get(name, {}).items():
            column[row] = value
        return column


def rows(*numbers: int) -> dict[int, bool]:
    """Return the rows at which a flag is up."""
    return dict.fromkeys(numbers, True)


def spec_of(strategy: Strategy, *, instruments: tuple[InstrumentSpec, ...] = (), **changes: Any) -> RunSpec:
    """Return a run of 10 shares an entry, without costs, rules or protection."""
    made = RunSpec(
        strategy=strategy,
        params=Params(),
        instruments=instruments or (instrument(),),
        timeframe=Timeframe.D1,
        sizing=Sizing(SizingMethod.FIXED_QUANTITY, D(10)),
        starting_cash=D(10_000),
    )
    return replace(made, **changes)


def run_one(strategy: Strategy, bars: BarArrays, **changes: Any) -> RunResult:
    """Run a strategy over one instrument's bars."""
    return run_exact(spec_of(strategy, **changes), {"AAA": bars})


def by_hand(at: datetime, side: OrderSide, quantity: int, **more: Any) -> ScriptedOrder:
    """Return an order that somebody places at a bar's close."""
    return ScriptedOrder(at, OrderSpec(symbol="AAA", side=side, quantity=D(quantity), **more))
