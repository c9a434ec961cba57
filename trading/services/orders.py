"""submit_order(): the one door through which every order goes, whoever wants it; and cancel and replace.

In one transaction, the account locked: the order is checked, the risk gate decides, and the order is committed as
denied, awaiting approval, or submitted. Only then, outside any transaction, is the venue called.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from core import later
from domain.errors import Conflict, FieldError, IllegalState, ValidationFailed
from domain.matching import first_trail
from domain.order_checks import faults
from domain.orders import (
    FINAL,
    OPEN,
    EventSource,
    OrderClass,
    OrderRole,
    OrderSide,
    OrderSpec,
    OrderStatus,
    OrderType,
)
from domain.portfolio import AccountSnapshot
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk.decisions import Decision, MarketView, OrderIntent
from risk.models import RiskDecision
from risk.services.gate import check_order
from trading import selectors
from trading.models import Order
from trading.services import intents, sending
from trading.services.feeds import follow
from trading.services.intents import Origin
from trading.services.protecting import keep_by_hand, make_child
from trading.services.transitions import begin, move

PLAN_FIELDS = {
    "stop_price": "stop_loss_price",
    "stop_percent": "stop_loss_percent",
    "target_price": "take_profit_price",
    "target_percent": "take_profit_percent",
}
LOCAL_CANCEL = (OrderStatus.INITIALIZED, OrderStatus.PENDING_APPROVAL, OrderStatus.HELD)


def submit_order(
    account_id: UUID, spec: OrderSpec, *, origin: Origin | None = None, at: datetime | None = None
) -> Order:
    """Place one order and carry it to the venue; return it in the state it has then (denied is a state, no error).

    ``at`` is the market time of the decision (default: the instrument's now). Raises ValidationFailed for a malformed
    order, NotFound for an unknown instrument or account, Conflict for a client order id that was used for another one.
    Publishes OrderDenied or OrderSubmitted, and what the venue's answer brings.
    """
    order, is_new = commit_order(account_id, spec, origin=origin or Origin(), at=at)
    if is_new:
        sending.dispatch([order])
    return Order.objects.select_related("account", "instrument", "strategy", "decision").get(pk=order.pk)


def commit_order(
    account_id: UUID, spec: OrderSpec, *, origin: Origin, at: datetime | None = None
) -> tuple[Order, bool]:
    """Decide and commit an order without sending it; return it and whether it is new. See :func:`submit_order`."""
    with later.together():
        account = portfolio.locked_account(account_id)
        same = _already_there(account, spec, origin)
        if same is not None:
            return same, False
        return decide_order(account, spec, origin=origin, at=at), True


def decide_order(account: Account, spec: OrderSpec, *, origin: Origin, at: datetime | None = None) -> Order:
    """Decide and store a new order of a locked account inside the caller's transaction. See :func:`submit_order`."""
    instrument = origin.instrument or market.instrument(spec.symbol)
    follow(account, instrument)
    return _decide(account, instrument, spec, origin, at or market.market_time(instrument))


def _already_there(account: Account, spec: OrderSpec, origin: Origin) -> Order | None:
    if not origin.client_order_id:
        return None
    found = Order.objects.filter(account=account, client_order_id=origin.client_order_id).first()
    if found is None:
        return None
    if found.instrument.symbol != spec.symbol.upper() or not _asks_the_same(found, spec):
        text = f"The client order id {origin.client_order_id!r} was used for another order"
        raise Conflict(text, field="client_order_id", code="client_order_id_used")
    return found


def _asks_the_same(found: Order, spec: OrderSpec) -> bool:
    """Is an order what ``spec`` asks for? A reduce-only one was perhaps cut down to what was held."""
    names = ("side", "type", "time_in_force", "limit_price", "stop_price", "trail_percent", "reduce_only")
    if any(getattr(found, name) != getattr(spec, name) for name in names):
        return False
    if found.requested_quantity != spec.quantity:
        return found.reduce_only and found.requested_quantity < spec.quantity
    return True


@dataclass(frozen=True, slots=True)
class Question:
    """A well-formed order as the risk gate is asked about it."""

    spec: OrderSpec
    mark: market.Mark | None
    snapshot: AccountSnapshot
    intent: OrderIntent
    view: MarketView


def question_of(account: Account, instrument: Instrument, spec: OrderSpec, origin: Origin, at: datetime) -> Question:
    """Put an order into the form in which the gate judges it (the account locked). Raises ValidationFailed."""
    _check_currency(account, instrument)
    mark = intents.mark_of(instrument, origin, at=at)
    snapshot = origin.snapshot or selectors.snapshot(account, at=at)
    spec = _fit_reduce_only(account, instrument, spec, origin, snapshot)
    wrong = faults(spec, market.spec(instrument), mark.price if mark else None)
    if wrong:
        raise ValidationFailed.of(wrong)
    intent = intents.intent_of(spec, instrument, origin, mark)
    return Question(
        spec=spec,
        mark=mark,
        snapshot=snapshot,
        intent=intent,
        view=intents.market_view(account, instrument, intent, mark, snapshot=snapshot, origin=origin, at=at),
    )


# Kept at par with the dollar by their issuers; an account in dollars may trade what is quoted in them.
DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "DAI"})


