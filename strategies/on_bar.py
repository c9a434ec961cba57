"""Strategies that keep state between bars: code that is called at every close instead of once for all bars. Pure.

Slower than arrays and under the same rules: what is said at a close acts at the next open at the earliest. In a
backtest `desk.position` is what is really held; elsewhere (live, the causality check) it is what would be held had
every entry and exit been filled at the next open.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from domain.bars import BarArrays
from strategies.base import Signals, Strategy

ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said at one bar: bits of the constants above, and what goes with an entry."""

    kind: int
    confidence: float = 1.0
    stop: float | None = None
    take_profit: float | None = None


class Desk(Protocol):
    """What a strategy sees at a bar's close: `i`, the row of the bar, and `bars` (rows after `i` are the future)."""

    i: int
    bars: BarArrays

    @property
    def position(self) -> float:
        """The quantity held of the instrument, below 0 when short."""

    def enter(self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None) -> None:
        """Say that a long position is wanted."""

    def enter_short(
        self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None
    ) -> None:
        """Say that a short position is wanted."""

    def exit(self) -> None:
        """Say that no position is wanted."""


class BarStrategy(Strategy):
    """Give `begin` and `on_bar` instead of `signals`; attributes set in `begin` live for one run."""

    def begin(self, bars: BarArrays, params: Any) -> None:
        """Prepare for a run over these bars (indicators over all of them are allowed where they are causal)."""

    def on_bar(self, desk: Desk) -> None:
        """Look at the bar `desk.i` and say what is wanted, if anything."""
        raise NotImplementedError

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Call `on_bar` at every bar and put what it says into columns."""
        desk = _Rehearsal(bars)
        mine = self.started(bars, params)
        for i in range(self.warmup(params), len(bars)):
            desk.begin_bar(i)
            mine.on_bar(desk)
        return desk.answer()

    def started(self, bars: BarArrays, params: Any) -> "BarStrategy":
        """Return a copy that has begun a run."""
        mine = copy(self)
        mine.begin(bars, params)
        return mine


class _Rehearsal:
    """Notes what is said, and takes every entry and exit for filled at the next bar."""

    def __init__(self, bars: BarArrays) -> None:
        self.i, self.bars = 0, bars
        self._held = self._next = 0.0
        self._said: dict[int, Statement] = {}

    @property
    def position(self) -> float:
        """What would be held."""
        return self._held

    def begin_bar(self, i: int) -> None:
        """Go on to a bar: what was said at the one before has been filled."""
        self.i, self._held = i, self._next

    def enter(self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None) -> None:
        """Note an entry."""
        self._note(Statement(ENTER_LONG, confidence, stop, take_profit), 1.0)

    def enter_short(
        self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None
    ) -> None:
        """Note a short entry."""
        self._note(Statement(ENTER_SHORT, confidence, stop, take_profit), -1.0)

    def exit(self) -> None:
        """Note an exit."""
        self._note(Statement(EXIT_LONG | EXIT_SHORT), 0.0)

    def _note(self, statement: Statement, side: float) -> None:
        self._said[self.i] = statement
        self._next = 0.0 if self._held * side < 0 else side  # a turn goes through flat

    def answer(self) -> Signals:
        """Return what was said as columns."""
        n, rows = len(self.bars), np.array(list(self._said), dtype=np.int64)
        kinds = np.zeros(n, dtype=np.int64)
        kinds[rows] = [said.kind for said in self._said.values()]
        numbers = {name: np.full(n, np.nan) for name in ("confidence", "stop", "take_profit")}
        for row, said in self._said.items():
            numbers["confidence"][row] = said.confidence
            numbers["stop"][row] = np.nan if said.stop is None else said.stop
            numbers["take_profit"][row] = np.nan if said.take_profit is None else said.take_profit
        return Signals(
            entry=kinds & ENTER_LONG > 0,
            short_entry=kinds & ENTER_SHORT > 0,
            exit=kinds & EXIT_LONG > 0,
            short_exit=kinds & EXIT_SHORT > 0,
            confidence=numbers["confidence"],
            stop=numbers["stop"],
            take_profit=numbers["take_profit"],
        )
