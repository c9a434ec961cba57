"""What a run is worth: its costs varied, its data looked through, chance measured. Pure; the numbers are plain JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from analytics.metrics.annual import YEAR_DAYS, Basis
from analytics.metrics.ratios import sharpe
from analytics.metrics.series import period_values, returns_of
from analytics.metrics.trades import TradeColumns
from backtesting import honesty, market, run_warnings
from backtesting.assignments import Assignment
from backtesting.result_tables import held_share
from backtesting.robustness.bootstrap import Bands, Interval, equity_bands, intervals
from backtesting.robustness.evidence import Evidence, run_evidence
from backtesting.robustness.montecarlo import trade_monte_carlo
from backtesting.robustness.verdict import Verdict, verdict
from backtesting.tables import Result
from domain.bars import Floats, Ints
from marketdata.gaps import find_gaps

DAY = 86_400
MAX_COST_BARS = 2_000_000  # beyond it the run is not repeated at other costs
SURVIVES_DAYS = 30  # an instrument whose bars reach this close to the end of the data is still traded
MAX_PATH_CELLS = 5_000_000
N_PATHS = 1_000


def trust_of(assignment: Assignment) -> honesty.DataTrust:
    """Look through the bars of every instrument."""
    timeframe = assignment.settings.timeframe
    parts = []
    for each in assignment.settings.instruments:
        bars = assignment.bars[each.symbol]
        missing = sum(gap.missing for gap in find_gaps(bars.t, timeframe, calendar=each.calendar))
        parts.append(honesty.data_trust(bars, n_missing=missing))
    return honesty.joint_trust(parts)


def warnings_of(assignment: Assignment, result: Result, closed: TradeColumns) -> tuple[dict[str, Any], ...]:
    """Return what a run does not say by itself."""
    gains = closed.pnl[closed.pnl > 0]
    first = min(assignment.first_decisions(assignment.params()).values())
    asked = min(int(np.searchsorted(bars.t, assignment.start)) for bars in assignment.bars.values())
    return _told(
        assignment,
        result.t,
        n_trades=len(closed),
        warmup_bars=max(0, first - asked),
        n_open=len(result.positions),
        best_trade_share=float(gains.max() / gains.sum()) if len(gains) else None,
        lost_at=_lost_at(result),
        invested=_invested(result),
    )


def _invested(result: Result) -> float | None:
    held = held_share(result)
    return float(np.nanmean(held)) if np.isfinite(held).any() else None


def _lost_at(result: Result) -> datetime | None:
    lost = np.flatnonzero(result.equity <= 0)
    return datetime.fromtimestamp(int(result.t[lost[0]]), tz=UTC) if len(lost) else None


def warnings_of_curve(assignment: Assignment, t: Ints, n_trades: int | None) -> tuple[dict[str, Any], ...]:
    """Return what a stitched curve does not say by itself; nothing in it was chosen by its own result."""
    found = _told(assignment, t, n_trades=n_trades, warmup_bars=0, n_open=0, best_trade_share=None)
    return tuple(each for each in found if each["code"] != "many_trials")


def _told(assignment: Assignment, t: Ints, **more: Any) -> tuple[dict[str, Any], ...]:
    last = max(int(bars.t[-1]) for bars in assignment.bars.values() if len(bars))
    facts = run_warnings.RunFacts(
        years=float(t[-1] - t[0]) / DAY / YEAR_DAYS if len(t) else 0.0,
        n_instruments=len(assignment.bars),
        n_survivors=sum(int(bars.t[-1]) >= last - SURVIVES_DAYS * DAY for bars in assignment.bars.values()),
        trust=trust_of(assignment),
        has_costs=has_costs(assignment),
        tick_share=tick_share(assignment),
        n_trials=assignment.n_trials,
        **more,
    )
    found = run_warnings.warnings_of(facts)
    return tuple({"code": each.code, "severity": each.severity.value, "message": each.message} for each in found)


def has_costs(assignment: Assignment) -> bool:
    """Tell whether fills cost anything."""
    fees, slippage = assignment.settings.fees, assignment.settings.slippage
    twice = Decimal(2)
    return honesty.scaled(fees, twice) != fees or honesty.scaled(slippage, twice) != slippage


def tick_share(assignment: Assignment) -> float:
    """Return the largest tick as a fraction of its instrument's lowest price; 0 where slippage rounds nothing to it."""
    slippage = assignment.settings.slippage
    if honesty.scaled(slippage, Decimal(2)) == slippage:
        return 0.0
    shares = []
    for instrument in assignment.settings.instruments:
        bars = assignment.bars[instrument.symbol].between(assignment.start, None)
        if len(bars):
            shares.append(float(instrument.tick_size) / float(bars.o.min()))
    return max(shares, default=0.0)


