"""One window of a walk-forward: the best combination on its training, carried into its test; and the whole. Pure.

Cross-validation (CPCV) is the other way: every combination runs once over all bars, and splits are made of the returns.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analytics.metrics.series import period_values
from analytics.metrics.summary import Costs, Curve, measured, summarize
from analytics.metrics.trades import TradeColumns
from backtesting import engine, market, run_notes
from backtesting.assignments import Assignment, Teller, benchmark_of, check_causality, fingerprint_of
from backtesting.result_tables import ResultTable, held_share, written
from backtesting.robustness.evidence import run_evidence
from backtesting.robustness.verdict import verdict
from backtesting.search.objectives import best
from backtesting.single import SingleAnswer, basis_of, trade_columns
from backtesting.tables import Result
from backtesting.trials import Frame, TrialsAnswer, joined, scored, unpacked
from backtesting.walkforward.chain import Outcome, WindowResult
from backtesting.walkforward.chain import joined as walk_of
from backtesting.walkforward.cpcv import cpcv, validated
from backtesting.walkforward.windows import Span, Window
from domain.bars import Floats
from domain.errors import PlatformError, StrategyError
from strategies.evaluate import warmup_of

CURVE = ("t", "equity")
MONEY = ("quantity", "pnl", "fees", "pnl_net")  # of a trade: what grows with the money that it was made with


class Part(NamedTuple):
    """A run on a part of the bars, and the moments over which all its runs are measured, whatever their warm-up."""

    told: Assignment
    frame: Frame


def run_window(assignment: Assignment, window: Mapping[str, Any], combos: Sequence[Mapping[str, Any]]) -> bytes:
    """Choose on the window's training, run the choice on its test; returns what `end_walk` puts together."""
    teller = Teller(assignment.progress_file)
    warmup = max(_warmup(assignment, combo) for combo in combos)
    train = _span(assignment, window["train"], warmup)
    scores = []
    for number, combo in enumerate(combos):
        scores.append(_score(train, combo))
        teller.tell(0.9 * (number + 1) / len(combos))
    chosen = best([dict(combo) for combo in combos], np.array(scores, dtype=np.float64))
    told: dict[str, Any] = {
        "window": dict(window),
        "n_trials": len(combos),
        "combo": None,
        "inside": None,
        "outside": None,
    }
    arrays: dict[str, Any] = {}
    if chosen is not None:
        test = _span(assignment, window["test"], warmup)
        told["combo"] = dict(combos[chosen])
        for name, part in (("inside", train), ("outside", test)):
            told[name], columns = _outcome(part, combos[chosen])
            arrays |= {f"{name}_{column}": values for column, values in columns.items()}
        told["trades"] = _trades(test, combos[chosen])
    sink = io.BytesIO()
    np.savez_compressed(sink, told=np.frombuffer(json.dumps(told).encode(), dtype=np.uint8), **arrays)
    return sink.getvalue()


def _warmup(assignment: Assignment, combo: Mapping[str, Any]) -> int:
    try:
        return warmup_of(assignment.kind.strategy, assignment.params(combo))
    except PlatformError:
        return 0


def _span(assignment: Assignment, span: Sequence[int], warmup: int) -> Part:
    """Return the same run on the bars that open at `start <= t < stop`, with the warm-up before them."""
    start, stop = int(span[0]), int(span[1])
    bars = {}
    for symbol, series in assignment.bars.items():
        first = max(0, int(np.searchsorted(series.t, start)) - warmup)
        last = int(np.searchsorted(series.t, stop))
        bars[symbol] = series.slice(first, last)
    told = {name: getattr(assignment, name) for name in Assignment.__dataclass_fields__}
    part = Assignment(**{**told, "bars": bars, "start": start})
    return Part(part, Frame.of(part))


def _run(part: Part, combo: Mapping[str, Any]) -> Result:
    told = part.told
    params = told.params(combo)
    spec = told.settings.spec(told.kind.strategy, params, first_decision=told.first_decisions(params))
    return engine.run(spec, part.frame.data)


def _score(part: Part, combo: Mapping[str, Any]) -> float:
    try:
        result = _run(part, combo)
    except PlatformError:
        return float("nan")
    found = scored(part.told, _figures(part, result))
    return float("nan") if found is None else found


def _equity(part: Part, result: Result) -> Floats:
    return part.frame.along(result, result.equity, result.starting_cash)


def _held(part: Part, result: Result) -> Floats:
    return part.frame.along(result, held_share(result), 0.0)


def _figures(part: Part, result: Result) -> dict[str, Any]:
    curve = Curve(part.frame.t, _equity(part, result), result.starting_cash)
    costs = Costs(_held(part, result), result.fees_paid)
    return dict(measured(part.frame.yardstick, curve, trade_columns(result.trades), costs))


