"""The venue of a run: its order book, executed bar by bar with the function that the paper venue uses. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from backtesting.books import Books, Held
from backtesting.results import RunOrder
from backtesting.spec import RUN_ACCOUNT, RunSpec
from domain.costs import Costs
from domain.instruments import InstrumentSpec
from domain.matching import (
    BarPrices,
    Execution,
    ExecutionKind,
    MatchOrder,
    Phase,
    is_triggered_by_fill,
    next_execution,
    trailed_stop,
)
from domain.orders import FINAL, Fill, OrderRole, OrderStatus, OrderType, TimeInForce
from domain.portfolio import WorkingOrder
from domain.positions import booked
from domain.protection import Action, Cancel, Place, Protective, actions

ZERO = Decimal(0)
PROTECTIVE = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
_AT_VENUE = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
_SHORT = {OrderRole.STOP_LOSS: "sl", OrderRole.TAKE_PROFIT: "tp"}


class Venue:
    """All orders of a run; those that are not final by instrument, in the order of their making."""

    def __init__(self, spec: RunSpec, books: Books) -> None:
        self._spec, self._books = spec, books
        self.orders: list[RunOrder] = []
        self.fill_orders: list[int] = []
        self._open: dict[UUID, dict[str, RunOrder]] = {}
        self._n_at_venue = 0

    # -- orders come and go -------------------------------------------------------------------------------------

    def add(self, order: RunOrder) -> RunOrder:
        """Keep a new order in the list; one that is not final works (or is held) from now on."""
        self.orders.append(order)
        if order.status not in FINAL:
            self._open.setdefault(order.instrument_id, {})[order.client_order_id] = order
        return order

    def send(self, order: RunOrder, *, at: datetime, arrival: Phase = Phase.BEFORE) -> None:
        """Put an order on the book; it takes part from the next bar on, or in the rest of this one by its arrival."""
        self._n_at_venue += 1
        order.sequence, order.arrived_at, order.arrival = self._n_at_venue, at, arrival
        order.status = OrderStatus.ACCEPTED

    def hold_children(self, entry: RunOrder) -> None:
        """Make the protective orders of an entry, held until it fills."""
        for role, price, percent in (
            (OrderRole.STOP_LOSS, entry.plan.stop_price, entry.plan.stop_percent),
            (OrderRole.TAKE_PROFIT, entry.plan.target_price, entry.plan.target_percent),
        ):
            if price is not None or percent is not None:
                self.add(self._child(entry, role, price=price, n=1))

    def end(self, order: RunOrder, status: OrderStatus, *, at: datetime, reason: str = "") -> None:
        """Take an order off the book; children of an entry that never filled go with it."""
        order.status, order.closed_at = status, at
        order.reason = reason or order.reason
        self._open[order.instrument_id].pop(order.client_order_id)
        if status is not OrderStatus.FILLED:
            self._release_children(order, at=at)

    def _release_children(self, entry: RunOrder, *, at: datetime) -> None:
        """Cancel the children that an ended entry still holds: nothing filled, or the position is protected already."""
        covered = "the position's own protection covers it"
        for child in [each for each in self.open(entry.instrument_id) if each.parent is entry]:
            if child.status is OrderStatus.HELD:
                reason = covered if entry.filled_quantity else "its entry ended without a fill"
                self.end(child, OrderStatus.CANCELED, at=at, reason=reason)

    def open(self, instrument_id: UUID) -> Iterator[RunOrder]:
        """Return the orders of an instrument that are not final."""
        return iter(self._open.get(instrument_id, {}).values())

    def roles(self, instrument: InstrumentSpec, strategy_id: UUID | None) -> set[OrderRole]:
        """Return the roles of a strategy's orders of an instrument that are not final."""
        return {order.role for order in self.open(instrument.id) if order.strategy_id == strategy_id}

    def working(self) -> tuple[WorkingOrder, ...]:
        """Return everything that may still add to a position, as a decision is handed it."""
        rows = [order for orders in self._open.values() for order in orders.values()]
        return tuple(self._view(order) for order in sorted(rows, key=lambda order: order.number))

    # -- one bar ------------------------------------------------------------------------------------------------

    def match(self, instrument: InstrumentSpec, bar: BarPrices, *, at: datetime, ends_session: bool) -> None:
        """Execute one bar: apply each execution before asking for the next, then let the bar end."""
        costs = self._costs(instrument, at)
        while (execution := next_execution(self._candidates(instrument, at), bar, costs)) is not None:
            self._apply(instrument, execution, at)
            if costs.is_limited or costs.has_tiers:
                costs = self._costs(instrument, at)
        self._end_bar(instrument, bar, at=at, ends_session=ends_session)

    def _costs(self, instrument: InstrumentSpec, at: datetime) -> Costs:
        costs = Costs(
            fees=self._spec.fees, slippage=self._spec.slippage, tick=instrument.tick_size, lot=instrument.lot_size
        )
        if costs.is_limited:
            costs = replace(costs, taken=self._books.quantity_executed(instrument.id, at))
        return replace(costs, traded=self._books.value_traded(at)) if costs.has_tiers else costs

    def _candidates(self, instrument: InstrumentSpec, at: datetime) -> list[MatchOrder]:
        return [
            MatchOrder(
                order_id=order.client_order_id,
                sequence=order.sequence,
                side=order.side,
                type=order.type,
                quantity=order.remaining,
                limit_price=order.limit_price,
                stop_price=order.stop_price,
                triggered=order.triggered,
                time_in_force=order.time_in_force,
                arrival=order.arrival if order.arrived_at == at else Phase.BEFORE,
                opens=not order.reduce_only,
            )
            for order in self.open(instrument.id)
            if order.status in _AT_VENUE
        ]

    def _apply(self, instrument: InstrumentSpec, execution: Execution, at: datetime) -> None:
        order = self._open[instrument.id][execution.order_id]
        if execution.kind is ExecutionKind.TRIGGER:
            order.triggered, order.status = True, OrderStatus.TRIGGERED
            order.arrived_at, order.arrival = at, execution.phase
        elif execution.kind is ExecutionKind.EXPIRE:
            self.end(order, OrderStatus.EXPIRED, at=at, reason=execution.reason)
        else:
            self._fill(instrument, order, execution, at)

    def _fill(self, instrument: InstrumentSpec, order: RunOrder, execution: Execution, at: datetime) -> None:
        number = len(self._books.fills) + 1
        value = (order.average_fill_price or ZERO) * order.filled_quantity + execution.price * execution.quantity
        order.filled_quantity += execution.quantity
        order.average_fill_price = booked(value / order.filled_quantity)  # to the places that live books it
        order.status = OrderStatus.PARTIALLY_FILLED
        order.triggered = order.triggered or is_triggered_by_fill(order.type)
        if order.remaining <= 0:
            self.end(order, OrderStatus.FILLED, at=at)
        fill = Fill(
            fill_id=uuid5(RUN_ACCOUNT, str(number)),
            venue_fill_id=f"P{number:010d}",
            instrument_id=instrument.id,
            symbol=instrument.symbol,
            strategy_id=order.strategy_id,
            side=order.side,
            quantity=execution.quantity,
            price=execution.price,
            fee=execution.fee,
            at=at,
        )
        self.fill_orders.append(order.number)
        held = self._books.book(instrument, fill, order.signal)
        self._protect(held, order, arrival=execution.phase, at=at)
        if order.status is OrderStatus.FILLED and order.role not in PROTECTIVE:
            self._release_children(order, at=at)

    def _end_bar(self, instrument: InstrumentSpec, bar: BarPrices, *, at: datetime, ends_session: bool) -> None:
        for order in list(self.open(instrument.id)):
            if order.status not in _AT_VENUE:
                continue
            if ends_session and order.time_in_force is TimeInForce.DAY:
                self.end(order, OrderStatus.EXPIRED, at=at, reason="the session ended")
            elif order.type is OrderType.TRAILING_STOP and order.trail_percent and not order.triggered:
                tick = instrument.tick_size
                order.stop_price = trailed_stop(order.side, order.stop_price, order.trail_percent, bar, tick)
        self._cancel_overdue(instrument, at)

    def _cancel_overdue(self, instrument: InstrumentSpec, at: datetime) -> None:
        """Cancel limit entries made from signals that waited longer than the preference allows."""
        patience = self._spec.trading.order_timeout_seconds
        for order in list(self.open(instrument.id)):
            is_ours = order.role is OrderRole.ENTRY and order.signal is not None and order.type is OrderType.LIMIT
            if is_ours and order.status in _AT_VENUE and (at - order.created_at).total_seconds() >= patience:
                self.end(order, OrderStatus.CANCELED, at=at, reason=f"not filled within {patience} seconds")

    # -- protection ---------------------------------------------------------------------------------------------

    def _protect(self, held: Held, cause: RunOrder, *, arrival: Phase, at: datetime) -> None:
        """Fit the protective orders to a position after a fill."""
        opened_more = held.state.quantity * cause.side.sign > 0
        if opened_more and not cause.plan.is_empty and cause.role not in PROTECTIVE:
            held.plan = cause.plan
        working = [
            order
            for order in self.open(held.instrument.id)
            if order.role in PROTECTIVE and order.strategy_id == held.strategy_id and order.status in _AT_VENUE
        ]
        needed = actions(
            plan=held.plan,
            quantity=held.state.quantity,
            average=held.state.average_price,
            tick=held.instrument.tick_size,
            working=[_protective(order) for order in working],
        )
        for action in needed:
            self._carry_out(action, cause, arrival=arrival, at=at)
        self._fit_exits(held, at)

    def _fit_exits(self, held: Held, at: datetime) -> None:
        """Cut resting reduce-only orders down to what is still held, so that none of them turns the position round."""
        for order in list(self.open(held.instrument.id)):
            if not order.reduce_only or order.role in PROTECTIVE or order.strategy_id != held.strategy_id:
                continue
            left = max(ZERO, -held.state.quantity * order.side.sign)
            if not left:
                self.end(order, OrderStatus.CANCELED, at=at, reason="its position no longer needs it")
            elif order.remaining > left:
                order.quantity = order.filled_quantity + left

    def _carry_out(self, action: Action, cause: RunOrder, *, arrival: Phase, at: datetime) -> None:
        if isinstance(action, Place):
            self._place(action, cause, arrival=arrival, at=at)
            return
        order = self._open[cause.instrument_id][action.order_id]
        if isinstance(action, Cancel):
            self.end(order, OrderStatus.CANCELED, at=at, reason="its position no longer needs it")
            return
        order.quantity = order.filled_quantity + action.quantity
        _set_level(order, action.price)

    def _place(self, action: Place, cause: RunOrder, *, arrival: Phase, at: datetime) -> None:
        entry = cause.parent if cause.role in PROTECTIVE and cause.parent is not None else cause
        children = [order for order in self.orders if order.parent is entry and order.role is action.role]
        held = [order for order in children if order.status is OrderStatus.HELD]
        order = held[0] if held else self.add(self._child(entry, action.role, price=None, n=len(children) + 1))
        order.side, order.quantity, order.requested_quantity = action.side, action.quantity, action.quantity
        order.created_at = at
        _set_level(order, action.price)
        self.send(order, at=at, arrival=arrival)

    def _child(self, entry: RunOrder, role: OrderRole, *, price: Decimal | None, n: int) -> RunOrder:
        order = RunOrder(
            number=len(self.orders) + 1,
            client_order_id=f"{entry.client_order_id}-{_SHORT[role]}{n}",
            instrument_id=entry.instrument_id,
            symbol=entry.symbol,
            strategy_id=entry.strategy_id,
            side=entry.side.opposite,
            type=OrderType.STOP if role is OrderRole.STOP_LOSS else OrderType.LIMIT,
            role=role,
            quantity=entry.quantity,
            requested_quantity=entry.quantity,
            created_at=entry.created_at,
            reduce_only=True,
            status=OrderStatus.HELD,
            parent=entry,
            signal=entry.signal,
            decision=entry.decision,
            reference_price=entry.reference_price,
        )
        if price is not None:
            _set_level(order, price)
        return order

    def _view(self, order: RunOrder) -> WorkingOrder:
        instrument = self._instruments[order.instrument_id]
        return WorkingOrder(
            client_order_id=order.client_order_id,
            instrument_id=order.instrument_id,
            symbol=order.symbol,
            sector=instrument.sector,
            asset_class=instrument.asset_class,
            strategy_id=order.strategy_id,
            side=order.side,
            remaining=max(ZERO, order.remaining),
            price=order.limit_price or order.stop_price or order.reference_price or ZERO,
            role=order.role,
            reduce_only=order.reduce_only,
        )

    @property
    def _instruments(self) -> dict[UUID, InstrumentSpec]:
        return {instrument.id: instrument for instrument in self._spec.instruments}


def _set_level(order: RunOrder, price: Decimal) -> None:
    if order.role is OrderRole.STOP_LOSS:
        order.stop_price = price
    else:
        order.limit_price = price


def _protective(order: RunOrder) -> Protective:
    price = order.stop_price or order.limit_price or ZERO
    return Protective(
        order_id=order.client_order_id, role=order.role, side=order.side, quantity=order.remaining, price=price
    )
