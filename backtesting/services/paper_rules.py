"""Risk rules of a run that is traded on paper: what held the run back holds its strategy back too."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from backtesting.models import Job
from backtesting.services.requests import NONE
from marketdata.models import Instrument
from risk import selectors as risk
from risk.decisions import Scope, Source
from risk.models import RiskRule
from risk.services.rules import create_rule
from strategies.models import Strategy

WRITTEN = "request:"  # how the key of a rule begins that was written for one run
_NAME_LENGTH = RiskRule._meta.get_field("name").max_length or 80
MAX_NAMES = 1_000


def carry_rules(job: Job, strategy: Strategy, *, at: datetime) -> list[RiskRule]:
    """Make the rules that held in a run and would not hold for its strategy; returns them.

    Those are rules written for the run, and the user's own that are for another account or strategy. Preferences and
    rules for all accounts hold anyway, as they are now. Publishes RiskRuleChanged; raises Conflict for too many rules.
    """
    if job.request["risk_rules"] == NONE:
        return []
    own = {rule.key: rule for rule in risk.rules_of(job.user_id).filter(enabled=True)}
    return [
        create_rule(job.user, {**_values(job, told, strategy), **more}, at=at)
        for told in job.settings["rules"]
        if told["source"] == Source.RULE and (more := _beyond(job, told, own, strategy)) is not None
    ]


def _beyond(
    job: Job, told: Mapping[str, Any], own: Mapping[str, RiskRule], strategy: Strategy
) -> dict[str, Any] | None:
    """Return what a rule says beyond its limit when it is to be made; None where it holds already or is gone."""
    if told["key"].startswith(WRITTEN):
        written = job.request["risk_rules"][int(told["key"].removeprefix(WRITTEN)) - 1]
        return {name: written[name] for name in ("latched", "cool_down_seconds") if name in written}
    rule = own.get(told["key"])
    if rule is None or _concerns(rule, strategy):
        return None
    return {"latched": rule.latched, "cool_down_seconds": rule.cool_down_seconds}


def _concerns(rule: RiskRule, strategy: Strategy) -> bool:
    return rule.account_id in (None, strategy.account_id) and rule.strategy_id in (None, strategy.pk)


def _values(job: Job, told: Mapping[str, Any], strategy: Strategy) -> dict[str, Any]:
    scope = Scope(told["scope"])
    return {
        "name": _free_name(job, f"{told['name']}: {strategy.name}"),
        "type": told["type"],
        "account": strategy.account,
        "scope": scope,
        "strategy_id": strategy.pk if scope is Scope.STRATEGY else None,
        "instrument": Instrument.objects.get(pk=told["instrument_id"]) if told["instrument_id"] else None,
        "sector": told["sector"],
        "limit": Decimal(told["limit"]),
        "parameters": dict(told["parameters"]),
        "warning_at": float(told["warning_at"]),
        "action": told["action"],
    }


def _free_name(job: Job, wanted: str) -> str:
    taken = set(RiskRule.objects.for_user(job.user_id).values_list("name", flat=True))
    names = [wanted[:_NAME_LENGTH], *(f"{wanted[: _NAME_LENGTH - 5]} {number}" for number in range(2, MAX_NAMES))]
    return next(name for name in names if name not in taken)
