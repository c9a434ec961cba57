"""Monitoring: after every mark of an account its rules are measured and what they ask for is done.

Rules of the portfolio are measured of the account, rules on positions of each position by itself.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.bus import publish
from domain.events import RiskRuleRecovered, RiskWarningRaised
from domain.portfolio import AccountSnapshot
from portfolio.models import Account
from risk import selectors
from risk.account_rules import Find, measured, nothing_else
from risk.breach_levels import BREACH, WARNING, next_level
from risk.decisions import RuleSpec
from risk.models import BreachLevel, RiskBreach
from risk.position_rules import SILENT_BEFORE, Holding, concerning, measured_of
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from risk.services.consequences import open_breach, tell_breach, tighten
from risk.services.escalating import end_escalation
from risk.services.unprotected import measure_exposed
from risk.words import broken_words, near_words

logger = logging.getLogger(__name__)

Open = dict[tuple[str, str], RiskBreach]
"""Breaches that are open, by the key of the rule and the position that they are about."""


def monitor(
    account: Account,
    snapshot: AccountSnapshot,
    *,
    at: datetime,
    find: Find = nothing_else,
    holdings: Sequence[Holding] = (),
) -> list[RiskBreach]:
    """Measure the rules of a locked account and return the breaches and warnings that are open now.

    ``find`` gives what only those above know: trades, orders, past prices; ``holdings`` are its open positions. A
    position without protection begins (or goes on with) an episode of the unprotected-exposure gauge.
    Publishes RiskWarningRaised, RiskRuleBreached, RiskRuleRecovered, PositionUnprotected; a breach sets the trading
    state that its action asks for. Limits that can not be read change nothing here and stop no mark: the gate denies
    new risk meanwhile.
    """
    try:
        with transaction.atomic():
            rules = selectors.rules_in_force(account, at=at).rules
    except Exception:  # whatever it is, marks and exits go on
        logger.exception("the limits of account %s can not be read; nothing is measured", account.pk)
        return selectors.open_breaches(account)
    before: Open = {(breach.rule_key, breach.subject): breach for breach in selectors.open_breaches(account)}
    for rule in rules:
        rule_type = RULE_TYPES[rule.type]
        if Phase.PORTFOLIO in rule_type.phases:
            _watch(account, rule, measured(rule, rule_type, snapshot, find), before.pop((rule.key, ""), None), at)
    for holding in measure_exposed(account, holdings, rules, at=at):
        for rule in concerning(holding, rules):
            found = before.pop((rule.key, holding.key), None)
            _watch(account, rule, measured_of(rule, holding, at), found, at, holding)
    for gone in before.values():
        _recover(gone, at)
    return selectors.open_breaches(account)


def _watch(
    account: Account,
    rule: RuleSpec,
    value: Decimal | None,
    found: RiskBreach | None,
    at: datetime,
    about: Holding | None = None,
) -> None:
    rule_type = RULE_TYPES[rule.type]
    if value is None:
        return  # nothing is known; the gate denies new risk for the same reason
    old = found.level if found else ""
    new = next_level(old, value, rule, rule_type)
    if new == WARNING and rule.type in SILENT_BEFORE:
        new = ""
    symbol = about.symbol if about else ""
    if found is not None and new != old and (old == BREACH or not new):
        _recover(found, at, value)
    elif found is not None and new == old:
        _update(found, value)
    elif new == BREACH:
        _break(account, rule, broken_words(rule, rule_type, None, value, symbol=symbol), value, at, about)
    elif new:
        _warn(account, rule, near_words(rule, rule_type, value, symbol=symbol), value, at, about)


def _update(breach: RiskBreach, value: Decimal) -> None:
    if breach.value != value:
        breach.value = value
        breach.worst_value = value if breach.worst_value is None else max(breach.worst_value, value)
        breach.save(update_fields=["value", "worst_value", "updated_at"])


def _break(account: Account, rule: RuleSpec, message: str, value: Decimal, at: datetime, about: Holding | None) -> None:
    breach = open_breach(account, rule, value=value, message=message, at=at, **_of(about))
    if breach is not None:
        tighten(account, rule.action, reason=message, at=at)
        tell_breach(breach, at=at)


def _warn(account: Account, rule: RuleSpec, message: str, value: Decimal, at: datetime, about: Holding | None) -> None:
    level = BreachLevel.WARNING
    breach = open_breach(account, rule, value=value, message=message, at=at, level=level, **_of(about))
    if breach is not None:
        publish(RiskWarningRaised(**_fact(breach, at)))


def _of(about: Holding | None) -> dict[str, Any]:
    return {} if about is None else {"subject": about.key, "symbol": about.symbol, "strategy_id": about.strategy_id}


def _recover(breach: RiskBreach, at: datetime, value: Decimal | None = None) -> None:
    breach.recovered_at = at
    breach.value = breach.value if value is None else value
    end_escalation(breach)
    breach.save(update_fields=["recovered_at", "escalates_at", "value", "updated_at"])
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
        "symbol": breach.symbol,
    }
