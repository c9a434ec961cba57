"""What a broken rule asks for besides refusing: the account only reduces or halts, a strategy pauses, a breach is kept.

Pausing strategies and closing positions is the part of those above: they hear RiskRuleBreached and look at the
breach's action.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from core.bus import publish
from domain.events import RiskRuleBreached
from domain.portfolio import TradingState
from portfolio.models import Account
from portfolio.services.accounts import set_trading_state
from risk.decisions import Action, Decision, OrderIntent, RuleSpec, Source
from risk.models import BreachLevel, RiskBreach, RiskRule
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from risk.services.escalating import begin_escalation, end_escalation

_STATE_AFTER = {
    Action.REDUCE_ONLY: TradingState.REDUCING,
    Action.FLATTEN: TradingState.HALTED,
    Action.HALT: TradingState.HALTED,
}
_RANK = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}
BY_RISK = "risk"


def tighten(account: Account, action: Action, *, reason: str, at: datetime) -> None:
    """Set the trading state that an action asks for, unless the account's is as strict already."""
    wanted = _STATE_AFTER.get(action)
    if wanted is not None and _RANK[wanted] > _RANK[TradingState(account.trading_state)]:
        set_trading_state(account, wanted, reason=reason, by=BY_RISK, at=at)


def apply_consequences(
    account: Account, intent: OrderIntent, decision: Decision, rules: Sequence[RuleSpec], *, at: datetime
) -> None:
    """Carry out what an order's broken rules ask for; publishes RiskRuleBreached for each."""
    specs = {rule.key: rule for rule in rules}
    for reason in decision.reasons:
        rule = specs.get(reason.key)
        if rule is None or (reason.key, rule.action) not in decision.consequences or rule.source is Source.KILL_SWITCH:
            continue
        if rule.is_engaged:
            continue  # told when it was broken
        tighten(account, rule.action, reason=reason.message, at=at)
        breach = open_breach(
            account,
            rule,
            value=reason.value,
            message=reason.message,
            at=at,
            strategy_id=intent.strategy_id,
            symbol=intent.symbol,
        )
        if breach is not None:
            _end_unless_watched(breach, at)
            tell_breach(breach, at=at)


def open_breach(
    account: Account,
    rule: RuleSpec,
    *,
    value: Decimal | None,
    message: str,
    at: datetime,
    strategy_id: UUID | None = None,
    level: BreachLevel = BreachLevel.BREACH,
    subject: str = "",
    symbol: str = "",
) -> RiskBreach | None:
    """Note a breach (or warning) of a rule; None when the same one is open already.

    ``subject`` is the position that a rule on positions is about, ``symbol`` its (or the order's) instrument.
    """
    rows = RiskBreach.objects.filter(account=account, rule_key=rule.key, subject=subject, recovered_at=None)
    found = rows.first()
    if found is not None and (found.level == level or level == BreachLevel.WARNING):
        return None
    breach = found or RiskBreach(
        user_id=account.user_id, account=account, rule_key=rule.key, subject=subject, symbol=symbol, raised_at=at
    )
    breach.rule_name, breach.type, breach.source = rule.name, rule.type, rule.source.value
    breach.level, breach.action, breach.limit = level, rule.action.value, rule.limit
    breach.value = breach.worst_value = value
    breach.message, breach.strategy_id = message[:500], strategy_id or rule.strategy_id
    if level == BreachLevel.BREACH:
        breach.broken_at = at
        _hold(breach, rule, at)
        begin_escalation(breach)
    breach.save()
    return breach


def _hold(breach: RiskBreach, rule: RuleSpec, at: datetime) -> None:
    if rule.source is not Source.RULE:
        return
    row = RiskRule.objects.filter(pk=rule.key.removeprefix("rule:")).first()
    if row is not None:
        breach.is_latched = row.latched
        breach.holds_until = at + timedelta(seconds=row.cool_down_seconds) if row.cool_down_seconds else None


def _end_unless_watched(breach: RiskBreach, at: datetime) -> None:
    """A limit that only orders can break is kept again once the order is refused; a latch holds all the same."""
    rule_type = RULE_TYPES.get(breach.type)
    if rule_type is None or Phase.PORTFOLIO not in rule_type.phases:
        breach.recovered_at = at
        end_escalation(breach)
        breach.save(update_fields=["recovered_at", "escalates_at", "updated_at"])


def tell_breach(breach: RiskBreach, *, at: datetime) -> None:
    """Publish RiskRuleBreached."""
    publish(
        RiskRuleBreached(
            at=at,
            user_id=breach.user_id,
            account_id=breach.account_id,
            rule=breach.rule_name,
            type=breach.type,
            value=None if breach.value is None else float(breach.value),
            limit=float(breach.limit),
            message=breach.message,
            breach_id=breach.pk,
            strategy_id=breach.strategy_id,
            symbol=breach.symbol,
        )
    )
