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

from analytics.metrics.series import period_values, returns_of
from analytics.metrics.summary import Curve, summarize
from backtesting import engine
from backtesting.assignments import Assignment, Teller, benchmark_of
from backtesting.result_tables import share_of
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


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The moments over which every run is measured alike, whatever its warm-up; `data` is prepared for many runs."""

    t: Ints
    benchmark: Floats
    stride: int
    data: Any

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
        params = assignment.params()
        panel = engine.panel(settings.spec(assignment.kind.strategy, params), assignment.bars)
        stride = max(1, int(assignment.extra.get("stride", 1)))
        return cls(t, benchmark_of(assignment, t)[1], stride, panel if panel is not None else assignment.bars)

    @property
    def n_returns(self) -> int:
        """How many returns each run gives."""
        return len(self.t)

    def equity(self, result: Result) -> Floats:
        """Return a run's equity at every moment; the starting cash before its first decision."""
        at = np.searchsorted(result.t, self.t, side="right") - 1
        values = np.concatenate(([result.starting_cash], result.equity))
        return np.asarray(values[at + 1], dtype=np.float64)


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
    figures, returns = _measured(assignment, frame, result)
    found = scored(assignment, figures)
    return {"parameters": dict(combo), "score": found, "metrics": figures, "error": ""}, returns


def _measured(assignment: Assignment, frame: Frame, result: Result) -> tuple[dict[str, Any], Returns]:
    basis = basis_of(assignment)
    equity = frame.equity(result)
    figures = summarize(
        Curve(frame.t, equity, result.starting_cash),
        trade_columns(result.trades),
        basis=basis,
        benchmark=frame.benchmark,
        exposure=_exposure(frame, result),
        fees_paid=result.fees_paid,
    )
    return dict(figures), sampled(frame, equity, result.starting_cash, basis.seconds)


def _exposure(frame: Frame, result: Result) -> Floats:
    at = np.searchsorted(result.t, frame.t, side="right")
    values = np.concatenate(([0.0], share_of(result.exposure, result.equity)))
    return np.asarray(values[at], dtype=np.float64)


def sampled(frame: Frame, equity: Floats, starting_cash: float, seconds: int) -> Returns:
    """Return the returns of every `stride` periods."""
    _, values = period_values(frame.t, equity, seconds)
    return returns_of(values[:: -frame.stride][::-1], starting_cash).astype(np.float32)


def _flat(assignment: Assignment, frame: Frame) -> Returns:
    cash = float(assignment.settings.starting_cash)
    return sampled(frame, np.full(len(frame.t), cash), cash, basis_of(assignment).seconds)


def scored(assignment: Assignment, figures: Mapping[str, Any]) -> float | None:
    """Return how good a run is by the objective, higher is better; None where it cannot be used."""
    objective = OBJECTIVES[assignment.extra["objective"]]
    requirements = [Requirement(**each) for each in assignment.extra.get("requirements", [])]
    found = score(figures, objective, requirements)
    return found if np.isfinite(found) else None


def scores_of(rows: Sequence[Row]) -> Floats:
    """Return the scores of rows, NaN where there is none."""
    return np.array([np.nan if row["score"] is None else row["score"] for row in rows], dtype=np.float64)
