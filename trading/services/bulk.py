"""Many orders at once: cancel all, close positions. Each order is its own transaction and has its own answer.

All of it may be asked again at any time: what is done already is said to be so.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from core.fields import plain
from domain.errors import IllegalState, NotFound, PlatformError, ValidationFailed
from domain.orders import FINAL, EventSource, OrderRole, OrderSide, OrderSpec, OrderStatus, OrderType
from marketdata import selectors as market
from portfolio.models import Position
from strategies.models import Strategy
from trading import selectors
from trading.models import Order
from trading.services import orders, placing
from trading.services.intents import Origin

PROTECTIVE = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)


class Outcome(StrEnum):
    """What became of one order or position."""

    CANCELED = "canceled"
    CANCEL_REQUESTED = "cancel_requested"
    ALREADY_FINAL = "already_final"
    CLOSING = "closing"
    CLOSING_ALREADY = "closing_already"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose orders and positions; each further name narrows it."""

    user_id: UUID
    account_id: UUID | None = None
    strategy_id: UUID | None = None
    symbol: str = ""

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows (orders or positions) that are selected."""
        rows = rows.filter(user_id=self.user_id)
        rows = rows.filter(account_id=self.account_id) if self.account_id else rows
        rows = rows.filter(strategy_id=self.strategy_id) if self.strategy_id else rows
        return rows.filter(instrument__symbol=self.symbol.upper()) if self.symbol else rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What happened to one order (or position: then ``order_id`` is the order that closes it)."""

    symbol: str
    outcome: Outcome
    message: str
    order_id: UUID | None = None
    position_id: UUID | None = None
    status: str = ""


def cancel_all(
    selection: Selection,
    *,
    reason: str,
    only_new_risk: bool = False,
    source: EventSource = EventSource.OPERATOR,
) -> tuple[Done, ...]:
    """Cancel every selected order that is not final; with ``only_new_risk`` exits and protective ones stay."""
    rows = selection.of(Order.objects.exclude(status__in=[s.value for s in FINAL])).order_by("created_at")
    if only_new_risk:
        rows = rows.filter(reduce_only=False).exclude(role__in=PROTECTIVE)
    return tuple(_cancel(row, reason=reason, source=source) for row in rows.select_related("instrument"))


def _cancel(order: Order, *, reason: str, source: EventSource) -> Done:
    symbol, at = order.instrument.symbol, market.market_time(order.instrument)
    try:
        now = orders.cancel_order(order.pk, at=at, source=source, reason=reason)
    except IllegalState as error:  # it came to its end meanwhile, or with its parent just now
        status = Order.objects.values_list("status", flat=True).get(pk=order.pk)
        return Done(
            symbol=symbol, outcome=Outcome.ALREADY_FINAL, message=error.message, order_id=order.pk, status=status
        )
    except PlatformError as error:
        return Done(
            symbol=symbol, outcome=Outcome.FAILED, message=error.message, order_id=order.pk, status=order.status
        )
    done = OrderStatus(now.status) in FINAL
    outcome = Outcome.CANCELED if done else Outcome.CANCEL_REQUESTED
    return Done(symbol=symbol, outcome=outcome, message=now.reason, order_id=order.pk, status=now.status)


def close_all(selection: Selection, *, reason: str, key: str = "") -> tuple[tuple[Done, ...], tuple[Done, ...]]:
    """Cancel the selected entries, then close the selected positions; return what happened to each.

    With a ``key`` the closing orders have client order ids made of it: the same key again gives the same orders.
    """
    canceled = cancel_all(selection, reason=reason, only_new_risk=True)
    return canceled, tuple(_close(position, key=key) for position in open_positions(selection))


def open_positions(selection: Selection) -> list[Position]:
    """Return the selected positions that hold something now."""
    rows = selection.of(Position.objects.filter(is_open=True, epoch=F("account__epoch")))
    return list(rows.select_related("account", "instrument").order_by("created_at", "pk"))


def _close(position: Position, *, key: str) -> Done:
    symbol = position.instrument.symbol
    client_order_id = f"c-{hashlib.sha256(f'{key}:{position.pk}'.encode()).hexdigest()[:32]}" if key else ""
    try:
        order = close_position(position, client_order_id=client_order_id)
    except PlatformError as error:
        already = any(e.code == "nothing_to_reduce" for e in error.errors)
        outcome = Outcome.CLOSING_ALREADY if already else Outcome.FAILED
        return Done(symbol=symbol, outcome=outcome, message=error.message, position_id=position.pk)
    denied = order.status == OrderStatus.DENIED
    return Done(
        symbol=symbol,
        outcome=Outcome.DENIED if denied else Outcome.CLOSING,
        message=order.reason or f"{order.side} {plain(order.quantity)} {symbol} sent to the broker",
        order_id=order.pk,
        position_id=position.pk,
        status=order.status,
    )


def close_position(position: Position, *, quantity: Decimal | None = None, client_order_id: str = "") -> Order:
    """Close a position (or a part of it) with a reduce-only market order and return the order.

    Raises IllegalState when it is flat, ValidationFailed when an order closes it already or the quantity is too large.
    """
    if client_order_id:
        present = Order.objects.filter(account=position.account, client_order_id=client_order_id).first()
        if present is not None:
            return present
    held = selectors.held_quantity(position.account, position.instrument, position.strategy_id)
    if not held:
        raise IllegalState(f"The position in {position.instrument.symbol} is flat", code="position_is_flat")
    if quantity is not None and quantity > abs(held):
        text = f"{plain(quantity)} is more than the {plain(abs(held))} that are held"
        raise ValidationFailed(text, field="quantity", code="too_large")
    spec = OrderSpec(
        symbol=position.instrument.symbol,
        side=OrderSide.SELL if held > 0 else OrderSide.BUY,
        quantity=quantity or abs(held),
        type=OrderType.MARKET,
        reduce_only=True,
        role=OrderRole.EXIT,
    )
    origin = Origin(strategy=_strategy_of(position), client_order_id=client_order_id, source=EventSource.OPERATOR)
    return placing.place(position.account_id, spec, origin=origin)


def _strategy_of(position: Position) -> Strategy | None:
    if position.strategy_id is None:
        return None
    found: Strategy | None = Strategy.objects.filter(pk=position.strategy_id).first()
    if found is None:
        raise NotFound("The strategy of this position is gone")
    return found
