"""apply_report(): what a venue says becomes the order's state, fills, position, cash and trade, in one transaction.

Reports may come late, twice and out of order: a fill is booked once (unique by account and venue fill id), a status
only where the table allows it. The answer is what must now be carried to the venue (protective orders to place, resize
or cancel): committed with the fill, dispatched by the caller after it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from core import faults, later
from core.bus import publish
from core.prepared import Prepared, insert, update
from domain import events
from domain.matching import Phase
from domain.orders import FINAL, OPEN, EventSource, ExecutionReport, OrderStatus, VenueFill
from portfolio import selectors as portfolio
from portfolio.models import Account
from portfolio.services.books import book_fill
from trading import selectors
from trading.models import Fill, Order
from trading.services.leases import Lease
from trading.services.protecting import orders_of_position, planned_by, protect
from trading.services.transitions import move, note, order_fact

ZERO = Decimal(0)


def apply_report(
    account_id: UUID,
    report: ExecutionReport,
    *,
    source: EventSource,
    arrival: Phase = Phase.BEFORE,
    at: datetime | None = None,
    lease: Lease | None = None,
) -> tuple[Order, ...]:
    """Book what a venue says of one order; return the orders that must now be dispatched.

    Publishes the facts of the order, fills, position. ``arrival`` is the phase of the bar (paper venue), ``at`` the
    market time, for the protective orders that follow. Unknown orders are ignored here (reconciliation shows them).
    """
    with later.together():
        if lease is not None:
            lease.check()
        account = portfolio.locked_account(account_id)
        order = _locked_order(account, report.client_order_id)
        if order is None:
            return ()
        new = [fill for fill in report.fills if not _is_booked(account, fill)]
        others = _beside(account, order) if new else None
        follow_ups: list[Order] = []
        for fill in sorted(new, key=lambda f: (f.at, f.venue_fill_id)):
            follow_ups += _book(
                account, order, fill, source=source, arrival=arrival, at=at or fill.at, others=others or []
            )
        _take_status(order, report, source=source, at=at or report.at or order.market_at)
        if OrderStatus(order.status) in FINAL:
            release_children(order, at=at or report.at or order.market_at, orders=others)
    if new:
        faults.point("execution.after_fill")
    return tuple({each.pk: each for each in follow_ups}.values())


def _beside(account: Account, order: Order) -> list[Order]:
    """The orders of an order's position that are not final, locked; the order itself as the one object it is."""
    rows = orders_of_position(account, order.instrument_id, order.strategy_id)
    return [order if row.pk == order.pk else row for row in rows]


def _locked_order(account: Account, client_order_id: str) -> Order | None:
    order = _order_of.first(account_id=account.pk, client_order_id=client_order_id)
    if order is not None:
        order.account = account  # the locked row, not another copy of it
    return order


_order_of: Prepared[Order] = Prepared(
    lambda account_id, client_order_id: (
        Order.objects.select_for_update(of=("self",))
        .select_related("instrument")
        .filter(account_id=account_id, client_order_id=client_order_id)
        .order_by()
    ),
    account_id=UUID,
    client_order_id=str,
)


def _is_booked(account: Account, fill: VenueFill) -> bool:
    return bool(_fill_of(account_id=account.pk, venue_fill_id=fill.venue_fill_id))


_fill_of: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id, venue_fill_id: Fill.objects.filter(
        account_id=account_id, venue_fill_id=venue_fill_id
    ).values_list("pk"),
    account_id=UUID,
    venue_fill_id=str,
)


def _book(
    account: Account,
    order: Order,
    fill: VenueFill,
    *,
    source: EventSource,
    arrival: Phase,
    at: datetime,
    others: list[Order],
) -> list[Order]:
    """Store one fill and everything it moves; return the follow-ups."""
    row = Fill(
        user_id=order.user_id,
        account=account,
        order=order,
        instrument=order.instrument,
        strategy_id=order.strategy_id,
        epoch=account.epoch,
        venue_fill_id=fill.venue_fill_id,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        at=fill.at,
    )
    insert([row])
    is_first = not order.filled_quantity
    _add_to_order(order, fill, source=source, at=at)
    publish(
        events.FillRecorded(
            at=fill.at,
            user_id=order.user_id,
            account_id=account.pk,
            fill_id=row.id,
            order_id=order.pk,
            strategy_id=order.strategy_id,
            symbol=order.instrument.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
        )
    )
    booked = book_fill(
        account,
        selectors.domain_fill(row),
        history=lambda: selectors.fills_for_position(account, order.instrument_id, order.strategy_id),
        at=at,
        signal_price=order.reference_price if order.signal_id else None,
        plan=planned_by(order) if is_first else None,
        tick=order.instrument.tick_size,
    )
    return protect(account, booked.position, cause=order, arrival=arrival, at=at, orders=others)


