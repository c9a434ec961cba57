"""The engine over the past: `run` one strategy, or `sweep` many parameter combinations, over bars as arrays. Pure.

What a run uses chooses its path: the compiled kernel (float64), or the plain engine (decimals) for what the kernel
does not know and wherever `exact` is asked for. Tests hold both to the same orders, fills and equity.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from backtesting.exact import run_exact
from backtesting.kernel import running, stepping, sweeping
from backtesting.kernel.prepare import check_research, unknown
from backtesting.panel import Panel, panel_of
from backtesting.spec import RunSpec, SizedAt
from backtesting.sweep import KeyFigures, SweepTable, figures_of
from backtesting.tables import Result
from backtesting.tabulate import result_of
from domain.bars import BarArrays
from strategies.base import Params
from strategies.on_bar import BarStrategy

Progress = Callable[[datetime], None]
Counted = Callable[[int], None]
Data = Panel | Mapping[str, BarArrays]


def run(spec: RunSpec, data: Data, *, exact: bool = False, progress: Progress | None = None) -> Result:
    """Run a strategy over bars and return everything that it did.

    ``data`` is a `Panel` (best for many runs over the same bars) or bars by symbol, oldest first. A signal at a bar's
    close fills at the next bar's open at the earliest. ``progress`` is called now and then with the time of the moment
    reached; what it raises ends the run (cancellation). Raises KeyError for an instrument without bars and
    StrategyError when the strategy's code fails or answers something that is no answer.
    """
    panel = data if isinstance(data, Panel) else panel_of(spec.instruments, spec.timeframe, data)
    check_research(spec)
    if panel is not None and not exact and not unknown(spec, panel):
        steps = isinstance(spec.strategy, BarStrategy)
        return stepping.run(spec, panel, progress) if steps else running.run(spec, panel, progress)
    if spec.sizing.at is SizedAt.FILL:
        raise ValueError("a size worked out at the fill is for research on the compiled kernel alone")
    bars = _bars_by_symbol(data)
    return result_of(run_exact(spec, bars, progress=progress), spec, bars)


def sweep(spec: RunSpec, data: Data, combinations: Sequence[Params], *, progress: Counted | None = None) -> SweepTable:
    """Run a strategy with many combinations of parameters (``spec.params`` is not looked at); return key figures.

    Every combination is measured over the same moments, those of all bars handed in. ``progress`` is called with the
    number of combinations done; what it raises ends the sweep. Raises what `run` raises.
    """
    block = data if isinstance(data, Panel) else panel_of(spec.instruments, spec.timeframe, data)
    if block is not None and block.n_instruments == 1 and not unknown(spec, block):
        check_research(spec)
        known = sweeping.crossings(spec, combinations)
        if known is not None:
            return SweepTable.from_block(sweeping.sweep(spec, block, combinations, known, progress))
    data = data if block is None else block
    figures: list[KeyFigures] = []
    n_moments = _n_moments(data)
    for done, params in enumerate(combinations, 1):
        figures.append(figures_of(run(replace(spec, params=params), data), n_moments))
        if progress is not None:
            progress(done)
    return SweepTable.of(figures)


def panel(spec: RunSpec, bars: Mapping[str, BarArrays]) -> Panel | None:
    """Return the bars of a run as one block; None where the instruments' bars do not lie on common times."""
    return panel_of(spec.instruments, spec.timeframe, bars)


def _bars_by_symbol(data: Data) -> Mapping[str, BarArrays]:
    return {symbol: data.bars(symbol) for symbol in data.symbols} if isinstance(data, Panel) else data


def _n_moments(data: Data) -> int:
    if isinstance(data, Panel):
        return data.n_bars
    return len(np.unique(np.concatenate([bars.t for bars in data.values()]))) if data else 0
