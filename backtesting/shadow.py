"""A strategy's shadow: its code, settings and bars through the engine, as the side that its twin compares. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from analytics.twin.values import Side, Step, TwinTrade
from backtesting import engine
from backtesting.assignments import kind_of
from backtesting.exact import run_exact
from backtesting.run_settings import RunSettings
from backtesting.spec import RunSpec
from backtesting.tables import Result
from backtesting.tabulate import result_of
from domain.bars import BarArrays
from domain.orders import OrderRole, OrderType
from domain.signals import SignalSide
from marketdata.calendars import close_times
from strategies.parameters import read_parameters

PLACES = 8
ZERO = Decimal(0)
Run = Callable[[RunSpec, Mapping[str, BarArrays]], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowAssignment:
    """What a shadow is told; ``bars`` hold some before ``start_at`` (market time, after which it decides) too."""

    folder: str
    type: str
    parameters: Mapping[str, Any]
    settings: RunSettings
    bars: Mapping[str, BarArrays]
    start_at: datetime

    @property
    def n_bars(self) -> int:
        """Bars of all instruments together."""
        return sum(len(bars) for bars in self.bars.values())


def plainly(spec: RunSpec, bars: Mapping[str, BarArrays]) -> Result:
    """Run the plain engine: for a few bars, in whatever process."""
    return result_of(run_exact(spec, bars), spec, bars)


def compiled(assignment: ShadowAssignment) -> Side:
    """Run the compiled engine: for many bars, in a process of its own."""
    return shadow_side(assignment, engine.run)


def shadow_side(assignment: ShadowAssignment, run: Run = plainly) -> Side:
    """Return what the strategy would have done. Raises StrategyError where its code fails or is gone."""
    strategy = kind_of(assignment.folder, assignment.type).strategy
    params = read_parameters(strategy.Params, assignment.parameters)
    spec = assignment.settings.spec(strategy, params, first_decision=_first_decisions(assignment))
    return side_of(run(spec, assignment.bars))


def _first_decisions(assignment: ShadowAssignment) -> dict[str, int]:
    """Return the row of each symbol's first bar that closed after the start."""
    found = {}
    for instrument in assignment.settings.instruments:
        bars = assignment.bars[instrument.symbol]
        closes = close_times(bars.t, assignment.settings.timeframe, instrument.calendar)
        found[instrument.symbol] = int(np.searchsorted(closes, assignment.start_at.timestamp(), side="right"))
    return found


def side_of(result: Result) -> Side:
    """Return a run's result as steps and trades."""
    fills: dict[int, list[dict[str, Any]]] = {}
    for fill in result.fills.rows():
        fills.setdefault(fill["order"], []).append(fill)
    steps = [_step(order, fills.get(order["number"], [])) for order in result.orders.rows()]
    spoken = {(step.at, step.symbol) for step in steps if step.role in (OrderRole.ENTRY, OrderRole.EXIT)}
    signals = result.signals.rows()
    steps += [_silent(signal) for signal in signals if (signal["at"], signal["symbol"]) not in spoken]
    return Side(
        steps=tuple(sorted(steps, key=lambda step: (step.at, step.symbol, step.role))),
        trades=tuple(_trade(row) for row in result.trades.rows()),
        n_signals=len(signals),
        n_fills=len(result.fills),
    )


def _step(order: dict[str, Any], fills: list[dict[str, Any]]) -> Step:
    is_trailing = order["type"] == OrderType.TRAILING_STOP
    level = None if is_trailing else order["stop_price"] or order["limit_price"]
    return Step(
        at=order["created_at"],
        symbol=order["symbol"],
        role=order["role"],
        side=order["side"],
        status=order["status"],
        quantity=exact(order["quantity"]) or ZERO,
        filled=exact(order["filled_quantity"]) or ZERO,
        level=exact(level),
        price=exact(order["average_fill_price"]),
        fee=exact(sum(fill["fee"] for fill in fills)) or ZERO,
        filled_at=fills[0]["at"] if fills else None,
        reason=order["reason"],
    )


def _silent(signal: dict[str, Any]) -> Step:
    is_exit = signal["side"] == SignalSide.EXIT
    return Step(
        at=signal["at"],
        symbol=signal["symbol"],
        role=OrderRole.EXIT if is_exit else OrderRole.ENTRY,
        side="" if is_exit else signal["side"],
        status=signal["outcome"],
        reason=signal["message"],
    )


def _trade(row: dict[str, Any]) -> TwinTrade:
    is_open = not row["is_closed"]
    return TwinTrade(
        symbol=row["symbol"],
        side=row["side"],
        quantity=exact(row["quantity"]) or ZERO,
        entry_at=row["entry_at"],
        entry_price=exact(row["entry_price"]) or ZERO,
        exit_at=None if is_open else row["exit_at"],
        exit_price=None if is_open else exact(row["exit_price"]),
        pnl_net=exact(row["pnl_net"]) or ZERO,
        fees=exact(row["fees"]) or ZERO,
    )


def exact(value: float | None) -> Decimal | None:
    """Return a number of the engine as a decimal, rounded to eight places."""
    return None if value is None else round(Decimal(repr(float(value))), PLACES)
