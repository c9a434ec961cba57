"""Play a run on the kernel from its first bar to its last, in stretches between which it can be stopped. Pure."""

from collections.abc import Callable
from datetime import UTC, datetime

from backtesting.kernel.outcome import result_of
from backtesting.kernel.play import play
from backtesting.kernel.prepare import Prepared, grown, new_state, new_tables, prepare
from backtesting.panel import Panel
from backtesting.spec import RunSpec
from backtesting.tables import Result

Progress = Callable[[datetime], None]
_STRETCH = 4_000_000  # bars between two reports of progress


def run(spec: RunSpec, panel: Panel, progress: Progress | None = None) -> Result:
    """Run a strategy on the kernel; see `backtesting.engine.run`."""
    given = prepare(spec, panel)
    n, width = panel.n_bars, panel.n_instruments
    state = new_state(spec, width, given.first_row)
    tables = new_tables(n, _room(given, width), len(given.rule_specs))
    n_events = len(given.said.events)
    t, event = min(given.first_row, n), 0
    stretch = n if progress is None else max(1, _STRETCH // width)
    while t < n:
        stop = min(n, t + stretch)
        reached, event = play(
            t, stop, event, n_events, given.market, given.said, given.instruments, given.terms, given.rules,
            state, tables,
        )  # fmt: skip
        if reached < stop:
            tables = grown(tables)
        elif progress is not None:
            progress(datetime.fromtimestamp(int(panel.closes[reached - 1]), tz=UTC))
        t = reached
    return result_of(spec, panel, given, state, tables)


def _room(given: Prepared, width: int) -> int:
    """Return for how many orders there is room at first: enough unless most events are entries."""
    return min(2 * len(given.said.events), 1 << 18) + 8 * width + 64
