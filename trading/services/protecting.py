"""Protective orders that fit the position: asked after every fill, committed with it, carried to the venue after it.

What is needed is decided by ``domain.protection`` (the backtest engine asks the same function). Here the answer becomes
orders: held children of the entry are released, others are made, resized or canceled.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.bus import publish
from core.prepared import Prepared
from domain.events import PositionUnprotected
from domain.matching import Phase
from domain.orders import FINAL, EventSource, OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce
from domain.protection import Action, Cancel, Place, ProtectionPlan, Protective, Resize, actions
from portfolio.models import Account, Position
from portfolio.services.books import set_protection
from trading.models import Order
from trading.services.transitions import begin, move

ROLES = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
_NOT_THERE = (OrderStatus.HELD, OrderStatus.PENDING_CANCEL)
CHANGEABLE = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


def orders_of_position(account: Account, instrument_id: UUID, strategy_id: UUID | None) -> list[Order]:
    """Return the orders of one position that are not final, locked, oldest first."""
    if strategy_id is None:
        found = _by_hand(account_id=account.pk, instrument_id=instrument_id)
    else:
        found = _of_strategy(account_id=account.pk, instrument_id=instrument_id, strategy_id=strategy_id)
    for order in found:
        order.account = account  # the locked row, not another copy of it
    return found


def _open_orders(**line: Any) -> QuerySet[Order]:
    rows = Order.objects.select_for_update(of=("self",)).select_related("instrument").filter(**line)
    return rows.exclude(status__in=[*FINAL]).order_by("created_at")


_of_strategy: Prepared[Order] = Prepared(_open_orders, account_id=UUID, instrument_id=UUID, strategy_id=UUID)
_by_hand: Prepared[Order] = Prepared(
    lambda **line: _open_orders(**line, strategy_id=None), account_id=UUID, instrument_id=UUID
)


def protect(
    account: Account,
    position: Position,
    *,
    cause: Order,
    arrival: Phase,
    at: datetime,
    orders: list[Order] | None = None,
) -> list[Order]:
    """Fit the protective orders to a position after ``cause``; return the orders to dispatch.

    Runs inside the transaction of the fill, the account locked; whoever fits without a fill changes no plan.
    ``orders`` are those of the position (:func:`orders_of_position`), if the caller has them; new ones are added.
    """
    if orders is None:
        orders = orders_of_position(account, position.instrument_id, position.strategy_id)
    working = [order for order in orders if order.role in ROLES and order.status not in (*FINAL, *_NOT_THERE)]
    needed = actions(
        plan=plan_of(position),
        quantity=position.quantity,
        average=position.average_price,
        tick=cause.instrument.tick_size,
        working=[_protective(order) for order in working],
    )
    by_id = {order.client_order_id: order for order in orders}
    done = [order for action in needed for order in _carry_out(action, by_id, cause, arrival=arrival, at=at)]
    orders += [order for order in done if order.client_order_id not in by_id]
    return [*done, *_fit_exits(position, orders, at=at)]


def _fit_exits(position: Position, orders: list[Order], *, at: datetime) -> list[Order]:
    """Cut resting reduce-only orders down to what is still held, so that none of them turns the position round."""
    done: list[Order] = []
    for order in orders:
        if not order.reduce_only or order.role in ROLES or order.status in (*FINAL, OrderStatus.PENDING_CANCEL):
            continue
        left = max(Decimal(0), -position.quantity * OrderSide(order.side).sign)
        if not left:
            done += _cancel(order, at=at)
        elif order.quantity - order.filled_quantity > left and order.status in CHANGEABLE:
            order.pending = {"quantity": str(order.filled_quantity + left)}
            order.save(update_fields=["pending", "updated_at"])
            move(order, OrderStatus.PENDING_UPDATE, source=EventSource.LOCAL, at=at, message="follows its position")
            done.append(order)
    return done


def plan_of(position: Position) -> ProtectionPlan:
    """What the position's entries asked for."""
    return ProtectionPlan(
        stop_price=position.stop_price,
        stop_percent=position.stop_percent,
        target_price=position.target_price,
        target_percent=position.target_percent,
    )


def planned_by(cause: Order) -> ProtectionPlan | None:
    """The plan that an entry brings with its first fill; the books forget it when the position is flat."""
    if not cause.plan or cause.role in ROLES:
        return None
    return ProtectionPlan(**{name: Decimal(value) for name, value in cause.plan.items()})


def keep_by_hand(order: Order, *, level: Decimal | None, at: datetime) -> None:
    """A person moved a protective order to ``level``, or took it away (None): the position's plan says so from now on.

    Without this the next fill, or reconciliation, would put back what the plan said. Publishes PositionUnprotected when
    the stop is gone. Runs inside the caller's transaction, the account locked.
    """
    rows = Position.objects.select_related("instrument", "account").filter(
        Q(strategy_id=order.strategy_id), account=order.account, instrument=order.instrument, is_open=True
    )
    position = rows.first()
    if order.role not in ROLES or position is None:
        return
    leg = "stop" if order.role == OrderRole.STOP_LOSS else "target"
    set_protection(position, replace(plan_of(position), **{f"{leg}_price": level, f"{leg}_percent": None}))
    if level is None and leg == "stop":
        publish(_unprotected(position, at=at))


