"""Protective orders that fit the position: asked after every fill, committed with it, carried to the venue after it.

What is needed is decided by ``domain.protection`` (the backtest engine asks the same function). Here the answer becomes
orders: held children of the entry are released, others are made, resized or cancelled.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from core.bus import publish
from domain.events import PositionUnprotected
from domain.matching import Phase
from domain.orders import FINAL, EventSource, OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce
from domain.protection import Action, Cancel, Place, ProtectionPlan, Protective, Resize, actions
from portfolio.models import Account, Position
from portfolio.services.books import set_protection
from trading.models import Order
from trading.services.transitions import begin, move

ROLES = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
CHANGEABLE = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


def protect(account: Account, position: Position, *, cause: Order, arrival: Phase, at: datetime) -> Sequence[UUID]:
    """Fit the protective orders to a position after ``cause``; return the orders to dispatch.

    Runs inside the transaction of the fill, the account locked; whoever fits without a fill changes no plan.
    """
    working = _working(account, position)
    needed = actions(
        plan=plan_of(position),
        quantity=position.quantity,
        average=position.average_price,
        tick=cause.instrument.tick_size,
        working=[_protective(order) for order in working],
    )
    by_id = {order.client_order_id: order for order in working}
    done = [order_id for action in needed for order_id in _carry_out(action, by_id, cause, arrival=arrival, at=at)]
    return [*done, *_fit_exits(account, position, at=at)]


def _fit_exits(account: Account, position: Position, *, at: datetime) -> list[UUID]:
    """Cut resting reduce-only orders down to what is still held, so that none of them turns the position round."""
    rows = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument")
    rows = rows.filter(
        Q(strategy_id=position.strategy_id), account=account, instrument_id=position.instrument_id, reduce_only=True
    ).exclude(role__in=ROLES)
    done: list[UUID] = []
    for order in rows.exclude(status__in=[*FINAL, OrderStatus.PENDING_CANCEL]).order_by("created_at"):
        left = max(Decimal(0), -position.quantity * OrderSide(order.side).sign)
        if not left:
            done += _cancel(order, at=at)
        elif order.quantity - order.filled_quantity > left and order.status in CHANGEABLE:
            order.pending = {"quantity": str(order.filled_quantity + left)}
            order.save(update_fields=["pending", "updated_at"])
            move(order, OrderStatus.PENDING_UPDATE, source=EventSource.LOCAL, at=at, message="follows its position")
            done.append(order.pk)
    return done


def plan_of(position: Position) -> ProtectionPlan:
    """What the position's entries asked for."""
    return ProtectionPlan(
        stop_price=position.stop_price,
        stop_percent=position.stop_percent,
        target_price=position.target_price,
        target_percent=position.target_percent,
    )


def keep_plan(position: Position, cause: Order) -> None:
    """Take the plan of an entry at its first fill; the books forget it when the position is flat."""
    opened_more = position.quantity * OrderSide(cause.side).sign > 0
    if not (cause.plan and opened_more) or cause.role in ROLES:
        return
    set_protection(position, ProtectionPlan(**{name: Decimal(value) for name, value in cause.plan.items()}))


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


def _working(account: Account, position: Position) -> list[Order]:
    """Protective orders of the position that are, or are about to be, at the venue."""
    rows = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument")
    rows = rows.filter(
        Q(strategy_id=position.strategy_id), account=account, instrument_id=position.instrument_id, role__in=ROLES
    ).exclude(status__in=[*FINAL, OrderStatus.HELD, OrderStatus.PENDING_CANCEL])
    return list(rows.order_by("created_at"))


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


def _carry_out(action: Action, working: dict[str, Order], cause: Order, *, arrival: Phase, at: datetime) -> list[UUID]:
    if isinstance(action, Place):
        return [_place(action, cause, arrival=arrival, at=at)]
    order = working[action.order_id]
    if isinstance(action, Cancel):
        return _cancel(order, at=at)
    return _resize(order, action, at=at)


def _place(action: Place, cause: Order, *, arrival: Phase, at: datetime) -> UUID:
    order = _held_child(action, cause) or _new_child(action, cause)
    order.quantity = order.requested_quantity = action.quantity
    is_stop = action.role is OrderRole.STOP_LOSS
    order.stop_price = action.price if is_stop else None
    order.limit_price = None if is_stop else action.price
    order.market_at, order.arrival = at, int(arrival)
    store = begin if order._state.adding else move
    store(order, OrderStatus.SUBMITTED, source=EventSource.LOCAL, at=at, message="protects the position")
    return order.pk


def _held_child(action: Place, cause: Order) -> Order | None:
    rows = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument")
    return rows.filter(parent=_entry_of(cause), role=action.role, status=OrderStatus.HELD).first()


def _entry_of(cause: Order) -> Order:
    return cause.parent if cause.role in ROLES and cause.parent is not None else cause


def _new_child(action: Place, cause: Order) -> Order:
    entry = _entry_of(cause)
    n = Order.objects.filter(parent=entry, role=action.role).count() + 1
    return make_child(entry, action.role, side=action.side, n=n)


def make_child(entry: Order, role: OrderRole, *, side: str, n: int) -> Order:
    """Build (not save) a protective order of an entry: reduce-only, good till cancelled."""
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


def _cancel(order: Order, *, at: datetime) -> list[UUID]:
    moved = move(
        order, OrderStatus.PENDING_CANCEL, source=EventSource.LOCAL, at=at, message="its position no longer needs it"
    )
    return [order.pk] if moved else []


def _resize(order: Order, action: Resize, *, at: datetime) -> list[UUID]:
    name = "stop_price" if order.role == OrderRole.STOP_LOSS else "limit_price"
    wanted = {"quantity": str(order.filled_quantity + action.quantity), name: str(action.price)}
    if order.status == OrderStatus.SUBMITTED:
        # Not at the venue yet: it goes there with the new values.
        order.quantity = Decimal(wanted["quantity"])
        setattr(order, name, action.price)
        order.save()
        return [order.pk]
    order.pending = wanted
    order.save(update_fields=["pending", "updated_at"])
    if order.status in CHANGEABLE:
        move(order, OrderStatus.PENDING_UPDATE, source=EventSource.LOCAL, at=at, message="follows its position")
    return [order.pk]
