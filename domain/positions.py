"""Positions and round trips as a function of the SET of fills: any order of arrival gives the same books.

Fills are folded in the order (time, venue fill id). Average-cost accounting: adding moves the average, reducing
realises its value less its share of the cost, a fill through zero closes the old round trip and opens a new one. A
round trip ("trade") runs from flat to flat.

Every amount is kept to the digits that the books store, and cost is kept as an amount rather than as an average, so
that folding on from a stored state gives exactly what folding everything gives, and a flat position's realised P&L
is its cash to the last digit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from domain.orders import Fill, OrderSide

ZERO = Decimal(0)
_PLACES = 12  # what ExactDecimalField stores
_QUANTUM = Decimal(1).scaleb(-_PLACES)
_WIDE = Context(prec=60)


def booked(amount: Decimal) -> Decimal:
    """Round an amount (half to even) to the twelve decimal places that the books keep; a shorter one stays as it is."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -_PLACES:
        return amount
    return amount.quantize(_QUANTUM, ROUND_HALF_EVEN, _WIDE)


def fold_order(fill: Fill) -> tuple[datetime, str]:
    """The order in which fills count, whatever the order in which they came."""
    return (fill.at, fill.venue_fill_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """One trade, flat to flat (``exit_at`` is None before the first exit). Prices are averages over its fills.

    ``entry_fill`` is the venue's id of the fill that opened it: with it a trip keeps its identity when fills come late.
    """

    side: OrderSide
    entry_at: datetime
    entry_fill: str = ""
    entry_quantity: Decimal = ZERO
    entry_value: Decimal = ZERO
    exit_at: datetime | None = None
    exit_quantity: Decimal = ZERO
    exit_value: Decimal = ZERO
    fees: Decimal = ZERO
    pnl: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal:
        """Average entry price."""
        return self.entry_value / self.entry_quantity

    @property
    def exit_price(self) -> Decimal | None:
        """Average exit price so far; None before the first exit."""
        return self.exit_value / self.exit_quantity if self.exit_quantity else None

    @property
    def pnl_net(self) -> Decimal:
        """Result after fees."""
        return self.pnl - self.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionState:
    """One position: net quantity, average price, what the held quantity cost, realised P&L before fees, round trips."""

    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    cash_change: Decimal = ZERO
    open_trade: RoundTrip | None = None
    closed_trades: tuple[RoundTrip, ...] = ()

    def unrealized_pnl(self, mark: Decimal) -> Decimal:
        """P&L of what is held if it were closed at ``mark``."""
        return mark * self.quantity - (self.cost if self.quantity > 0 else -self.cost)


def fold(fills: Iterable[Fill], start: PositionState | None = None) -> PositionState:
    """Fold fills into a position. ``start`` continues from a state, and all ``fills`` must come after it."""
    state = start or PositionState()
    for fill in sorted(fills, key=fold_order):
        state = apply(state, fill)
    return state


def apply(state: PositionState, fill: Fill) -> PositionState:
    """Add one fill (the next one in fold order) to a position."""
    cash_change = state.cash_change + booked(fill.cash_change)
    state = replace(state, fees=state.fees + booked(fill.fee), cash_change=cash_change)
    change, held = fill.signed_quantity, state.quantity
    if held == 0 or (held > 0) == (change > 0):
        return _add(state, fill, fill.quantity, booked(fill.fee))
    closing = min(abs(held), fill.quantity)
    fee_of_close = booked(fill.fee * closing / fill.quantity)
    state = _reduce(state, fill, closing, fee_of_close)
    opening = fill.quantity - closing
    return _add(state, fill, opening, booked(fill.fee) - fee_of_close) if opening else state


def _add(state: PositionState, fill: Fill, quantity: Decimal, fee: Decimal) -> PositionState:
    value = booked(fill.price * quantity)
    cost = state.cost + value
    trade = state.open_trade or RoundTrip(side=fill.side, entry_at=fill.at, entry_fill=fill.venue_fill_id)
    trade = replace(
        trade,
        entry_quantity=trade.entry_quantity + quantity,
        entry_value=trade.entry_value + value,
        fees=trade.fees + fee,
    )
    return replace(
        state,
        quantity=state.quantity + quantity * fill.side.sign,
        average_price=booked(cost / (abs(state.quantity) + quantity)),
        cost=cost,
        open_trade=trade,
    )


def _reduce(state: PositionState, fill: Fill, quantity: Decimal, fee: Decimal) -> PositionState:
    trade = state.open_trade
    if trade is None:
        raise ValueError("a position that is not flat has an open trade")
    direction = 1 if state.quantity > 0 else -1
    left = state.quantity - quantity * direction
    closed = left == 0
    value = booked(fill.price * quantity)
    cost = state.cost if closed else booked(state.cost * quantity / abs(state.quantity))
    pnl = (value - cost) * direction
    trade = replace(
        trade,
        exit_at=fill.at,
        exit_quantity=trade.exit_quantity + quantity,
        exit_value=trade.exit_value + value,
        fees=trade.fees + fee,
        pnl=trade.pnl + pnl,
    )
    return replace(
        state,
        quantity=left,
        average_price=ZERO if closed else state.average_price,
        cost=state.cost - cost,
        realized_pnl=state.realized_pnl + pnl,
        open_trade=None if closed else trade,
        closed_trades=(*state.closed_trades, trade) if closed else state.closed_trades,
    )


def net_quantity(fills: Sequence[Fill]) -> Decimal:
    """Sum of signed quantities: what a position must always equal."""
    return sum((f.signed_quantity for f in fills), ZERO)
