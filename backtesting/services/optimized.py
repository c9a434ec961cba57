"""Telling what a sweep or walk-forward found for a strategy: parameters that were better, with the evidence."""

from datetime import datetime
from typing import Any

from backtesting.models import Job, JobKind
from backtesting.robustness.verdict import Word
from core.bus import publish
from domain.events import ParametersOptimized
from strategies.models import Strategy
from strategies.parameters import read_parameters
from strategies.selectors import strategy_type


def tell_optimized(job: Job, *, at: datetime) -> bool:
    """Publish ParametersOptimized when a completed search for a strategy is promising and found other parameters.

    Nothing is told of a sweep whose best could be luck, nor of one over other instruments or bars than the strategy
    trades now: who deploys by itself must not deploy noise. Call it in the transaction that completes the job.
    """
    strategy = job.strategy
    if job.kind == JobKind.BACKTEST or strategy is None or not _is_of(job, strategy):
        return False
    if (job.summary.get("verdict") or {}).get("word") != Word.PROMISING:
        return False
    parameters = better_parameters(job, strategy)
    if parameters is None:
        return False
    publish(
        ParametersOptimized(
            at=at,
            user_id=job.user_id,
            strategy_id=strategy.pk,
            parameters=parameters,
            evidence=evidence_of(job),
        )
    )
    return True


def _is_of(job: Job, strategy: Strategy) -> bool:
    """Tell whether a search was over what a strategy trades."""
    searched = (job.type, job.timeframe, sorted(job.symbols))
    return searched == (strategy.type, strategy.timeframe, sorted(strategy.symbols))


def better_parameters(job: Job, strategy: Strategy) -> dict[str, Any] | None:
    """Return the found parameters, complete; None when the strategy has them already."""
    best = (job.summary.get("steadiest") or job.summary.get("best") or {}).get("parameters") or {}
    given = {**job.request["parameters"], **best}
    found = read_parameters(strategy_type(job.type).strategy.Params, given).model_dump(mode="json")
    return None if found == strategy.parameters else found


def evidence_of(job: Job) -> dict[str, Any]:
    """Return what speaks for the parameters, as the suggestion shows it."""
    summary = job.summary
    told = {
        "job": str(job.pk),
        "kind": job.kind,
        "trials": summary.get("n_trials"),
        "trials_ever": summary.get("trial_count"),
        "sharpe": job.metrics.get("sharpe"),
        "total_return": job.metrics.get("total_return"),
        "deflated_sharpe": summary.get("deflated_sharpe"),
        "probability_of_overfitting": summary.get("probability_of_overfitting"),
        "efficiency": summary.get("efficiency"),
        "verdict": summary["verdict"]["title"],
    }
    return {name: value for name, value in told.items() if value is not None}
