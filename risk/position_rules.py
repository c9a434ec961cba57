"""Rules on single positions (pure): what they measure, when they close a position, and what nothing protects.

The live monitor and the backtest engine ask these same functions after every mark, by market time. A position is
protected by a working stop, by a stop-loss rule in force while its price is live (the monitor then closes it), or by a
waiver that a person signed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, DecimalException
from uuid import UUID

from risk.clocks import seconds_after
from risk.decisions import Action, RuleSpec, Source
from risk.gate import concerns_line, is_within
from risk.rules.position import unprotected_position
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase

ZERO = Decimal(0)
POSITION_TYPES = frozenset(name for name, each in RULE_TYPES.items() if Phase.POSITION in each.phases)
CLOSING = frozenset({"stop_loss", "take_profit", "max_holding_time", "flat_by"})
"""Types that close the position they are about; with the action warn they only tell."""
SILENT_BEFORE = frozenset({"take_profit"})
"""Types of which nobody is warned: to be near a target is no danger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One open position as rules on positions see it.

    ``stopped`` and ``targeted`` are what its working stops and targets would close, ``closing`` what market orders on
    their way will take off it. ``accrued`` is the unprotected value × seconds until ``accrued_at``.
    """

    key: str
    instrument_id: UUID
    symbol: str
    sector: str
    strategy_id: UUID | None
    quantity: Decimal
    average_price: Decimal
    mark: Decimal
    opened_at: datetime | None
    stopped: Decimal = ZERO
    targeted: Decimal = ZERO
    closing: Decimal = ZERO
    is_price_live: bool = True
    is_waived: bool = False
    accrued: Decimal = ZERO

    @property
    def size(self) -> Decimal:
        """Quantity without its sign."""
        return abs(self.quantity)

    @property
    def unstopped(self) -> Decimal:
        """What no working stop and no closing order covers."""
        return max(ZERO, self.size - self.stopped - self.closing)


def concerning(holding: Holding, rules: Iterable[RuleSpec]) -> list[RuleSpec]:
    """Return the rules on positions that look at this one and have something to measure of it.

    A stop or target that works as an order at the venue for the whole position is the venue's to watch. A target of the
    preferences goes with the entry alone: who takes it off lets a profit run.
    """
    return [
        rule
        for rule in rules
        if rule.type in POSITION_TYPES
        and concerns_line(
            rule, strategy_id=holding.strategy_id, instrument_id=holding.instrument_id, sector=holding.sector
        )
        and _is_ours(rule, holding)
    ]


def _is_ours(rule: RuleSpec, holding: Holding) -> bool:
    if rule.type == "stop_loss":
        return holding.is_price_live and holding.stopped < holding.size
    if rule.type == "take_profit":
        return rule.source is Source.RULE and holding.is_price_live and holding.targeted < holding.size
    return True


def measured_of(rule: RuleSpec, holding: Holding, at: datetime) -> Decimal | None:
    """Return the value of a rule for a position; None where it can not be measured."""
    rule_type = RULE_TYPES[rule.type]
    try:
        numbers = [_FINDERS[name](holding, rule, at) for name in rule_type.inputs]
        if any(number is None for number in numbers):
            return None
        value: Decimal = rule_type.function(*numbers)
    except (DecimalException, ZeroDivisionError, KeyError, ValueError):
        return None
    return value if value.is_finite() else None


def _held_seconds(holding: Holding, rule: RuleSpec, at: datetime) -> Decimal | None:
    return None if holding.opened_at is None else Decimal(str((at - holding.opened_at).total_seconds()))


_FINDERS: dict[str, Callable[[Holding, RuleSpec, datetime], Decimal | None]] = {
    "average_price": lambda h, r, at: h.average_price,
    "mark": lambda h, r, at: h.mark,
    "direction": lambda h, r, at: Decimal(1) if h.quantity > 0 else Decimal(-1),
    "held_seconds": _held_seconds,
    "seconds_after": lambda h, r, at: seconds_after(r.parameters, at),
    "accrued": lambda h, r, at: h.accrued,
    "position_value": lambda h, r, at: ZERO,  # what it is worth now counts from now on
    "unprotected_seconds": lambda h, r, at: ZERO,
}


def is_to_close(rule: RuleSpec, value: Decimal) -> bool:
    """Tell whether a rule with this value closes the position."""
    is_broken = not is_within(RULE_TYPES[rule.type].bound, value, rule.limit)
    return is_broken and rule.type in CLOSING and rule.action is not Action.WARN


@dataclass(frozen=True, slots=True)
class Exposed:
    """What of a position nothing would close at a loss, its value, and why."""

    quantity: Decimal
    value: Decimal
    reason: str


def exposed_part(holding: Holding, rules: Iterable[RuleSpec]) -> Exposed | None:
    """Return what of a position is unprotected; None when all of it is protected (or waived)."""
    open_part = holding.unstopped
    if holding.is_waived or open_part <= 0:
        return None
    has_rule = any(rule.type == "stop_loss" and rule.action is not Action.WARN for rule in _of_line(holding, rules))
    if has_rule and holding.is_price_live:
        return None
    words = "its stop-loss rule has no live price" if has_rule else "no stop-loss rule is in force"
    covered = "no stop order works" if open_part == holding.size else "its stop orders cover a part only"
    return Exposed(open_part, open_part * holding.mark, f"{covered}, and {words}")


def _of_line(holding: Holding, rules: Iterable[RuleSpec]) -> Iterable[RuleSpec]:
    for rule in rules:
        if concerns_line(
            rule, strategy_id=holding.strategy_id, instrument_id=holding.instrument_id, sector=holding.sector
        ):
            yield rule


def accrued_until(accrued: Decimal, value: Decimal, *, since: datetime, at: datetime) -> Decimal:
    """Return the unprotected value × seconds once ``value`` has lain open from ``since`` to ``at``."""
    seconds = Decimal(str(max(0.0, (at - since).total_seconds())))
    return unprotected_position(accrued, value, seconds)
