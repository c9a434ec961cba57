"""What a strategy really did, in the form in which its twin compares it: steps with what their records say, trades."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q

from analytics.twin.values import Cause, Side, Step, TwinTrade
from domain.orders import EventSource, OrderRole, OrderStatus, OrderType
from domain.signals import SignalOutcome, SignalSide, SkipCode
from portfolio.models import Trade
from trading.models import Fill, Order, OrderEvent, Signal
from trading.twin_life import Life

ZERO = Decimal(0)
Told = tuple[Cause, str]
_ASKED = (SignalOutcome.AWAITING_APPROVAL, SignalOutcome.APPROVED, SignalOutcome.DISMISSED, SignalOutcome.EXPIRED)


def live_side(life: Life) -> Side:
    """Return what a strategy did in its life, up to the bar that its account has come to."""
    orders = list(_orders(life))
    signals = list(
        Signal.objects.filter(strategy=life.strategy, created_at__gt=life.began_at).select_related("instrument")
    )
    fills = _fills(life)
    events = _hand(orders)
    steps = [_step(order, fills, events) for order in orders]
    spoken = {(step.at, step.symbol) for step in steps if step.role in (OrderRole.ENTRY, OrderRole.EXIT)}
    steps += [_silent(signal) for signal in signals if (signal.at, signal.instrument.symbol) not in spoken]
    return Side(
        steps=tuple(sorted(steps, key=lambda step: (step.at, step.symbol, step.role))),
        trades=tuple(_trade(row) for row in _trades(life)),
        n_signals=len(signals),
        n_fills=sum(n for _, _, n in fills.values()),
    )


def _orders(life: Life) -> Any:
    rows = Order.objects.filter(strategy=life.strategy, created_at__gt=life.began_at)
    rows = rows.filter(Q(parent=None) | Q(parent__created_at__gt=life.began_at))
    return rows.select_related("instrument", "signal", "decision").order_by("created_at")


def _fills(life: Life) -> Mapping[UUID, tuple[datetime, Decimal, int]]:
    """Return when each order was filled first, what it paid, and in how many parts."""
    rows = Fill.objects.filter(strategy=life.strategy, created_at__gt=life.began_at).order_by()
    told = rows.values("order_id").annotate(at=Min("at"), n=Count("seq"))
    fees: dict[UUID, Decimal] = {}
    for order_id, fee in rows.values_list("order_id", "fee"):
        fees[order_id] = fees.get(order_id, ZERO) + fee
    return {row["order_id"]: (row["at"], fees[row["order_id"]], row["n"]) for row in told}


def _hand(orders: list[Order]) -> Mapping[UUID, list[OrderEvent]]:
    """Return what people did to the orders, why they were to end, and what fitted no state."""
    telling = Q(source=EventSource.OPERATOR) | Q(to_status=OrderStatus.PENDING_CANCEL)
    unclear = Q(anomaly=True) | Q(message__startswith="Unresolved:")
    rows = OrderEvent.objects.filter(telling | unclear, order__in=orders)
    found: dict[UUID, list[OrderEvent]] = {}
    for event in rows.order_by("seq"):
        found.setdefault(event.order_id, []).append(event)
    return found


def _step(order: Order, fills: Mapping[UUID, Any], events: Mapping[UUID, list[OrderEvent]]) -> Step:
    filled_at, fee, _ = fills.get(order.pk, (None, ZERO, 0))
    told = _hint(order, events.get(order.pk, []))
    is_trailing = order.type == OrderType.TRAILING_STOP  # where it stands by now only the venue knows
    return Step(
        at=order.market_at,
        symbol=order.instrument.symbol,
        role=order.role,
        side=order.side,
        status=order.status,
        quantity=order.quantity,
        filled=order.filled_quantity,
        level=None if is_trailing else order.stop_price or order.limit_price,
        price=order.average_fill_price,
        fee=fee,
        filled_at=filled_at,
        reason=order.reason,
        hint=told[0] if told else None,
        hint_words=told[1] if told else "",
    )


def _hint(order: Order, events: list[OrderEvent]) -> Told | None:
    """Return what an order's own records say of why its shadow may have fared otherwise."""
    if order.unresolved or any(event.anomaly or event.message.startswith("Unresolved:") for event in events):
        return Cause.ORDER_UNRESOLVED, "Nobody knew for a while what had become of the order at the venue."
    if order.signal is not None and order.signal.outcome in _ASKED:
        return Cause.APPROVAL, "The signal waited for your word; a shadow does not wait."
    return _ended(order, events) or _denied(order) or _by_hand(order, events)


