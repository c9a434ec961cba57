"""Facts of positions and accounts: what is held, what it is worth, whether the books agree."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from domain.facts.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _PositionFact(Event):
    position_id: uuid.UUID
    strategy_id: uuid.UUID | None
    symbol: str
    quantity: Decimal
    average_price: Decimal
    realized_pnl: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOpened(_PositionFact):
    """From flat to something."""

    name: ClassVar[str] = "position.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged(_PositionFact):
    """Larger, smaller or turned round."""

    name: ClassVar[str] = "position.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionClosed(_PositionFact):
    """Flat again; ``pnl_net`` is the round trip's result after fees."""

    name: ClassVar[str] = "position.closed"
    pnl_net: Decimal
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUnprotected(_PositionFact):
    """A position has no working stop; ``is_alarm``: nor anything else that would close it at a loss."""

    name: ClassVar[str] = "position.unprotected"
    is_alarm: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMarked(Event):
    """The account's equity was measured anew."""

    name: ClassVar[str] = "account.marked"
    durable: ClassVar[bool] = False
    equity: Decimal
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceAlertReached(Event):
    """An account's session reached a result that its user wants to be told of; ``kind`` is profit, loss or drawdown."""

    name: ClassVar[str] = "performance.alert_reached"
    account: str
    kind: str
    value: Decimal
    limit: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened(Event):
    """An account was made."""

    name: ClassVar[str] = "account.opened"
    account: str
    broker: str
    starting_cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReset(Event):
    """A paper account starts again from its starting cash."""

    name: ClassVar[str] = "account.reset"
    account: str
    starting_cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationMismatchFound(Event):
    """The venue's books and ours differ; the account only reduces until a person has looked."""

    name: ClassVar[str] = "reconciliation.mismatch_found"
    subject: str
    ours: str
    theirs: str
