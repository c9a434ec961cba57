"""The runs of a sweep: one chunk's combinations on the same bars, each measured over the same moments. Pure.

A chunk's answer is small enough for a column: figures as JSON, and returns of a period as float32.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.metrics.series import returns_of
from analytics.metrics.summary import Costs, Curve, Yardstick, measured
from backtesting import engine
from backtesting.assignments import Assignment, Teller, benchmark_of
from backtesting.result_tables import held_share
from backtesting.search.objectives import OBJECTIVES, Requirement, score
from backtesting.single import basis_of, trade_columns
from backtesting.tables import Result
from domain.bars import Floats, Ints
from domain.errors import PlatformError
from marketdata.calendars import close_times

Returns = npt.NDArray[np.float32]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class TrialsAnswer:
    """What some combinations gave: a row each (parameters, score, metrics or error), and their returns as columns."""

    rows: list[Row]
    returns: Returns

    def packed(self) -> bytes:
        """Return the answer as bytes."""
        sink = io.BytesIO()
        text = np.frombuffer(json.dumps(self.rows).encode(), dtype=np.uint8)
        np.savez_compressed(sink, rows=text, returns=self.returns)
        return sink.getvalue()


def unpacked(data: bytes) -> TrialsAnswer:
    """Read an answer from its bytes."""
    with np.load(io.BytesIO(bytes(data)), allow_pickle=False) as found:
        return TrialsAnswer(json.loads(found["rows"].tobytes().decode()), found["returns"])


def joined(answers: Iterable[TrialsAnswer]) -> TrialsAnswer:
    """Put the answers of all chunks together, in their order."""
    parts = list(answers)
    rows = [row for part in parts for row in part.rows]
    return TrialsAnswer(rows, np.concatenate([part.returns for part in parts], axis=1))


def run_trials(assignment: Assignment, combos: Sequence[Mapping[str, Any]]) -> TrialsAnswer:
    """Run every combination; one that its strategy refuses or fails on is a row with its error."""
    teller = Teller(assignment.progress_file)
    frame = Frame.of(assignment)
    rows: list[Row] = []
    columns: list[Returns] = []
    for number, combo in enumerate(combos):
        row, returns = _trial(assignment, frame, combo)
        rows.append(row)
        columns.append(returns)
        teller.tell((number + 1) / len(combos))
    stacked = np.stack(columns, axis=1) if columns else np.empty((frame.n_returns, 0), dtype=np.float32)
    return TrialsAnswer(rows, stacked)


def block_of(assignment: Assignment) -> engine.Data:
    """Return the bars prepared for many runs: as one block, or as they are where they do not lie on common times."""
    spec = assignment.settings.spec(assignment.kind.strategy, assignment.params())
    block = engine.panel(spec, assignment.bars)
    return assignment.bars if block is None else block


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The moments over which every run is measured alike, whatever its warm-up; `data` is prepared for many runs."""

    t: Ints
    benchmark: Floats
    stride: int
    data: Any
    yardstick: Yardstick

    @classmethod
    def of(cls, assignment: Assignment) -> "Frame":
        """Return the closes of all bars from the start on, and the benchmark's price at them."""
        settings = assignment.settings
        closes = [
            close_times(bars.t, settings.timeframe, each.calendar)[int(np.searchsorted(bars.t, assignment.start)) :]
            for each in settings.instruments
            for bars in [assignment.bars[each.symbol]]
        ]
        t = np.unique(np.concatenate(closes))
        stride = max(1, int(assignment.extra.get("stride", 1)))
        benchmark = benchmark_of(assignment, t)[1]
        yardstick = Yardstick.of(t, basis_of(assignment), benchmark)
        return cls(t, benchmark, stride, block_of(assignment), yardstick)

    @property
    def n_returns(self) -> int:
        """How many returns each run gives."""
        return len(self.t)

    def along(self, result: Result, values: Floats, before: float) -> Floats:
        """Return a run's values at every moment; `before` where it had decided nothing yet."""
        n = len(self.t) - len(result.t)
        if n >= 0 and np.array_equal(self.t[n:], result.t):
            return np.concatenate((np.full(n, before), values))
        at = np.searchsorted(result.t, self.t, side="right")
        return np.asarray(np.concatenate(([before], values))[at], dtype=np.float64)

    def returns(self, equity: Floats, start: float) -> Returns:
        """Return the returns of every `stride` periods of a curve over the moments."""
        values = equity[self.yardstick.ends]
        return returns_of(values[:: -self.stride][::-1], start).astype(np.float32)


def _trial(assignment: Assignment, frame: Frame, combo: Mapping[str, Any]) -> tuple[Row, Returns]:
    try:
        params = assignment.params(combo)
        spec = assignment.settings.spec(
            assignment.kind.strategy, params, first_decision=assignment.first_decisions(params)
        )
        result = engine.run(spec, frame.data)
    except PlatformError as error:
        return {"parameters": dict(combo), "score": None, "metrics": {}, "error": error.message}, _flat(
            assignment, frame
        )
    figures, returns = _measured(frame, result)
    found = scored(assignment, figures)
    return {"parameters": dict(combo), "score": found, "metrics": figures, "error": ""}, returns


def _measured(frame: Frame, result: Result) -> tuple[dict[str, Any], Returns]:
    start = result.starting_cash
    equity = frame.along(result, result.equity, start)
    held = frame.along(result, held_share(result), 0.0)
    curve, costs = Curve(frame.t, equity, start), Costs(held, result.fees_paid)
    figures = measured(frame.yardstick, curve, trade_columns(result.trades), costs)
    return dict(figures), frame.returns(equity, start)


def _flat(assignment: Assignment, frame: Frame) -> Returns:
    cash = float(assignment.settings.starting_cash)
    return frame.returns(np.full(len(frame.t), cash), cash)


def scored(assignment: Assignment, figures: Mapping[str, Any]) -> float | None:
    """Return how good a run is by the objective, higher is better; None where it cannot be used."""
    objective = OBJECTIVES[assignment.extra["objective"]]
    requirements = [Requirement(**each) for each in assignment.extra.get("requirements", [])]
    found = score(figures, objective, requirements)
    return found if np.isfinite(found) else None


def scores_of(rows: Sequence[Row]) -> Floats:
    """Return the scores of rows, NaN where there is none."""
    return np.array([np.nan if row["score"] is None else row["score"] for row in rows], dtype=np.float64)