def _add_to_order(order: Order, fill: VenueFill, *, source: EventSource, at: datetime) -> None:
    """Move the order's filled quantity, average price and status by one fill; late and excess fills are noted."""
    before = order.filled_quantity
    value = (order.average_fill_price or ZERO) * before + fill.price * fill.quantity
    order.filled_quantity = before + fill.quantity
    order.average_fill_price = value / order.filled_quantity
    _resolve(order, at=at)
    if order.filled_quantity > order.quantity:
        text = f"Overfill: {order.filled_quantity} of {order.quantity} ordered; the venue is right"
        note(order, OrderStatus.FILLED, source=source, at=at, message=text, anomaly=True)
    done = order.filled_quantity >= order.quantity
    if OrderStatus(order.status) in FINAL and order.status != OrderStatus.FILLED:
        note(order, OrderStatus.FILLED, source=source, at=at, message="A fill came after the end; booked", anomaly=True)
        order.save()
        return
    to = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
    if not move(order, to, source=source, at=at, message=f"{_plain(fill.quantity)} at {_plain(fill.price)}"):
        order.save()


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _take_status(order: Order, report: ExecutionReport, *, source: EventSource, at: datetime) -> None:
    """Follow the venue's status where the fills have not done so already."""
    _resolve(order, at=at)
    is_new_id = bool(report.venue_order_id) and order.venue_order_id != report.venue_order_id
    if is_new_id:
        order.venue_order_id = report.venue_order_id
    if not _follow_status(order, report, source=source, at=at) and is_new_id:
        update(order, ["venue_order_id", "updated_at"])


def _follow_status(order: Order, report: ExecutionReport, *, source: EventSource, at: datetime) -> bool:
    """Bring the order to the reported status where that is news; return whether its row was saved."""
    old, new = OrderStatus(order.status), report.status
    if old is OrderStatus.PENDING_UPDATE:
        return _take_update(order, report, at=at, source=source)
    told_by_fills = new is OrderStatus.FILLED or new is OrderStatus.PARTIALLY_FILLED
    if old in FINAL or told_by_fills or (old in OPEN and new is OrderStatus.ACCEPTED):
        return False  # the fills say it, or it is an older answer than what is known already
    return move(order, new, source=source, at=at, message=report.reason, raw=report.raw)


def _take_update(order: Order, report: ExecutionReport, *, source: EventSource, at: datetime) -> bool:
    """A replacement that the venue took: its values are in force and the order works again."""
    for name, value in order.pending.items():
        if value is not None:
            setattr(order, name, Decimal(value))
    order.pending = {}
    back = OrderStatus(order.status_before or OrderStatus.ACCEPTED)
    if order.filled_quantity:
        back = OrderStatus.FILLED if order.filled_quantity >= order.quantity else OrderStatus.PARTIALLY_FILLED
    to = report.status if report.status in FINAL else back
    return move(order, to, source=source, at=at, message="changed")


def _resolve(order: Order, *, at: datetime) -> None:
    """The venue has spoken of an unresolved order: its fate is known."""
    if not order.unresolved:
        return
    order.unresolved, order.unresolved_until = False, None
    order.save(update_fields=["unresolved", "unresolved_until", "updated_at"])
    publish(order_fact(events.OrderResolved, order, at=timezone.now(), reason="the venue knows the order"))


def release_children(order: Order, *, at: datetime, orders: list[Order] | None = None) -> None:
    """Cancel the children that an ended entry still holds: nothing was filled, or the position is protected already.

    ``orders`` spares reading what the caller has locked already.
    """
    if not order.plan:
        return  # no child was ever held for it
    if orders is None:
        held = Order.objects.select_for_update(of=("self",)).filter(parent=order, status=OrderStatus.HELD)
        orders = list(held.select_related("account", "instrument"))
    text = "the position's own protection covers it" if order.filled_quantity else f"its entry is {order.status}"
    for child in orders:
        if child.parent_id == order.pk and child.status == OrderStatus.HELD:
            move(child, OrderStatus.CANCELED, source=EventSource.LOCAL, at=at, message=text)
