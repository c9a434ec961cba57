"""Runs whose strategy is called at every bar: Python says, the kernel does. Pure.

The kernel is only asked when the strategy wants to know its position; between two such questions it lies behind, and
what was said meanwhile waits for it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import numpy as np

from backtesting.kernel.layout import ENTER_LONG, ENTER_SHORT, EVENT, EXIT_LONG, EXIT_SHORT, MORE, Said
from backtesting.kernel.outcome import result_of
from backtesting.kernel.play import play
from backtesting.kernel.prepare import Prepared, first_decisions, grown, new_state, new_tables, prepare_stepped
from backtesting.panel import Panel
from backtesting.spec import RunSpec
from backtesting.tables import Result
from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.evaluate import guarded, read_only
from strategies.on_bar import BarStrategy

Progress = Callable[[datetime], None]
_ROOM = 1024
_SECONDS = 3600.0
_REPORT = 100_000  # bars between two reports of progress


def run(spec: RunSpec, panel: Panel, progress: Progress | None = None) -> Result:
    """Run a strategy that is called at every bar; see `backtesting.engine.run`."""
    book = _Book(spec, panel)
    stopped: list[Exception] = []

    def report(at: datetime) -> None:
        try:
            if progress is not None:
                progress(at)
        except Exception as error:
            stopped.append(error)
            raise

    try:
        guarded(spec.strategy, "on_bar", lambda: _call(spec, panel, book, report), seconds=_SECONDS)
    except StrategyError:
        if stopped:  # it was the caller who ended the run, not the strategy that failed
            raise stopped[0] from None
        raise
    return book.finish()


def _call(spec: RunSpec, panel: Panel, book: "_Book", progress: Progress) -> None:
    """Call the strategy's code at every bar of every instrument."""
    code = cast(BarStrategy, spec.strategy)
    series = [read_only(panel.bars(symbol)) for symbol in panel.symbols]
    desks = [_Desk(book, bars, j) for j, bars in enumerate(series)]
    calls = [code.started(bars, spec.params).on_bar for bars in series]
    first = first_decisions(spec, panel)
    for begin in range(int(first.min()), panel.n_bars, _REPORT):
        end = min(begin + _REPORT, panel.n_bars)
        if len(desks) == 1:
            desk, on_bar = desks[0], calls[0]
            for i in range(begin, end):
                desk.i = i
                on_bar(desk)
        else:
            for i in range(begin, end):
                for desk, on_bar in zip(desks, calls, strict=True):
                    if i >= first[desk.j]:
                        desk.i = i
                        on_bar(desk)
        progress(datetime.fromtimestamp(int(panel.closes[end - 1]), tz=UTC))


class _Book:
    """The kernel's state and tables, and what was said that it has not heard yet."""

    def __init__(self, spec: RunSpec, panel: Panel) -> None:
        self.spec, self.panel = spec, panel
        self.given: Prepared = prepare_stepped(spec, panel)
        self.state = new_state(spec, panel.n_instruments, self.given.first_row)
        self.tables = new_tables(panel.n_bars, _ROOM + 8 * panel.n_instruments, len(self.given.rule_specs))
        self.reached, self.heard, self.said = self.given.first_row, 0, 0
        self.parts = self.state.parts
        self.events, self.more = np.empty(0, dtype=EVENT), np.empty(0, dtype=MORE)
        self._make_room(_ROOM)

    def _make_room(self, room: int) -> None:
        events, more = np.empty(room, dtype=EVENT), np.empty(room, dtype=MORE)
        more["confidence"] = more["strength"] = 1.0
        more["stop"] = more["target"] = np.nan
        if self.said:
            events[: self.said], more[: self.said] = self.events[: self.said], self.more[: self.said]
        self.events, self.more = events, more
        self.numbers = events.view(np.int64).reshape(-1, 3)
        self.heard_of = Said(events, more)

    def say(self, i: int, j: int, kind: int) -> int:
        """Note a statement; return its place."""
        k = self.said
        if k == len(self.events):
            self._make_room(2 * k)
        self.numbers[k] = (i, j, kind)
        self.said = k + 1
        return k

    def advance(self, stop: int) -> None:
        """Let the kernel play up to row `stop` and hear what was said."""
        given = self.given
        while self.reached < stop or self.heard < self.said:
            before = (self.reached, self.heard)
            self.reached, self.heard = play(
                self.reached, max(stop, self.reached), self.heard, self.said, given.market, self.heard_of,
                given.instruments, given.terms, given.rules, self.state, self.tables,
            )  # fmt: skip
            if self.reached < stop or (self.reached, self.heard) == before:
                self.tables = grown(self.tables)

    def finish(self) -> Result:
        """Play to the end and return what was done."""
        self.advance(self.panel.n_bars)
        return result_of(self.spec, self.panel, self.given, self.state, self.tables)


class _Desk:
    """What a strategy sees of one instrument."""

    __slots__ = ("_book", "bars", "i", "j")

    def __init__(self, book: _Book, bars: BarArrays, j: int) -> None:
        self._book, self.bars, self.j, self.i = book, bars, j, 0

    @property
    def position(self) -> float:
        """The quantity held, below 0 when short."""
        book = self._book
        if book.reached <= self.i:
            book.advance(self.i + 1)
        return float(book.state.quantity[self.j])

    def enter(self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None) -> None:
        """Say that a long position is wanted."""
        self._enter(ENTER_LONG, confidence, stop, take_profit)

    def enter_short(
        self, *, confidence: float = 1.0, stop: float | None = None, take_profit: float | None = None
    ) -> None:
        """Say that a short position is wanted."""
        self._enter(ENTER_SHORT, confidence, stop, take_profit)

    def exit(self) -> None:
        """Say that no position is wanted."""
        self._book.say(self.i, self.j, EXIT_LONG | EXIT_SHORT)

    def _enter(self, kind: int, confidence: float, stop: float | None, take_profit: float | None) -> None:
        k = self._book.say(self.i, self.j, kind)
        if confidence != 1.0 or stop is not None or take_profit is not None:
            self._book.more[k] = (confidence, _number(stop), _number(take_profit), 1.0)


def _number(price: float | None) -> float:
    return float("nan") if price is None else price
