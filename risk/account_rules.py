"""What rules on a whole account measure between orders (pure): the live monitor and the backtest engine ask this."""

from collections.abc import Callable
from decimal import Decimal, DecimalException

from domain.portfolio import AccountSnapshot
from risk.decisions import RuleSpec
from risk.rules.types import RuleType

_OF_SNAPSHOT = frozenset({"session_start_equity", "peak_equity", "equity"})

Find = Callable[[str, RuleSpec], Decimal | None]
"""Finds a named number for a rule that the snapshot does not hold (losing trades in a row); None: unknown."""


def nothing_else(name: str, rule: RuleSpec) -> Decimal | None:
    """Know no number beyond the snapshot."""
    return None


def measured(
    rule: RuleSpec, rule_type: RuleType, snapshot: AccountSnapshot, find: Find = nothing_else
) -> Decimal | None:
    """Return a portfolio rule's value for an account; None where it can not be measured."""
    numbers = [getattr(snapshot, name) if name in _OF_SNAPSHOT else find(name, rule) for name in rule_type.inputs]
    if any(number is None for number in numbers):
        return None
    try:
        value: Decimal = rule_type.function(*numbers)
    except (DecimalException, ZeroDivisionError):
        return None
    return value if value.is_finite() else None
