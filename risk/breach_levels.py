"""How near a measured value is to its limit (pure), with hysteresis so that a value on the edge does not flutter."""

from decimal import Decimal

from risk.decisions import RuleSpec
from risk.gate import is_within
from risk.rules.types import Bound, RuleType

HYSTERESIS = Decimal("0.05")
WARNING, BREACH = "warning", "breach"


def next_level(current: str, value: Decimal, rule: RuleSpec, rule_type: RuleType) -> str:
    """Return "", "warning" or "breach" for a value, given the level before.

    A level is entered at its threshold and left only 5 % of the limit below it.
    """
    if not is_within(rule_type.bound, value, rule.limit):
        return BREACH
    if rule_type.bound is Bound.AT_LEAST or rule.limit <= 0:
        return ""
    if current == BREACH and value >= rule.limit * (1 - HYSTERESIS):
        return BREACH
    slack = HYSTERESIS if current == WARNING else Decimal(0)
    return WARNING if value >= rule.limit * (rule.warning_at - slack) else ""
