"""What a run gives back: every order (denied ones with their reasons), fill, round trip, signal, and equity. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np

from domain.bars import Floats, Ints
from domain.matching import Phase
from domain.orders import Fill, OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce
from domain.positions import RoundTrip
from domain.protection import ProtectionPlan
from domain.signals import SignalOutcome, SignalRow
from risk.decisions import Decision

ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class RunOrder:
    """One order of a run, in the state it came to. `number` is its place in the order of making."""

    number: int
    client_order_id: str
    instrument_id: UUID
    symbol: str
    strategy_id: UUID | None
    side: OrderSide
    type: OrderType
    role: OrderRole
    quantity: Decimal
    requested_quantity: Decimal
    created_at: datetime
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    status: OrderStatus = OrderStatus.INITIALIZED
    reason: str = ""
    filled_quantity: Decimal = ZERO
    average_fill_price: Decimal | None = None
    closed_at: datetime | None = None
    parent: "RunOrder | None" = None
    signal: "RunSignal | None" = None
    decision: Decision | None = None
    plan: ProtectionPlan = field(default_factory=ProtectionPlan)
    reference_price: Decimal | None = None
    # Where it stands at the venue: when and in which phase of a bar it came, and the order of arrival.
    sequence: int = 0
    arrived_at: datetime | None = None
    arrival: Phase = Phase.BEFORE
    triggered: bool = False

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet."""
        return self.quantity - self.filled_quantity


@dataclass(slots=True, kw_only=True)
class RunSignal:
    """One statement of the strategy that called for something, and its one outcome."""

    symbol: str
    row: SignalRow
    at: datetime
    price: Decimal
    outcome: SignalOutcome = SignalOutcome.PENDING
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrade:
    """A round trip (or one still open at the end) with the extreme prices that the market showed meanwhile."""

    symbol: str
    strategy_id: UUID | None
    trip: RoundTrip
    is_closed: bool
    lowest: Decimal
    highest: Decimal
    signal_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPosition:
    """What is held at the end of a run."""

    symbol: str
    strategy_id: UUID | None
    quantity: Decimal
    average_price: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Equity and cash at every moment at which a bar closed: exact, and as float64 arrays for charts and metrics."""

    at: tuple[datetime, ...]
    equity: tuple[Decimal, ...]
    cash: tuple[Decimal, ...]

    @property
    def t(self) -> Ints:
        """Unix seconds of the moments."""
        return np.array([int(moment.timestamp()) for moment in self.at], dtype=np.int64)

    @property
    def values(self) -> Floats:
        """Equity as float64."""
        return np.array([float(value) for value in self.equity], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything that a run did."""

    orders: tuple[RunOrder, ...]
    fills: tuple[Fill, ...]
    fill_orders: tuple[int, ...]  # the number of each fill's order
    trades: tuple[RunTrade, ...]
    signals: tuple[RunSignal, ...]
    positions: tuple[RunPosition, ...]
    curve: EquityCurve
    cash: Decimal
    equity: Decimal
    peak_equity: Decimal
    fees_paid: Decimal
    financing: Decimal = ZERO
    dividends: Decimal = ZERO