def cost_sensitivity(points: Sequence[tuple[Decimal, Result]], basis: Basis) -> dict[str, Any] | None:
    """Put the same run at several multiples of its costs together; None with fewer than two."""
    if len(points) < 2:
        return None
    found = honesty.cost_sensitivity([_point(factor, result, basis) for factor, result in points])
    return {
        "points": [{**asdict(point), "factor": float(point.factor)} for point in found.points],
        "break_even_factor": found.break_even_factor,
        "sentence": found.sentence,
    }


def _point(factor: Decimal, result: Result, basis: Basis) -> honesty.CostPoint:
    found = sharpe(period_returns(result, basis), basis.periods_per_year)
    return honesty.CostPoint(
        factor=factor,
        total_return=result.final_equity / result.starting_cash - 1.0,
        sharpe=found if np.isfinite(found) else None,
        fees_paid=result.fees_paid,
    )


def period_returns(result: Result, basis: Basis) -> Floats:
    """Return the run's returns of one period (a day or a week)."""
    _, values = period_values(result.t, result.equity, basis.seconds)
    return returns_of(values, result.starting_cash)


def chance(assignment: Assignment, result: Result, closed: TradeColumns, *, basis: Basis) -> dict[str, Any]:
    """Measure how much of one run could be luck: verdict, intervals, resampled equity, shuffled trades."""
    returns = period_returns(result, basis)
    evidence = run_evidence(
        market.without_cash(returns, assignment, result.t, basis),
        periods_per_year=basis.periods_per_year,
        n_trials=assignment.n_trials,
        market=market.returns_of_holding(assignment, result.t, basis),
        n_trades=len(closed),
        seed=assignment.seed,
    )
    found = intervals(returns, periods=basis.periods_per_year, seed=assignment.seed) if len(returns) > 2 else {}
    return {
        "verdict": verdict_json(verdict(evidence)),
        "evidence": evidence_json(evidence),
        "intervals": {name: _interval(each) for name, each in found.items()},
        "bands": _bands(equity_bands(returns, result.starting_cash, seed=assignment.seed))
        if len(returns) > 2
        else None,
        "trades": _trades(closed.pnl, result.starting_cash, assignment.seed),
    }


def _trades(pnl: Floats, starting_cash: float, seed: int) -> dict[str, Any] | None:
    if not len(pnl):
        return None
    n_paths = max(50, min(N_PATHS, MAX_PATH_CELLS // len(pnl)))
    found = trade_monte_carlo(pnl, starting_cash, n_paths=n_paths, seed=seed)
    if found is None:
        return None
    return {
        "bands": _bands(found.bands),
        "final": list(found.final),
        "drawdowns": list(found.drawdowns),
        "real_drawdown": found.real_drawdown,
        "drawdown_percentile": found.drawdown_percentile,
        "probability_of_loss": found.probability_of_loss,
        "probability_of_ruin": found.probability_of_ruin,
        "ruin_fraction": found.ruin_fraction,
        "n_paths": found.n_paths,
        "n_trades": found.n_trades,
    }


def _bands(bands: Bands) -> dict[str, Any]:
    return {
        "steps": bands.steps.tolist(),
        "levels": list(bands.levels),
        "quantiles": np.round(bands.quantiles, 4).tolist(),
    }


def _interval(interval: Interval) -> dict[str, Any]:
    return {name: _finite(value) for name, value in asdict(interval).items()}


def verdict_json(found: Verdict) -> dict[str, Any]:
    """Return a verdict as plain JSON."""
    reasons = [{**asdict(r), "answer": r.answer.value, "value": _finite(r.value)} for r in found.reasons]
    return {"word": found.word.value, "title": found.title, "sentence": found.sentence, "reasons": reasons}


def evidence_json(found: Evidence) -> Mapping[str, Any]:
    """Return evidence as plain JSON."""
    told = {name: _finite(getattr(found, name)) for name in Evidence.__dataclass_fields__ if name != "sharpe_interval"}
    interval = found.sharpe_interval
    return {**told, "sharpe_interval": None if interval is None else _interval(interval)}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
