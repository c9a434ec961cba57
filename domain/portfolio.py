"""What a decision is handed of an account: positions, working orders and money at one moment, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.orders import OrderRole, OrderSide

ZERO = Decimal(0)


class TradingState(StrEnum):
    """What an account may do: everything, only reduce, nothing new at all."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One position valued at ``mark`` (quote currency per unit)."""

    instrument_id: UUID
    symbol: str
    sector: str
    asset_class: str
    strategy_id: UUID | None
    quantity: Decimal
    average_price: Decimal
    mark: Decimal

    @property
    def value(self) -> Decimal:
        """Signed market value."""
        return self.quantity * self.mark

    @property
    def unrealized_pnl(self) -> Decimal:
        """P&L if closed at the mark."""
        return (self.mark - self.average_price) * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An order that is not final: open, in flight, unresolved, held or awaiting approval.

    ``price`` is what its remaining quantity is valued at: its limit or stop price, else the mark.
    """

    client_order_id: str
    instrument_id: UUID
    symbol: str
    sector: str
    asset_class: str
    strategy_id: UUID | None
    side: OrderSide
    remaining: Decimal
    price: Decimal
    role: OrderRole
    reduce_only: bool
    unresolved: bool = False

    @property
    def signed_value(self) -> Decimal:
        """What its full execution would add to the position's value."""
        return self.remaining * self.price * self.side.sign


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """An account at one moment. ``session_start_equity`` and ``peak_equity`` are what losses are measured from."""

    account_id: UUID
    user_id: UUID
    at: datetime
    currency: str
    cash: Decimal
    equity: Decimal
    session_start_equity: Decimal
    peak_equity: Decimal
    trading_state: TradingState
    positions: tuple[PositionView, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    n_session_trades: int = 0

    def position_quantity(self, instrument_id: UUID, strategy_id: UUID | str | None = "any") -> Decimal:
        """Net quantity held of an instrument, in the whole account or in one strategy (None: hand-placed)."""
        return sum(
            (
                p.quantity
                for p in self.positions
                if p.instrument_id == instrument_id and strategy_id in ("any", p.strategy_id)
            ),
            ZERO,
        )

    @property
    def gross_exposure(self) -> Decimal:
        """Sum of absolute position values, netted per instrument."""
        values: dict[UUID, Decimal] = {}
        for p in self.positions:
            values[p.instrument_id] = values.get(p.instrument_id, ZERO) + p.value
        return sum((abs(v) for v in values.values()), ZERO)

    @property
    def net_exposure(self) -> Decimal:
        """Sum of signed position values."""
        return sum((p.value for p in self.positions), ZERO)