def _check_currency(account: Account, instrument: Instrument) -> None:
    """An account's books are kept in one currency; nothing is converted. Raises ValidationFailed."""
    quoted, kept = instrument.currency.upper(), account.currency.upper()
    if quoted != kept and not {quoted, kept} <= DOLLARS:
        text = f"{instrument.symbol} is quoted in {quoted}, the account {account.name} is kept in {kept}"
        raise ValidationFailed(text, field="symbol", code="other_currency")


def _decide(account: Account, instrument: Instrument, spec: OrderSpec, origin: Origin, at: datetime) -> Order:
    asked = question_of(account, instrument, spec, origin, at)
    decision, row = check_order(account, asked.intent, asked.snapshot, market=asked.view, at=at)
    order = _make(account, instrument, asked, origin, at=at, decision=decision, row=row)
    return _settle(order, asked.spec, decision, origin, at=at)


def _fit_reduce_only(
    account: Account, instrument: Instrument, spec: OrderSpec, origin: Origin, snapshot: AccountSnapshot
) -> OrderSpec:
    """Cut a reduce-only order down to what is held: it never turns a position round."""
    if not spec.reduce_only:
        return spec
    held = snapshot.position_quantity(instrument.pk, origin.strategy_id)
    left = abs(held) - _closing_already(account, instrument, spec, origin.strategy_id)
    if held * spec.side.sign >= 0 or left <= 0:
        text = f"There is no {instrument.symbol} position left that a {spec.side} order would reduce"
        raise ValidationFailed(text, field="reduce_only", code="nothing_to_reduce")
    return replace(spec, quantity=min(spec.quantity, left))


def _closing_already(account: Account, instrument: Instrument, spec: OrderSpec, strategy_id: UUID | None) -> Decimal:
    """What market orders on their way will take off the position: two of them must not turn it round together."""
    rows = selectors.open_orders(account.pk).filter(
        Q(strategy_id=strategy_id), instrument=instrument, side=spec.side, type=OrderType.MARKET, reduce_only=True
    )
    return sum((row.quantity - row.filled_quantity for row in rows), Decimal(0))


def _make(
    account: Account,
    instrument: Instrument,
    asked: Question,
    origin: Origin,
    *,
    at: datetime,
    decision: Decision,
    row: RiskDecision,
) -> Order:
    """Build (not store) the order that was decided on."""
    spec, mark = asked.spec, asked.mark
    has_legs = any(getattr(spec, name) is not None for name in PLAN_FIELDS.values())
    return Order(
        user_id=account.user_id,
        account=account,
        instrument=instrument,
        strategy=origin.strategy,
        signal_id=None if origin.signal is None else origin.signal.pk,
        decision=row,
        client_order_id=origin.client_order_id or uuid.uuid4().hex,
        side=spec.side,
        type=spec.type,
        role=spec.role,
        order_class=OrderClass.BRACKET if has_legs else OrderClass.SIMPLE,
        time_in_force=spec.time_in_force,
        quantity=decision.quantity if decision.quantity > 0 else spec.quantity,
        requested_quantity=spec.quantity,
        limit_price=spec.limit_price,
        stop_price=_stop_price(instrument, spec, mark),
        trail_percent=spec.trail_percent,
        reduce_only=spec.reduce_only,
        plan=_plan(spec, asked.snapshot.position_quantity(instrument.pk, origin.strategy_id), decision),
        reference_price=mark.price if mark else None,
        market_at=at,
    )