def _outcome(part: Part, combo: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    result = _run(part, combo)
    figures = _figures(part, result)
    told = {
        "score": scored(part.told, figures),
        "starting_equity": result.starting_cash,
        "n_trades": int(np.sum(np.asarray(result.trades["is_closed"], dtype=np.bool_))),
        "metrics": figures,
    }
    return told, {"t": part.frame.t, "equity": _equity(part, result), "held": _held(part, result)}


def _trades(part: Part, combo: Mapping[str, Any]) -> dict[str, list[Any]]:
    trades = _run(part, combo).trades
    return {name: np.asarray(trades[name]).tolist() for name in trades.names}


def end_walk(assignment: Assignment, answers: Sequence[bytes]) -> SingleAnswer:
    """Put the windows together: stitched curve, efficiency, parameters over time, verdict. Raises StrategyError."""
    read = [_read(each) for each in answers]
    results = [_window(told, arrays) for told, arrays in read]
    walk = walk_of(results, starting_equity=float(assignment.settings.starting_cash))
    if not len(walk.t):
        raise StrategyError(
            "No window had a usable combination: nothing was traded out of sample.", code="no_usable_trial"
        )
    last = next(result.combo for result in reversed(results) if result.combo is not None)
    checked = check_causality(assignment, assignment.params(last))
    basis, (name, benchmark) = basis_of(assignment), benchmark_of(assignment, walk.t)
    closed = _closed(read)
    curve = Curve(walk.t, walk.equity, walk.starting_equity)
    fees_paid = float(sum(_columns(read).get("fees", ())))
    held = _held_of(read)
    figures = summarize(curve, closed, basis=basis, benchmark=benchmark, exposure=held, fees_paid=fees_paid)
    returns = curve.returns(basis)
    evidence = run_evidence(
        market.without_cash(returns, assignment, walk.t, basis),
        periods_per_year=basis.periods_per_year,
        n_trials=1,  # out of sample nothing was chosen by its result
        market=market.returns_of_holding(assignment, walk.t, basis),
        n_trades=len(closed),
        out_of_sample_efficiency=walk.efficiency,
        seed=assignment.seed,
    )
    windows = [_shown(result, told) for result, (told, _) in zip(results, read, strict=True)]
    return SingleAnswer(
        metrics=dict(figures),
        summary={
            "causality": checked,
            "benchmark": name,
            "basis": basis.words,
            "windows": windows,
            "efficiency": walk.efficiency,
            "consistency": walk.consistency,
            "parameters": walk.parameters,
            "steadiness": walk.steadiness,
            "best": {"parameters": dict(last), "metrics": windows[-1]["out_of_sample"]},
            "verdict": run_notes.verdict_json(verdict(evidence)),
            "evidence": run_notes.evidence_json(evidence),
            "n_trials": sum(told["n_trials"] for told, _ in read),
            "deflated_sharpe": evidence.deflated_sharpe,
        },
        warnings=_warnings(assignment, walk.t, len(closed)),
        tables=(_curve_table(walk.t, walk.equity, benchmark, held), *_trade_table(read)),
        fingerprint=fingerprint_of(assignment),
    )


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(io.BytesIO(bytes(data)), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files if name != "told"}
        return json.loads(found["told"].tobytes().decode()), arrays


def _window(told: Mapping[str, Any], arrays: Mapping[str, Any]) -> WindowResult:
    rows = told["window"]
    window = Window(int(rows["index"]), Span(*rows["train_rows"]), Span(*rows["test_rows"]))
    parts = [_outcome_of(told, arrays, name) for name in ("inside", "outside")]
    return WindowResult(window, told["combo"], parts[0], parts[1])


def _outcome_of(told: Mapping[str, Any], arrays: Mapping[str, Any], name: str) -> Outcome | None:
    facts = told[name]
    if facts is None:
        return None
    score = float("nan") if facts["score"] is None else float(facts["score"])
    t, equity = arrays[f"{name}_t"], arrays[f"{name}_equity"]
    return Outcome(score, t, equity, float(facts["starting_equity"]), int(facts["n_trades"]))


def _shown(result: WindowResult, told: Mapping[str, Any]) -> dict[str, Any]:
    window = told["window"]

    def part(name: str, outcome: Outcome | None) -> dict[str, Any] | None:
        if outcome is None:
            return None
        score = None if np.isnan(outcome.score) else outcome.score
        metrics = told[name]["metrics"]
        return {"score": score, "return": outcome.total_return, "trades": outcome.n_trades, "sharpe": metrics["sharpe"]}

    return {
        "index": window["index"],
        "train_start": window["train"][0],
        "train_end": window["train"][1],
        "test_start": window["test"][0],
        "test_end": window["test"][1],
        "parameters": result.combo,
        "in_sample": part("inside", result.in_sample),
        "out_of_sample": part("outside", result.out_of_sample),
        "n_trials": told["n_trials"],
    }


def _columns(read: Sequence[tuple[dict[str, Any], Any]]) -> dict[str, list[Any]]:
    tables = [
        _scaled(told["trades"], share) for (told, _), share in zip(read, _shares(read), strict=True) if told["combo"]
    ]
    names = list(tables[0]) if tables else []
    return {name: [value for table in tables for value in table[name]] for name in names}


def _shares(read: Sequence[tuple[dict[str, Any], Any]]) -> list[float]:
    """Return by how much more or less each test begins with than it was run with: what the ones before left."""
    shares = [1.0]
    for told, arrays in read:
        left = 1.0
        if told["combo"] and len(arrays["outside_equity"]):
            left = float(arrays["outside_equity"][-1]) / told["outside"]["starting_equity"]
        shares.append(shares[-1] * max(left, 0.0))
    return shares[:-1]


def _held_of(read: Sequence[tuple[dict[str, Any], Any]]) -> Floats | None:
    """Return what the tests held by their equity along the stitched curve; nothing once there is no money left."""
    traded = [(arrays, share) for (told, arrays), share in zip(read, _shares(read), strict=True) if told["combo"]]
    if not all("outside_held" in arrays for arrays, _ in traded):
        return None  # a window that an older version calculated
    return np.concatenate(
        [arrays["outside_held"] if share > 0 else 0 * arrays["outside_t"] for arrays, share in traded]
    )


def _scaled(trades: Mapping[str, list[Any]], share: float) -> dict[str, list[Any]]:
    """Return a test's trades in the money of the stitched curve."""
    return {name: [each * share for each in column] if name in MONEY else column for name, column in trades.items()}


def _closed(read: Sequence[tuple[dict[str, Any], Any]]) -> TradeColumns:
    columns = _columns(read)
    if not columns or not columns["is_closed"]:
        return TradeColumns.empty()
    return trade_columns({name: np.array(values) for name, values in columns.items()})


def _trade_table(read: Sequence[tuple[dict[str, Any], Any]]) -> tuple[ResultTable, ...]:
    columns = _columns(read)
    return (written("trades", columns),) if columns else ()


def _curve_table(t: Any, equity: Any, benchmark: Floats, held: Floats | None = None) -> ResultTable:
    nothing = np.full(len(t), np.nan)
    exposure = nothing if held is None else np.nan_to_num(held)
    columns = {"t": t, "equity": equity, "cash": nothing, "exposure": exposure, "benchmark": benchmark}
    return written("equity", columns)


def _warnings(assignment: Assignment, t: Any, n_trades: int | None) -> tuple[dict[str, Any], ...]:
    return run_notes.warnings_of_curve(assignment, t, n_trades)


def end_validation(assignment: Assignment, answers: Sequence[bytes]) -> SingleAnswer:
    """Cross-validate: choose on each split's training, follow the choice through its tests; many paths. Pure."""
    found: TrialsAnswer = joined(unpacked(each) for each in answers)
    if all(row["score"] is None for row in found.rows):
        raise StrategyError("No combination was usable: nothing was traded.", code="no_usable_trial")
    told = assignment.extra["cpcv"]
    returns = found.returns.astype(np.float64)
    plan = cpcv(
        len(returns),
        n_groups=told["groups"],
        n_test_groups=told["test_groups"],
        purge=told["purge"],
        embargo=told["embargo"],
    )
    basis = basis_of(assignment)
    result = validated(plan, returns, periods_per_year=basis.periods_per_year)
    middle = int(np.argsort(result.equity[:, -1])[len(result.equity) // 2])
    cash = float(assignment.settings.starting_cash)
    moments = Frame.of(assignment).t
    t, _ = period_values(moments, moments.astype(np.float64), basis.seconds)
    equity = result.equity[middle] * cash
    chosen = int(np.bincount(result.choices).argmax())
    combo = found.rows[chosen]["parameters"]
    checked = check_causality(assignment, assignment.params(combo))
    name, benchmark = benchmark_of(assignment, t)
    curve = Curve(t, equity, cash)
    evidence = run_evidence(
        market.without_cash(result.returns[middle], assignment, moments, basis),
        periods_per_year=basis.periods_per_year,
        n_trials=1,
        market=market.returns_of_holding(assignment, moments, basis),
        seed=assignment.seed,
    )
    return SingleAnswer(
        metrics=dict(summarize(curve, TradeColumns.empty(), basis=basis, benchmark=benchmark)),
        summary={
            "causality": checked,
            "benchmark": name,
            "basis": basis.words,
            "windows": [],
            "efficiency": None,
            "paths": [
                {"sharpe": _finite(float(each)), "total_return": float(path[-1] - 1.0)}
                for each, path in zip(result.sharpes, result.equity, strict=True)
            ],
            "n_splits": len(plan.splits),
            "probability_of_loss": result.probability_of_loss,
            "best": {"parameters": combo, "metrics": found.rows[chosen]["metrics"]},
            "parameters": {
                key: [found.rows[int(choice)]["parameters"][key] for choice in result.choices] for key in combo
            },
            "verdict": run_notes.verdict_json(verdict(evidence)),
            "evidence": run_notes.evidence_json(evidence),
            "n_trials": len(found.rows),
            "deflated_sharpe": evidence.deflated_sharpe,
        },
        warnings=_warnings(assignment, t, None),
        tables=(_curve_table(t, equity, benchmark),),
        fingerprint=fingerprint_of(assignment),
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
