"""Monitoring: after every mark of an account its portfolio rules are measured and what they ask for is done."""

import logging
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, DecimalException
from typing import Any

from django.db import transaction

from core.bus import publish
from domain.events import RiskRuleRecovered, RiskWarningRaised
from domain.portfolio import AccountSnapshot
from portfolio.models import Account
from risk import selectors
from risk.breach_levels import BREACH, next_level
from risk.decisions import RuleSpec
from risk.models import BreachLevel, RiskBreach
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase, RuleType
from risk.services.consequences import open_breach, tell_breach, tighten
from risk.words import broken_words, near_words

logger = logging.getLogger(__name__)

_OF_SNAPSHOT = frozenset({"session_start_equity", "peak_equity", "equity"})

Find = Callable[[str, RuleSpec], Decimal | None]
"""Finds a named number for a rule that the snapshot does not hold (losing trades in a row); None: unknown."""


def _nothing(name: str, rule: RuleSpec) -> Decimal | None:
    return None


def monitor(account: Account, snapshot: AccountSnapshot, *, at: datetime, find: Find = _nothing) -> list[RiskBreach]:
    """Measure the portfolio rules of a locked account and return the breaches and warnings that are open now.

    ``find`` gives what only those above know: trades, orders, past prices.
    Publishes RiskWarningRaised, RiskRuleBreached, RiskRuleRecovered; a breach sets the trading state that its action
    asks for. Limits that can not be read change nothing here and stop no mark: the gate denies new risk meanwhile.
    """
    try:
        with transaction.atomic():
            rules = selectors.rules_in_force(account, at=at).rules
    except Exception:  # whatever it is, marks and exits go on
        logger.exception("the limits of account %s can not be read; nothing is measured", account.pk)
        return list(RiskBreach.objects.filter(account=account, recovered_at=None))
    before = {breach.rule_key: breach for breach in RiskBreach.objects.filter(account=account, recovered_at=None)}
    for rule in rules:
        rule_type = RULE_TYPES[rule.type]
        if Phase.PORTFOLIO in rule_type.phases:
            _watch(account, rule, measured(rule, rule_type, snapshot, find), before.pop(rule.key, None), at)
    for gone in before.values():
        _recover(gone, at)
    return list(RiskBreach.objects.filter(account=account, recovered_at=None))


def measured(rule: RuleSpec, rule_type: RuleType, snapshot: AccountSnapshot, find: Find = _nothing) -> Decimal | None:
    """Return a portfolio rule's value for an account; None where it can not be measured."""
    numbers = [getattr(snapshot, name) if name in _OF_SNAPSHOT else find(name, rule) for name in rule_type.inputs]
    if any(number is None for number in numbers):
        return None
    try:
        value: Decimal = rule_type.function(*numbers)
    except (DecimalException, ZeroDivisionError):
        return None
    return value if value.is_finite() else None


def _watch(account: Account, rule: RuleSpec, value: Decimal | None, found: RiskBreach | None, at: datetime) -> None:
    rule_type = RULE_TYPES[rule.type]
    if value is None:
        return  # nothing is known; the gate denies new risk for the same reason
    old = found.level if found else ""
    new = next_level(old, value, rule, rule_type)
    if found is not None and new != old and (old == BREACH or not new):
        _recover(found, at, value)
    elif found is not None and new == old:
        _update(found, value)
    elif new == BREACH:
        _break(account, rule, broken_words(rule, rule_type, None, value), value, at)
    elif new:
        _warn(account, rule, near_words(rule, rule_type, value), value, at)


def _update(breach: RiskBreach, value: Decimal) -> None:
    if breach.value != value:
        breach.value = value
        breach.worst_value = value if breach.worst_value is None else max(breach.worst_value, value)
        breach.save(update_fields=["value", "worst_value", "updated_at"])


def _break(account: Account, rule: RuleSpec, message: str, value: Decimal, at: datetime) -> None:
    breach = open_breach(account, rule, value=value, message=message, at=at)
    if breach is not None:
        tighten(account, rule.action, reason=message, at=at)
        tell_breach(breach, at=at)


def _warn(account: Account, rule: RuleSpec, message: str, value: Decimal, at: datetime) -> None:
    breach = open_breach(account, rule, value=value, message=message, at=at, level=BreachLevel.WARNING)
    if breach is not None:
        publish(RiskWarningRaised(**_fact(breach, at)))


def _recover(breach: RiskBreach, at: datetime, value: Decimal | None = None) -> None:
    breach.recovered_at = at
    breach.value = breach.value if value is None else value
    breach.save(update_fields=["recovered_at", "value", "updated_at"])
    if breach.level == BreachLevel.BREACH:
        publish(RiskRuleRecovered(**_fact(breach, at)))


def _fact(breach: RiskBreach, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "user_id": breach.user_id,
        "account_id": breach.account_id,
        "rule": breach.rule_name,
        "type": breach.type,
        "value": None if breach.value is None else float(breach.value),
        "limit": float(breach.limit),
        "message": breach.message,
        "breach_id": breach.pk,
        "strategy_id": breach.strategy_id,
    }
