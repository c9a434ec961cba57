"""The words of the risk gate (pure): what is asked, what it is told of the market, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.orders import OrderRole, OrderSide, OrderType


class Verdict(StrEnum):
    """What the gate, or one rule, says of an order."""

    ALLOWED = "allowed"
    WARNED = "warned"
    RESIZED = "resized"
    DENIED = "denied"


class Scope(StrEnum):
    """What a rule looks at: a whole account, or the part of it that one strategy, instrument or sector makes."""

    ACCOUNT = "account"
    STRATEGY = "strategy"
    INSTRUMENT = "instrument"
    SECTOR = "sector"


class Action(StrEnum):
    """What happens when a rule's limit is broken; all but ``warn`` stop new risk."""

    WARN = "warn"
    REJECT = "reject"
    RESIZE = "resize"
    REDUCE_ONLY = "reduce_only"
    PAUSE_STRATEGY = "pause_strategy"
    FLATTEN = "flatten"
    HALT = "halt"


class Source(StrEnum):
    """Where a rule comes from. ``platform`` are the checks that nobody can switch off."""

    RULE = "rule"
    PREFERENCES = "preferences"
    KILL_SWITCH = "kill_switch"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """One limit as the gate takes it. ``key`` names it for good; ``limit`` is in the unit of its type.

    ``is_engaged`` is true while an earlier breach holds (a latch that nobody released, a cool-down that still runs).
    ``currency`` is written beside amounts of money, where it is known.
    """

    key: str
    name: str
    type: str
    limit: Decimal
    scope: Scope = Scope.ACCOUNT
    strategy_id: UUID | None = None
    instrument_id: UUID | None = None
    sector: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warning_at: Decimal = Decimal("0.8")
    action: Action = Action.REJECT
    source: Source = Source.RULE
    is_engaged: bool = False
    currency: str = field(default="", metadata={"is_stored": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """An order to be judged. ``price`` is the worst at which it may execute; it is resized in steps of ``lot_size``."""

    symbol: str
    instrument_id: UUID
    sector: str
    asset_class: str
    strategy_id: UUID | None
    side: OrderSide
    quantity: Decimal
    price: Decimal
    type: OrderType = OrderType.MARKET
    role: OrderRole = OrderRole.MANUAL
    reduce_only: bool = False
    lot_size: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What was ordered lately, by wall clock.

    ``identical_seconds`` is the age of the newest order with the same strategy, instrument, side and quantity (None:
    there is none); ``opposite_price`` the best price of an own resting order on the other side.
    """

    identical_seconds: Decimal | None = None
    n_last_second: int = 0
    n_last_minute: int = 0
    n_identical_entries: int = 0
    session_turnover: Decimal = Decimal(0)
    opposite_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What the gate knows of the order's instrument. None means unknown, and a rule that needs it denies.

    ``correlation`` is the weighted correlation with what is held; ``value_at_risk`` that of the account after the
    order (currency); ``average_volume`` in units a session.
    """

    reference: Decimal | None
    age_seconds: Decimal | None
    is_stale: bool = False
    session_open: bool = True
    is_reconciled: bool = True
    spread_bps: Decimal | None = None
    average_volume: Decimal | None = None
    correlation: Decimal | None = None
    value_at_risk: Decimal | None = None
    activity: Activity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one rule said: the measured value, its limit and what is left (None where there is nothing to measure)."""

    key: str
    rule: str
    type: str
    source: Source
    value: Decimal | None
    limit: Decimal | None
    headroom: Decimal | None
    verdict: Verdict
    quantity: Decimal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The gate's answer: how much may be sent, and what every rule that was asked said (sorted by key).

    The two percents are the strictest protection that the rules demand of a position that this order opens.
    ``consequences`` are the (rule key, action) of broken rules that ask for more than refusing the order.
    """

    verdict: Verdict
    quantity: Decimal
    requested: Decimal
    reasons: tuple[Reason, ...]
    stop_loss_percent: Decimal | None = None
    take_profit_percent: Decimal | None = None
    consequences: tuple[tuple[str, Action], ...] = ()

    @property
    def is_denied(self) -> bool:
        """True when nothing may be sent."""
        return self.verdict is Verdict.DENIED

    @property
    def message(self) -> str:
        """Why it is less than was asked for, in words ("" when it is not)."""
        stopped = (r.message for r in self.reasons if r.verdict in (Verdict.DENIED, Verdict.RESIZED))
        return "; ".join(stopped)