def _unprotected(position: Position, *, at: datetime) -> PositionUnprotected:
    return PositionUnprotected(
        at=at,
        user_id=position.user_id,
        account_id=position.account_id,
        position_id=position.pk,
        strategy_id=position.strategy_id,
        symbol=position.instrument.symbol,
        quantity=position.quantity,
        average_price=position.average_price,
        realized_pnl=position.realized_pnl,
        currency=position.account.currency,
    )


def _protective(order: Order) -> Protective:
    quantity = Decimal(order.pending.get("quantity") or order.quantity) - order.filled_quantity
    level = order.pending.get("stop_price") or order.pending.get("limit_price")
    price = Decimal(level) if level else order.stop_price or order.limit_price or Decimal(0)
    return Protective(
        order_id=order.client_order_id,
        role=OrderRole(order.role),
        side=OrderSide(order.side),
        quantity=quantity,
        price=price,
    )


def _carry_out(action: Action, orders: dict[str, Order], cause: Order, *, arrival: Phase, at: datetime) -> list[Order]:
    if isinstance(action, Place):
        return [_place(action, orders, cause, arrival=arrival, at=at)]
    order = orders[action.order_id]
    if isinstance(action, Cancel):
        return _cancel(order, at=at)
    return _resize(order, action, at=at)


def _place(action: Place, orders: dict[str, Order], cause: Order, *, arrival: Phase, at: datetime) -> Order:
    order = _held_child(action, orders, cause) or _new_child(action, cause)
    order.quantity = order.requested_quantity = action.quantity
    is_stop = action.role is OrderRole.STOP_LOSS
    order.stop_price = action.price if is_stop else None
    order.limit_price = None if is_stop else action.price
    order.market_at, order.arrival = at, int(arrival)
    store = begin if order._state.adding else move
    store(order, OrderStatus.SUBMITTED, source=EventSource.LOCAL, at=at, message="protects the position")
    return order


def _held_child(action: Place, orders: dict[str, Order], cause: Order) -> Order | None:
    entry = _entry_of(cause)
    held = (o for o in orders.values() if o.parent_id == entry.pk and o.status == OrderStatus.HELD)
    return next((order for order in held if order.role == action.role), None)


def _entry_of(cause: Order) -> Order:
    return cause.parent if cause.role in ROLES and cause.parent is not None else cause


def _new_child(action: Place, cause: Order) -> Order:
    entry = _entry_of(cause)
    n = Order.objects.filter(parent=entry, role=action.role).count() + 1
    return make_child(entry, action.role, side=action.side, n=n)


def make_child(entry: Order, role: OrderRole, *, side: str, n: int) -> Order:
    """Build (not save) a protective order of an entry: reduce-only, good till canceled."""
    short = "sl" if role is OrderRole.STOP_LOSS else "tp"
    return Order(
        user_id=entry.user_id,
        account=entry.account,
        instrument=entry.instrument,
        strategy_id=entry.strategy_id,
        signal_id=entry.signal_id,
        parent=entry,
        decision_id=entry.decision_id,
        client_order_id=f"{entry.client_order_id[:56]}-{short}{n}",
        side=side,
        type=OrderType.STOP if role is OrderRole.STOP_LOSS else OrderType.LIMIT,
        role=role,
        order_class=entry.order_class,
        time_in_force=TimeInForce.GTC,
        quantity=entry.quantity,
        requested_quantity=entry.quantity,
        reduce_only=True,
        reference_price=entry.reference_price,
        market_at=entry.market_at,
    )


def _cancel(order: Order, *, at: datetime) -> list[Order]:
    moved = move(
        order, OrderStatus.PENDING_CANCEL, source=EventSource.LOCAL, at=at, message="its position no longer needs it"
    )
    return [order] if moved else []


def _resize(order: Order, action: Resize, *, at: datetime) -> list[Order]:
    name = "stop_price" if order.role == OrderRole.STOP_LOSS else "limit_price"
    wanted = {"quantity": str(order.filled_quantity + action.quantity), name: str(action.price)}
    if order.status == OrderStatus.SUBMITTED:
        # Not at the venue yet: it goes there with the new values.
        order.quantity = Decimal(wanted["quantity"])
        setattr(order, name, action.price)
        order.save()
        return [order]
    order.pending = wanted
    order.save(update_fields=["pending", "updated_at"])
    if order.status in CHANGEABLE:
        move(order, OrderStatus.PENDING_UPDATE, source=EventSource.LOCAL, at=at, message="follows its position")
    return [order]
