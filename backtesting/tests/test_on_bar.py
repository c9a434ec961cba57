"""Strategies that are called at every bar: what they see, and that they come to what arrays come to."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from backtesting import engine
from backtesting.tests.scene import D, Says, ohlc, spec_of
from backtesting.tests.test_kernel_equals_exact import N_BARS, assert_same_tables, random_case
from domain.bars import BarArrays
from domain.errors import StrategyError
from risk.decisions import RuleSpec
from strategies.on_bar import BarStrategy, Desk

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel
FLAT = (100, 101, 99, 100)


class Recites(BarStrategy):
    """Says bar by bar what `Says` says in columns, and asks for its position now and then."""

    name = "recites"

    def __init__(self, said: Says, *, asks_every: int) -> None:
        self.said, self.asks_every = said, asks_every

    def warmup(self, params: Any) -> int:
        """None."""
        return 0

    def begin(self, bars: BarArrays, params: Any) -> None:
        """Nothing is remembered yet."""
        self.seen: list[float] = []

    def on_bar(self, desk: Desk) -> None:
        """Say one of the columns' statements."""
        i, columns = desk.i, self.said.columns
        if i % self.asks_every == 0:
            self.seen.append(desk.position)
        price, target = columns.get("stop", {}).get(i), columns.get("take_profit", {}).get(i)
        confidence = columns.get("confidence", {}).get(i, 1.0)
        if i in columns.get("exit", ()) or i in columns.get("short_exit", ()):
            desk.exit()
        elif i in columns.get("entry", ()):
            desk.enter(confidence=confidence, stop=price, take_profit=target)
        elif i in columns.get("short_entry", ()):
            desk.enter_short(confidence=confidence, stop=price, take_profit=target)


def as_arrays(said: Says) -> Says:
    """Return the same statements as columns: an exit leaves both ways and comes before an entry."""
    out = {int(i) for name in ("exit", "short_exit") for i in said.columns.get(name, ())}
    columns = dict(said.columns)
    columns["exit"] = columns["short_exit"] = sorted(out)
    for name in ("entry", "short_entry"):
        columns[name] = sorted({int(i) for i in said.columns.get(name, ())} - out)
    return Says(**columns)


@pytest.mark.parametrize("asks_every", [1, 7, N_BARS + 1])
@pytest.mark.parametrize("seed", [*range(0, 30, 3), 2, 5, 8])  # the last three enter by limit orders
def test_said_bar_by_bar_is_done_as_if_said_in_columns(seed: int, asks_every: int) -> None:
    spec, bars = random_case(seed)
    assert isinstance(spec.strategy, Says)
    changes = {"params": spec.params}
    stepped = spec_from(spec, Recites(spec.strategy, asks_every=asks_every), **changes)

    ours = engine.run(stepped, bars)
    theirs = engine.run(spec_from(spec, as_arrays(spec.strategy), **changes), bars)

    assert ours.path == theirs.path == "kernel"
    for name in ("orders", "fills", "trades"):
        assert_same_tables(name, getattr(ours, name), getattr(theirs, name))
    assert np.array_equal(ours.equity, theirs.equity)


def spec_from(spec: Any, strategy: Any, **changes: Any) -> Any:
    """Return the same run with another strategy."""
    return replace(spec, strategy=strategy, **changes)


class Watches(BarStrategy):
    """Enters at the first bar and notes what it holds at each."""

    name = "watches"
    seen: list[float] = []

    def warmup(self, params: Any) -> int:
        """None."""
        return 0

    def on_bar(self, desk: Desk) -> None:
        """Enter once."""
        self.seen.append(desk.position)
        if desk.i == 0:
            desk.enter()


def test_the_position_seen_is_the_one_really_held_stops_included() -> None:
    Watches.seen = []
    stop = RuleSpec(key="s", name="Stop", type="stop_loss", limit=D(5))

    engine.run(spec_of(Watches(), rules=(stop,)), {"AAA": ohlc(FLAT, FLAT, FLAT, (99, 99, 94, 96), FLAT)})

    assert Watches.seen == [0, 10, 10, 0, 0]


def test_a_failing_on_bar_is_a_strategy_error_and_a_cancelled_run_is_not() -> None:
    class Fails(Watches):
        name = "fails"

        def on_bar(self, desk: Desk) -> None:
            raise RuntimeError("no")

    class Canceled(Exception):
        pass

    def cancel(at: datetime) -> None:
        raise Canceled

    bars = {"AAA": ohlc(*[FLAT] * 4)}
    with pytest.raises(StrategyError, match="RuntimeError: no"):
        engine.run(spec_of(Fails()), bars)
    with pytest.raises(Canceled):
        engine.run(spec_of(Watches()), bars, progress=cancel)
