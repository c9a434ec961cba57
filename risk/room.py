"""How much room the limits leave for an order (pure): what the sizing calculator cuts its answer down to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from domain.portfolio import AccountSnapshot
from risk.decisions import Action, MarketView, OrderIntent, RuleSpec
from risk.gate import evaluate
from risk.rules.table import RULE_TYPES


def room_for(
    intent: OrderIntent,
    snapshot: AccountSnapshot,
    rules: Sequence[RuleSpec],
    *,
    market: MarketView,
    at: datetime,
) -> tuple[Decimal, str]:
    """Return the largest quantity, up to the order's, that every rule allows, and the rule that binds ("" for none).

    Each rule that can is asked to resize, whatever its own action; one that only warns binds nothing.
    """
    decision = evaluate(intent, snapshot, [_resizing(rule) for rule in rules], market=market, at=at)
    if decision.quantity >= intent.quantity:
        return intent.quantity, ""
    binding = min(decision.reasons, key=lambda reason: (reason.quantity, reason.key))
    return decision.quantity, binding.rule


def _resizing(rule: RuleSpec) -> RuleSpec:
    rule_type = RULE_TYPES.get(rule.type)
    can_resize = rule_type is not None and Action.RESIZE in rule_type.actions
    return replace(rule, action=Action.RESIZE) if can_resize and rule.action is not Action.WARN else rule