def _stop_price(instrument: Instrument, spec: OrderSpec, mark: market.Mark | None) -> Decimal | None:
    """The order's stop; a trailing one begins behind the last price."""
    if spec.trail_percent is None or mark is None:
        return spec.stop_price
    return first_trail(spec.side, spec.trail_percent, mark.price, instrument.tick_size)


def _plan(spec: OrderSpec, held: Decimal, decision: Decision) -> dict[str, str]:
    """Stop and target of what an order opens: what it names itself, else the percents of the rules in force."""
    if spec.reduce_only or (held * spec.side.sign < 0 and spec.quantity <= abs(held)):
        return {}
    given: dict[str, Any] = {name: getattr(spec, field) for name, field in PLAN_FIELDS.items()}
    if given["stop_price"] is None and given["stop_percent"] is None:
        given["stop_percent"] = decision.stop_loss_percent
    if given["target_price"] is None and given["target_percent"] is None:
        given["target_percent"] = decision.take_profit_percent
    return {name: str(value) for name, value in given.items() if value is not None}


def _settle(order: Order, spec: OrderSpec, decision: Decision, origin: Origin, *, at: datetime) -> Order:
    """Store the new order in its first status: denied, awaiting approval, or submitted with its children held."""
    if decision.is_denied:
        begin(order, OrderStatus.DENIED, source=origin.source, at=at, message=decision.message)
    elif origin.needs_approval and not spec.reduce_only:
        begin(order, OrderStatus.PENDING_APPROVAL, source=origin.source, at=at, message="waits for your approval")
    else:
        begin(order, OrderStatus.SUBMITTED, source=origin.source, at=at)
        _hold_children(order, at=at)
    return order


def _hold_children(order: Order, *, at: datetime) -> None:
    """Make the protective orders of an entry, held until it fills (their levels follow the fill)."""
    roles = (("stop", OrderRole.STOP_LOSS), ("target", OrderRole.TAKE_PROFIT))
    for name, role in roles:
        price, percent = order.plan.get(f"{name}_price"), order.plan.get(f"{name}_percent")
        if price is None and percent is None:
            continue
        child = make_child(order, role, side=OrderSide(order.side).opposite, n=1)
        level = Decimal(price) if price is not None else None
        child.stop_price = level if role is OrderRole.STOP_LOSS else None
        child.limit_price = level if role is OrderRole.TAKE_PROFIT else None
        begin(child, OrderStatus.HELD, source=EventSource.LOCAL, at=at, message="waits for its entry")


def approve_order(order_id: UUID, *, at: datetime) -> Order:
    """Send an order that waited for approval, after asking the risk gate again. Raises IllegalState."""
    with later.together():
        order = _locked(order_id)
        if order.status != OrderStatus.PENDING_APPROVAL:
            raise IllegalState(f"This order does not wait for approval; it is {order.status.replace('_', ' ')}")
        account = portfolio.locked_account(order.account_id)
        decision, row = _decide_again(account, order, {"quantity": order.quantity}, at=at)
        order.decision, order.market_at = row, at
        if decision.is_denied:
            move(order, OrderStatus.DENIED, source=EventSource.OPERATOR, at=at, message=decision.message)
        else:
            order.quantity = min(order.quantity, decision.quantity)
            move(order, OrderStatus.SUBMITTED, source=EventSource.OPERATOR, at=at)
            _hold_children(order, at=at)
    sending.dispatch([order.pk])
    return Order.objects.select_related("account", "instrument", "decision").get(pk=order.pk)


def _decide_again(
    account: Account, order: Order, changes: dict[str, Decimal], *, at: datetime
) -> tuple[Decision, RiskDecision]:
    spec = replace(intents.spec_of(order), **changes)  # type: ignore[arg-type]  # keys are checked by the serializer
    origin = Origin(strategy=order.strategy)
    mark = intents.mark_of(order.instrument, origin, at=at)
    intent = intents.intent_of(spec, order.instrument, origin, mark)
    snapshot = _without(selectors.snapshot(account, at=at), order.client_order_id)
    view = intents.market_view(
        account, order.instrument, intent, mark, snapshot=snapshot, origin=origin, at=at, but=order.pk
    )
    return check_order(account, intent, snapshot, market=view, at=at)