def _ended(order: Order, events: list[OrderEvent]) -> Told | None:
    """Return why an order ended at the venue without a fill."""
    asked = [event.message for event in events if event.to_status == OrderStatus.PENDING_CANCEL and event.message]
    why = (asked[-1] if asked else order.reason.strip()) or "no reason was given"
    if order.status == OrderStatus.REJECTED:
        return Cause.VENUE_REFUSED, f"The venue refused the order: {why}."
    if order.status == OrderStatus.CANCELED:
        found = next((cause for words, cause in _ENDINGS.items() if words in why.lower()), None)
        return None if found is None else (found, f"The order was canceled: {why}.")
    return None


_ENDINGS = {
    "not filled within": Cause.LIMIT_TIMED_OUT,
    "kill switch": Cause.KILL_SWITCH,
    "its strategy was stopped": Cause.STRATEGY_STOPPED,
    "the account is reset": Cause.ACCOUNT_RESET,
}


def _denied(order: Order) -> Told | None:
    """Return whether a kill switch or the account's state refused an order."""
    if order.status != OrderStatus.DENIED or order.decision is None:
        return None
    denied = [each for each in order.decision.reasons if each.get("verdict") == "denied"]
    if any(each.get("source") == "kill_switch" for each in denied):
        return Cause.KILL_SWITCH, f"The order was refused: {order.reason}."
    if any(each.get("rule") == "platform:trading_state" for each in denied):
        return Cause.TRADING_STATE, f"The order was refused: {order.reason}."
    return None


def _by_hand(order: Order, events: list[OrderEvent]) -> Told | None:
    mine = [event for event in events if event.source == EventSource.OPERATOR]
    if order.role == OrderRole.MANUAL or (order.signal_id is None and order.parent_id is None and mine):
        return Cause.MANUAL_ORDER, "You placed this order by hand in the name of the strategy."
    if mine:
        what = mine[-1].message or mine[-1].to_status.replace("_", " ")
        return Cause.CHANGED_BY_HAND, f"The order was changed or canceled by hand: {what}."
    return None


def _silent(signal: Signal) -> Step:
    """A signal that became no order."""
    is_exit = signal.side == SignalSide.EXIT
    is_pause = signal.code == SkipCode.STRATEGY_PAUSED
    is_stale = signal.code == SkipCode.STALE_DATA
    hint = Cause.STRATEGY_PAUSED if is_pause else Cause.SIGNAL_SKIPPED if is_stale else None
    return Step(
        at=signal.at,
        symbol=signal.instrument.symbol,
        role=OrderRole.EXIT if is_exit else OrderRole.ENTRY,
        side="" if is_exit else signal.side,
        status=signal.outcome,
        reason=signal.message,
        hint=hint,
        hint_words=signal.message if hint else "",
    )


def _trades(life: Life) -> Any:
    account = life.strategy.account
    rows = Trade.objects.filter(account=account, strategy_id=life.strategy.pk, position__epoch=account.epoch)
    return rows.filter(entry_at__gt=life.start_at).select_related("instrument", "position").order_by("entry_at")


def _trade(row: Trade) -> TwinTrade:
    is_open = row.closed_at is None
    left = row.entry_quantity - row.exit_quantity
    unrealized = (row.position.mark - row.entry_price) * left * row.direction if is_open else ZERO
    return TwinTrade(
        symbol=row.instrument.symbol,
        side=row.side,
        quantity=row.entry_quantity,
        entry_at=row.entry_at,
        entry_price=row.entry_price,
        exit_at=row.closed_at,
        exit_price=None if is_open else row.exit_price,
        pnl_net=row.pnl_net + unrealized,
        fees=row.fees,
    )
