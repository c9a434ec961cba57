"""What a paper strategy does otherwise than the run that it was made of, in sentences: nothing is left out unsaid."""

from collections.abc import Iterable, Mapping
from typing import Any

from backtesting.models import Job
from backtesting.run_settings import stored_rule, stored_trading
from backtesting.services.requests import own_rules
from preferences import selectors as preferences
from preferences.definitions import Category
from preferences.registry import DEFINITIONS
from strategies.models import Strategy

MAX_NAMED = 5
_OBEYED = (
    *("min_confidence_threshold", "max_daily_trades", "max_concurrent_positions", "preferred_order_types"),
    *("allow_after_hours", "allow_pre_market", "order_timeout_seconds"),
)
_SAYS = ("type", "limit", "scope", "instrument_id", "sector", "parameters", "warning_at", "action")


def differences_of(job: Job, strategy: Strategy) -> list[str]:
    """Return a sentence for each difference; empty when the strategy trades as the run did."""
    return [*_of_account(job, strategy), *_of_holding(job), *_of_rules(job, strategy), *_of_preferences(job)]


def _of_account(job: Job, strategy: Strategy) -> list[str]:
    account, told = strategy.account, []
    if (account.fees, account.slippage) != (job.settings["fees"], job.settings["slippage"]):
        told.append(f"Fees and slippage are those of {account.name}.")
    now = f"{account.session_start_time.isoformat()[:5]} {account.session_timezone}"
    then = f"{job.settings['session_start'][:5]} {job.settings['session_zone']}"
    if now != then:
        told.append(f"Its day begins at {now}; that of the run began at {then}.")
    return told


def _of_holding(job: Job) -> list[str]:
    told = []
    if job.settings.get("financing"):
        told.append("Interest and borrow cost are left out: a paper account charges none.")
    if job.settings.get("dividends"):
        told.append("Dividends are left out: a paper account credits none.")
    return told


def _of_rules(job: Job, strategy: Strategy) -> list[str]:
    now = [stored_rule(rule) for rule in own_rules(job.user, strategy)]
    lost = _without(job.settings["rules"], now)
    more = _without(now, job.settings["rules"])
    told = []
    if lost:
        told.append(f"These rules of the run do not hold on paper: {_named(lost)}.")
    if more:
        told.append(f"These rules hold on paper and did not in the run: {_named(more)}.")
    return told


def _without(rules: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of rules that none of the others says in the same words."""
    said = [_said(rule) for rule in others]
    return [str(rule["name"]) for rule in rules if _said(rule) not in said]


def _said(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(rule[name] for name in _SAYS)


def _of_preferences(job: Job) -> list[str]:
    known, then = DEFINITIONS[Category.TRADING], job.settings["trading"]
    now = stored_trading(preferences.current(job.user_id).trading)
    other = [known[name].label for name in _OBEYED if name in then and then[name] != now[name]]
    return [f"These preferences are other than in the run: {_named(other)}."] if other else []


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
