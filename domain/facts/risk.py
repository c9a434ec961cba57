"""Facts of risk: limits, trading states, kill switches."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _RiskFact(Event):
    rule: str
    type: str
    value: float | None
    limit: float | None
    message: str
    breach_id: uuid.UUID | None = None
    strategy_id: uuid.UUID | None = None
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskWarningRaised(_RiskFact):
    """A measure passed its warning level."""

    name: ClassVar[str] = "risk.warning_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRuleBreached(_RiskFact):
    """A limit was broken."""

    name: ClassVar[str] = "risk.rule_breached"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBreachEscalated(_RiskFact):
    """A broken limit that nobody has acknowledged is told again."""

    name: ClassVar[str] = "risk.breach_escalated"
    n_told_again: int
    is_critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRuleRecovered(_RiskFact):
    """A broken limit holds again."""

    name: ClassVar[str] = "risk.rule_recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRuleChanged(Event):
    """A risk rule was made, changed or removed."""

    name: ClassVar[str] = "risk.rule_changed"
    rule_id: uuid.UUID
    rule: str
    change: str
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingStateChanged(Event):
    """An account became active, reducing or halted."""

    name: ClassVar[str] = "trading_state.changed"
    old: str
    new: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchEngaged(Event):
    """Everything in the scope stops sending new orders."""

    name: ClassVar[str] = "kill_switch.engaged"
    scope: str
    target_id: uuid.UUID | None
    reason: str
    by: str
    forbid_all: bool = False
    flatten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchRearmed(Event):
    """A kill switch was released by hand."""

    name: ClassVar[str] = "kill_switch.rearmed"
    scope: str
    target_id: uuid.UUID | None
    reason: str
    by: str
