"""The end of a sweep: the best and the steadiest combination, how much is luck, and the best run in full. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from backtesting import market, run_notes
from backtesting.assignments import Assignment, Teller, check_causality, fingerprint_of
from backtesting.result_tables import ResultTable, written
from backtesting.robustness.evidence import chosen_columns, sweep_evidence
from backtesting.robustness.verdict import verdict
from backtesting.search.objectives import best
from backtesting.search.plateau import Plateau, plateau
from backtesting.search.trials import effective_trials, mean_correlation
from backtesting.single import SingleAnswer, basis_of, run, whole_of
from backtesting.trials import Frame, Row, TrialsAnswer, joined, scores_of, unpacked
from domain.bars import Floats
from domain.errors import StrategyError


def end_sweep(assignment: Assignment, answers: Sequence[bytes]) -> SingleAnswer:
    """Put all chunks together. Raises StrategyError when no combination could be used or the best looks ahead."""
    teller = Teller(assignment.progress_file)
    found = joined(unpacked(each) for each in answers)
    combos, scores = [row["parameters"] for row in found.rows], scores_of(found.rows)
    top = best(combos, scores)
    if top is None:
        raise StrategyError(_nothing(found.rows), code="no_usable_trial")
    around = plateau(combos, scores)
    chosen = _of_combo(assignment, combos[top])
    params = chosen.params()
    checked = check_causality(chosen, params)
    teller.tell(0.2)
    result = run(chosen, params, teller=teller.part(0.2, 0.5))
    whole = whole_of(chosen, params, result)
    teller.tell(0.6)
    luck = luck_of(assignment, found, top, around)
    return SingleAnswer(
        metrics=whole.metrics,
        summary={
            **whole.summary,
            "causality": checked,
            "best": _named(found.rows[top]),
            "steadiest": None if around is None else _named(found.rows[around.steadiest_index]),
            "plateau": None if around is None else asdict(around),
            "n_trials": len(found.rows),
            "n_failed": sum(bool(row["error"]) for row in found.rows),
            "n_unusable": int(np.sum(~np.isfinite(scores))),
            **luck,
            # One word on luck: the best of many is not judged as if it had been the only one.
            "luck": {**whole.summary["luck"], "verdict": luck["verdict"], "evidence": luck["evidence"]},
        },
        warnings=run_notes.warnings_of(chosen, result, whole.closed),
        tables=(*whole.tables, trials_table(found.rows)),
        fingerprint=fingerprint_of(assignment),
    )


def _nothing(rows: Sequence[Row]) -> str:
    errors = [row["error"] for row in rows if row["error"]]
    if errors:
        return f"No combination could be used; the first failed with: {errors[0]}"
    return "No combination met the requirements, or none has a figure for the objective (no trades?)."


def _of_combo(assignment: Assignment, combo: dict[str, Any]) -> Assignment:
    told = {name: getattr(assignment, name) for name in Assignment.__dataclass_fields__}
    return Assignment(**{**told, "parameters": {**assignment.parameters, **combo}})


def _named(row: Row) -> dict[str, Any]:
    return {"parameters": row["parameters"], "score": row["score"], "metrics": row["metrics"]}


def luck_of(assignment: Assignment, found: TrialsAnswer, top: int, around: Plateau | None) -> dict[str, Any]:
    """Return the verdict on a sweep: deflated Sharpe, probability of overfitting, reality check, trial counts."""
    frame = Frame.of(assignment)
    basis = basis_of(assignment)
    columns = list(chosen_columns(found.returns.shape[1], top))
    matrix = found.returns[:, columns].astype(np.float64)
    evidence = sweep_evidence(
        matrix - _alone(frame, market.cash(assignment, frame.t))[:, None],
        periods_per_year=basis.periods_per_year / frame.stride,
        n_trials=assignment.n_trials,
        best=columns.index(top),
        market=_held(assignment, frame, len(matrix)),
        n_trades=int(found.rows[top]["metrics"].get("trades") or 0),
        stability=None if around is None else around.stability,
        seed=assignment.seed,
    )
    correlation = mean_correlation(matrix)
    return {
        "verdict": run_notes.verdict_json(verdict(evidence)),
        "evidence": run_notes.evidence_json(evidence),
        "deflated_sharpe": evidence.deflated_sharpe,
        "probability_of_overfitting": evidence.overfitting,
        "reality_check": evidence.reality_check,
        "spa": evidence.spa,
        "mean_correlation": correlation,
        "effective_trials": effective_trials(len(found.rows), correlation),
        "n_variants_tested": len(columns),
        "returns_of_periods": frame.stride,
    }


def _held(assignment: Assignment, frame: Frame, n: int) -> Floats | None:
    """Return what just holding gave above cash in the periods of the trials; None where they are others."""
    values = market.holding(assignment, frame.t)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return None
    returns = _alone(frame, np.where(np.isfinite(values), values, values[known[0]]))
    return returns - _alone(frame, market.cash(assignment, frame.t)) if len(returns) == n else None


def _alone(frame: Frame, values: Floats) -> Floats:
    return frame.returns(values, float(values[0])).astype(np.float64)


def trials_table(rows: Sequence[Row]) -> ResultTable:
    """Return every trial as a table: parameters and figures as columns."""
    names = list(dict.fromkeys(name for row in rows for name in row["parameters"]))
    figures = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    columns: dict[str, Any] = {"number": np.arange(1, len(rows) + 1, dtype=np.int64)}
    columns |= {f"parameters.{name}": [row["parameters"].get(name) for row in rows] for name in names}
    columns["score"] = [row["score"] for row in rows]
    columns |= {f"metrics.{name}": [_number(row["metrics"].get(name)) for row in rows] for name in figures}
    columns["error"] = [row["error"] for row in rows]
    return written("trials", columns)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
