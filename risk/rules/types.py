"""What a rule type is (pure): its phases, unit and bound, and the row that the table has of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from risk.decisions import Action, Scope


class Phase(StrEnum):
    """When a rule is asked: per order, per mark of the account, per price of a position."""

    PRE_TRADE = "pre_trade"
    PORTFOLIO = "portfolio"
    POSITION = "position"


class Bound(StrEnum):
    """On which side of its limit a value is good."""

    AT_MOST = "at_most"
    BELOW = "below"
    AT_LEAST = "at_least"


class Unit(StrEnum):
    """The unit of a limit."""

    PERCENT = "percent"
    RATIO = "ratio"
    COUNT = "count"
    CURRENCY = "currency"
    UNITS = "units"
    SECONDS = "seconds"
    CORRELATION = "correlation"
    FLAG = "flag"
    PRICE = "price"
    CURRENCY_SECONDS = "currency_seconds"
    MEASURE = "measure"


ALL_SCOPES = frozenset(Scope)
ALL_BUT_RESIZE = frozenset(Action) - {Action.RESIZE}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleType:
    """One kind of rule. ``inputs`` are the names of its function's arguments, which risk.measures finds.

    ``is_additive``: an order that does not raise the value passes, even above the limit. ``phrase`` begins the
    sentence that people read; the value follows.
    """

    name: str
    function: Callable[..., Any]
    phases: frozenset[Phase]
    unit: Unit
    bound: Bound
    phrase: str
    help: str
    scopes: frozenset[Scope] = ALL_SCOPES
    actions: frozenset[Action] = ALL_BUT_RESIZE
    is_additive: bool = False
    default_parameters: dict[str, Any] = field(default_factory=dict)
    parameters_schema: dict[str, Any] = field(default_factory=dict)
    obeyed: bool = True
    inputs: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the rule's parameters; unknown ones are refused."""
        required = [name for name in self.parameters_schema if name not in self.default_parameters]
        return {
            "type": "object",
            "properties": self.parameters_schema,
            "required": required,
            "additionalProperties": False,
        }