def _without(snapshot: AccountSnapshot, client_order_id: str) -> AccountSnapshot:
    return replace(snapshot, working=tuple(w for w in snapshot.working if w.client_order_id != client_order_id))


def _locked(order_id: UUID) -> Order:
    """Lock the account, then the order (always in that sequence), inside the caller's transaction."""
    account_id = Order.objects.values_list("account_id", flat=True).get(pk=order_id)
    portfolio.locked_account(account_id)
    rows = Order.objects.select_for_update(of=("self",)).select_related("account", "instrument", "strategy")
    return rows.get(pk=order_id)


def cancel_order(order_id: UUID, *, at: datetime, source: EventSource = EventSource.LOCAL, reason: str = "") -> Order:
    """Cancel an order: at once where it never left us, else by asking the venue. Raises IllegalState if it is final."""
    with transaction.atomic():
        order = _locked(order_id)
        status = OrderStatus(order.status)
        if status in FINAL:
            raise IllegalState(f"The order is {status.value} already and cannot be canceled", code="order_is_final")
        if status in LOCAL_CANCEL:
            move(order, OrderStatus.CANCELED, source=source, at=at, message=reason or "canceled before it was sent")
        elif status is not OrderStatus.PENDING_CANCEL:
            move(order, OrderStatus.PENDING_CANCEL, source=source, at=at, message=reason or "cancel requested")
            keep_by_hand(order, level=None, at=at)
    sending.dispatch([order.pk])
    return Order.objects.select_related("account", "instrument").get(pk=order.pk)


def replace_order(order_id: UUID, changes: dict[str, Decimal], *, at: datetime) -> Order:
    """Change quantity, limit or stop price of a working order, after asking the risk gate for the new one.

    Raises IllegalState when it does not work at the venue, ValidationFailed with field errors.
    """
    with transaction.atomic():
        order = _locked(order_id)
        if order.status not in (OPEN - {OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE}):
            raise IllegalState(f"An order that is {order.status.replace('_', ' ')} cannot be changed")
        _check_changes(order, changes)
        _ask_gate(order, changes, at=at)
        order.pending = {name: str(value) for name, value in changes.items()}
        order.save(update_fields=["pending", "updated_at"])
        move(order, OrderStatus.PENDING_UPDATE, source=EventSource.LOCAL, at=at, message="change requested")
        level = changes.get("stop_price") or changes.get("limit_price")
        if level is not None:
            keep_by_hand(order, level=level, at=at)
    sending.dispatch([order.pk])
    return Order.objects.select_related("account", "instrument").get(pk=order.pk)


def _check_changes(order: Order, changes: dict[str, Decimal]) -> None:
    spec = replace(intents.spec_of(order), **changes)  # type: ignore[arg-type]  # keys are checked by the serializer
    wrong = list(faults(spec, market.spec(order.instrument), None))
    quantity = changes.get("quantity")
    if quantity is not None and quantity <= order.filled_quantity:
        text = f"{quantity} is not above the {order.filled_quantity} that are filled already"
        wrong.append(FieldError("quantity", "min_value", text))
    if order.reduce_only and quantity is not None and quantity > order.requested_quantity:
        text = f"A reduce-only order cannot grow beyond {order.requested_quantity}"
        wrong.append(FieldError("quantity", "max_value", text))
    if wrong:
        raise ValidationFailed.of(tuple(wrong))


def _ask_gate(order: Order, changes: dict[str, Decimal], *, at: datetime) -> None:
    """A larger or dearer order is new risk: deny it as one. Raises IllegalState with the reasons."""
    if order.reduce_only:
        return
    quantity = changes.get("quantity", order.quantity) - order.filled_quantity
    decision, row = _decide_again(order.account, order, {**changes, "quantity": quantity}, at=at)
    if decision.is_denied or decision.quantity < quantity:
        raise IllegalState(decision.message, code="denied")
    order.decision = row
    order.save(update_fields=["decision", "updated_at"])
