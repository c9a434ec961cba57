"""One run from its assignment to its whole result: causality check, engine, figures, cost sensitivity, tables. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from analytics.metrics.annual import Basis, basis_for
from analytics.metrics.summary import Curve, summarize
from analytics.metrics.trades import TradeColumns
from backtesting import engine, honesty, run_notes
from backtesting.assignments import Assignment, Teller, benchmark_of, check_causality, fingerprint_of
from backtesting.result_tables import ResultTable, held_share, tables_of
from backtesting.run_settings import RunSettings
from backtesting.tables import Result, Table
from domain.bars import Floats
from domain.orders import OrderSide, OrderStatus
from strategies.base import Params

ENGINE_SHARE = 0.6  # of the time; the rest goes into costs, figures and tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleAnswer:
    """What one run gives back: figures as plain JSON, and its tables as files."""

    metrics: dict[str, Any]
    summary: dict[str, Any]
    warnings: tuple[dict[str, Any], ...]
    tables: tuple[ResultTable, ...]
    fingerprint: dict[str, str]

    @property
    def digest(self) -> str:
        """The digest of all tables: a run repeated gives the same."""
        return digest_of(self.tables)


def digest_of(tables: Sequence[ResultTable]) -> str:
    """Return the digest of some tables, whatever their order."""
    digest = hashlib.sha256()
    for table in sorted(tables, key=lambda each: each.name):
        digest.update(table.name.encode())
        digest.update(table.data)
    return digest.hexdigest()


def run_single(assignment: Assignment) -> SingleAnswer:
    """Check the strategy, run it, and measure what it did. Raises StrategyError, ValidationFailed."""
    teller = Teller(assignment.progress_file)
    params = assignment.params()
    checked = check_causality(assignment, params)
    teller.tell(0.02)
    result = run(assignment, params, teller=teller.part(0.02, ENGINE_SHARE))
    teller.tell(ENGINE_SHARE)
    whole = whole_of(assignment, params, result)
    return SingleAnswer(
        metrics=whole.metrics,
        summary={"causality": checked, "warmup_bars": checked.get("warmup", 0), **whole.summary},
        warnings=run_notes.warnings_of(assignment, result, whole.closed),
        tables=whole.tables,
        fingerprint=fingerprint_of(assignment),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything that is made of one result."""

    metrics: dict[str, Any]
    summary: dict[str, Any]
    tables: tuple[ResultTable, ...]
    closed: TradeColumns


def whole_of(assignment: Assignment, params: Params, result: Result) -> Whole:
    """Return figures, what chance and costs say, and the tables of a result."""
    figures, benchmark_name, benchmark = measured(assignment, result)
    closed, basis = trade_columns(result.trades), basis_of(assignment)
    return Whole(
        metrics=figures,
        summary={
            "path": result.path,
            "benchmark": benchmark_name,
            "basis": basis.words,
            "costs": run_notes.cost_sensitivity(at_other_costs(assignment, params, result), basis),
            "luck": run_notes.chance(assignment, result, closed, basis=basis),
            **counts(result),
        },
        tables=tables_of(result, benchmark=benchmark),
        closed=closed,
    )


def at_other_costs(assignment: Assignment, params: Params, result: Result) -> list[tuple[Decimal, Result]]:
    """Return the run at multiples of its costs; nothing where it has none, or where repeating it takes too long."""
    n_bars = sum(len(bars) for bars in assignment.bars.values())
    if not run_notes.has_costs(assignment) or n_bars > run_notes.MAX_COST_BARS:
        return []
    settings = assignment.settings
    points = [(Decimal(1), result)]
    for factor in honesty.COST_FACTORS:
        if factor != 1:
            costs = settings.with_costs(
                honesty.scaled(settings.fees, factor), honesty.scaled(settings.slippage, factor)
            )
            points.append((factor, run(assignment, params, settings=costs)))
    return points


def run(
    assignment: Assignment,
    params: Params,
    *,
    teller: Teller | None = None,
    settings: RunSettings | None = None,
) -> Result:
    """Run the engine on the assignment's bars (at other settings when some are given)."""
    spec = (settings or assignment.settings).spec(
        assignment.kind.strategy, params, first_decision=assignment.first_decisions(params)
    )
    last = max((int(bars.t[-1]) for bars in assignment.bars.values() if len(bars)), default=assignment.start)
    progress = teller.of_moments(assignment.start, last) if teller is not None else None
    return engine.run(spec, assignment.bars, progress=progress)


def measured(assignment: Assignment, result: Result) -> tuple[dict[str, Any], str, Floats]:
    """Return a run's figures, the benchmark's name and its price at each mark."""
    name, benchmark = benchmark_of(assignment, result.t)
    fills = result.fills
    figures = summarize(
        Curve(result.t, result.equity, result.starting_cash),
        trade_columns(result.trades),
        basis=basis_of(assignment),
        benchmark=benchmark,
        exposure=held_share(result),
        fees_paid=result.fees_paid,
        traded_value=float(np.sum(fills["quantity"] * fills["price"])),
    )
    return dict(figures), name, benchmark


def basis_of(assignment: Assignment) -> Basis:
    """Return how returns are put on a year for these instruments and bars."""
    return basis_for(assignment.settings.timeframe, always_open=assignment.is_always_open)


def trade_columns(trades: Table | Mapping[str, Any]) -> TradeColumns:
    """Return the closed trades as columns."""
    closed = np.asarray(trades["is_closed"], dtype=np.bool_)
    sign = direction_of(trades)[closed]
    entry, lowest, highest = (np.asarray(trades[name])[closed] for name in ("entry_price", "lowest", "highest"))
    return TradeColumns(
        pnl=np.asarray(trades["pnl_net"])[closed],
        returns=np.asarray(trades["return_fraction"])[closed],
        entry_t=np.asarray(trades["entry_at"])[closed],
        exit_t=np.asarray(trades["exit_at"])[closed],
        fees=np.asarray(trades["fees"])[closed],
        entry_value=entry * np.asarray(trades["quantity"])[closed],
        mae=np.minimum(0.0, sign * (np.where(sign > 0, lowest, highest) - entry) / entry),
        mfe=np.maximum(0.0, sign * (np.where(sign > 0, highest, lowest) - entry) / entry),
        direction=sign,
    )


def direction_of(trades: Table | Mapping[str, Any]) -> Floats:
    """Return +1 for long trades and -1 for short ones."""
    return np.where(np.asarray(trades["side"]) == OrderSide.BUY.value, 1.0, -1.0)


def counts(result: Result) -> dict[str, Any]:
    """Return how many orders, fills and signals there were, and what was still held at the end."""
    statuses = tally(result.orders["status"])
    outcomes = tally(
        [code or outcome for code, outcome in zip(result.signals["code"], result.signals["outcome"], strict=True)]
    )
    return {
        "financing": result.financing,
        "dividends": result.dividends,
        "n_orders": len(result.orders),
        "n_denied": statuses.get(OrderStatus.DENIED.value, 0),
        "n_fills": len(result.fills),
        "n_signals": len(result.signals),
        "n_open_trades": int(np.sum(~np.asarray(result.trades["is_closed"], dtype=np.bool_))),
        "orders_by_status": statuses,
        "signals_by_outcome": outcomes,
    }


def tally(words: Any) -> dict[str, int]:
    """Return how often each word occurs, by word."""
    found: dict[str, int] = {}
    for word in words:
        found[str(word)] = found.get(str(word), 0) + 1
    return dict(sorted(found.items()))


def plain_parameters(params: Params) -> Mapping[str, Any]:
    """Return checked parameters as plain JSON."""
    return params.model_dump(mode="json")
