"""The paper venue: an order book that executes against bars, durable in its own tables.

It behaves as a real venue: takes a client order id once, answers with reports, keeps orders and fills over a crash,
and can be asked for them. Bars are brought by the pipeline (:meth:`PaperBroker.advance`), one execution at a time, each
committed before it is told, so that a crash in between loses none and doubles none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core import faults
from core.prepared import Prepared, insert, update
from domain.bars import Bar
from domain.costs import TIER_DAYS, ZERO, Costs
from domain.errors import BrokerError
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
from domain.orders import ExecutionReport, OrderSide, OrderStatus, OrderType, TimeInForce, VenueFill
from marketdata.models import Instrument
from trading.brokers.base import BrokerOrder, CostsOf, Replacement
from trading.venue_models import PaperBook, PaperFill, PaperOrder

CHANGING = ("status", "reason", "triggered", "arrived_at", "arrival", "filled_quantity", "updated_at")
WORKING = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Told:
    """One execution as the venue tells it, and the phase of the bar in which it happened."""

    report: ExecutionReport
    phase: Phase


class PaperBroker:
    """The book of one paper account."""

    name = "paper"
    dedupes_client_id = True

    def __init__(self, account_id: UUID, costs_of: CostsOf) -> None:
        """``costs_of(instrument) -> Costs`` gives the account's fees, slippage and the instrument's tick."""
        self.account_id = account_id
        self._costs_of = costs_of
        self._known_costs: dict[UUID, Costs] = {}

    # -- the broker port ------------------------------------------------------------------------------------------

    def submit(self, order: BrokerOrder) -> ExecutionReport:
        """Take an order; the same client order id again gives the order that is there (never a second one)."""
        with transaction.atomic():
            book = self._locked_book()
            present = self._find(order.client_order_id)
            if present is None:
                book.n_orders += 1
                update(book, ["n_orders"])
                present = self._take(order, book.n_orders)
        return self._report(present)

    def _take(self, order: BrokerOrder, sequence: int) -> PaperOrder:
        row = PaperOrder(
            account_id=self.account_id,
            instrument_id=order.instrument_id,
            sequence=sequence,
            client_order_id=order.client_order_id,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            quantity=order.quantity,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            trail_percent=order.trail_percent,
            status=OrderStatus.ACCEPTED,
            arrived_at=order.at,
            arrival=order.arrival,
        )
        insert([row])
        return row

    def cancel(self, client_order_id: str) -> ExecutionReport:
        """Cancel what still works; an order that is final already is reported as it is."""
        return self._finish(client_order_id, OrderStatus.CANCELED, "canceled on request")

    def replace(self, client_order_id: str, new: Replacement) -> ExecutionReport:
        """Change quantity and prices of a working order."""
        with transaction.atomic():
            self._locked_book()
            order = self._known(client_order_id)
            if order.status in WORKING:
                order.quantity = new.quantity
                order.limit_price = new.limit_price
                order.stop_price = new.stop_price
                if order.filled_quantity >= order.quantity:
                    order.status = OrderStatus.FILLED
                order.save()
        return self._report(order)

    def order(self, client_order_id: str) -> ExecutionReport | None:
        """Report one order with all its fills."""
        found = self._find(client_order_id)
        return None if found is None else self._report(found)

    def open_orders(self) -> Sequence[ExecutionReport]:
        """Report what works."""
        return [self._report(o) for o in self._working().order_by("sequence")]

    def fills(self, *, since: datetime | None = None) -> Sequence[VenueFill]:
        """All executions, oldest first."""
        rows = PaperFill.objects.filter(account_id=self.account_id).select_related("order", "order__instrument")
        if since is not None:
            rows = rows.filter(created_at__gte=since)
        return [_venue_fill(row) for row in rows.order_by("seq")]

    # -- the market side ------------------------------------------------------------------------------------------

    def working(self) -> dict[UUID, list[PaperOrder]]:
        """What is on the book, by instrument: a first look, without a lock, that spares a second one where empty."""
        found: dict[UUID, list[PaperOrder]] = {}
        for row in _working(account_id=self.account_id):
            found.setdefault(row.instrument_id, []).append(row)
        return found

    def advance(
        self,
        instrument_id: UUID,
        bar: Bar,
        rows: Sequence[PaperOrder] | None = None,
        *,
        begins_session: bool = True,
        ends_session: bool = True,
    ) -> Told | None:
        """Execute the next thing that happens in this bar, commit it, and tell it; None when the bar has no more.

        ``rows`` is what :meth:`working` found of the instrument a moment ago. Orders for the session's open or close
        execute in a bar that begins or ends one alone.
        """
        told = replace(prices(bar), begins_session=begins_session, ends_session=ends_session)
        seen = self.working_in(instrument_id) if rows is None else rows
        if self._next(seen, bar, told) is None:
            return None
        with transaction.atomic():
            book = self._locked_book()
            # again, now that nobody else can change the book
            found = self._next(self.working_in(instrument_id), bar, told)
            if found is None:
                return None
            row, execution = found
            fill = self._apply(row, execution, bar, book)
        faults.point("venue.after_execution")
        return Told(self._report(row, newest=fill), execution.phase)

    def working_in(self, instrument_id: UUID) -> list[PaperOrder]:
        """What is on the book of one instrument; see :meth:`working`."""
        return _working_in(account_id=self.account_id, instrument_id=instrument_id)

    def _next(self, rows: Sequence[PaperOrder], bar: Bar, told: BarPrices) -> tuple[PaperOrder, Execution] | None:
        by_id = {row.client_order_id: row for row in rows}
        orders = [_match_order(row, bar) for row in rows if _is_due(row, bar)]
        execution = next_execution(orders, told, self._costs_in(rows[0].instrument, bar)) if orders else None
        return None if execution is None else (by_id[execution.order_id], execution)

    def _costs(self, instrument: Instrument) -> Costs:
        if instrument.pk not in self._known_costs:
            self._known_costs[instrument.pk] = self._costs_of(instrument)
        return self._known_costs[instrument.pk]

    def _costs_in(self, instrument: Instrument, bar: Bar) -> Costs:
        """Costs with what they look at of the account's own executions, in this bar and in the days before."""
        costs = self._costs(instrument)
        if costs.is_limited:
            found = self._fills(at=bar.close_at, order__instrument=instrument)
            costs = replace(costs, taken=sum((quantity for quantity, _ in found), ZERO))
        if costs.has_tiers:
            found = self._fills(at__gt=bar.close_at - timedelta(days=TIER_DAYS), at__lte=bar.close_at)
            costs = replace(costs, traded=sum((quantity * price for quantity, price in found), ZERO))
        return costs

    def _fills(self, **where: Any) -> Iterable[tuple[Decimal, Decimal]]:
        return PaperFill.objects.filter(account_id=self.account_id, **where).values_list("quantity", "price")

    def end_bar(
        self, instrument_id: UUID, bar: Bar, *, ends_session: bool, rows: Sequence[PaperOrder] | None = None
    ) -> list[ExecutionReport]:
        """Move trailing stops by the bar and expire day orders at the session's end; return what expired.

        ``rows`` is what :meth:`working` found of the instrument a moment ago.
        """
        seen = self.working_in(instrument_id) if rows is None else rows
        due = [row for row in seen if _is_due(row, bar) and _ends_or_trails(row, bar, ends_session=ends_session)]
        if not due:
            return []
        with transaction.atomic():
            self._locked_book()
            fresh = self._working().filter(pk__in=[row.pk for row in due]).order_by("sequence")
            return [self._report(row) for row in fresh if self._end(row, bar, ends_session=ends_session)]

    def _end(self, row: PaperOrder, bar: Bar, *, ends_session: bool) -> bool:
        """Expire a day order at the session's end (then true), or move a trailing stop by the bar."""
        if ends_session and row.time_in_force == TimeInForce.DAY:
            row.status, row.reason = OrderStatus.EXPIRED, "the session ended"
            row.save(update_fields=["status", "reason", "updated_at"])
            return True
        if row.trail_percent is not None:
            tick = self._costs(row.instrument).tick
            row.stop_price = trailed_stop(OrderSide(row.side), row.stop_price, row.trail_percent, prices(bar), tick)
            row.trailed_at = bar.close_at
            row.save(update_fields=["stop_price", "trailed_at", "updated_at"])
        return False

    # -- inside ---------------------------------------------------------------------------------------------------

    def _working(self) -> Any:
        return _open_orders(account_id=self.account_id)

    def _find(self, client_order_id: str) -> PaperOrder | None:
        return _named.first(account_id=self.account_id, client_order_id=client_order_id)

    def _known(self, client_order_id: str) -> PaperOrder:
        found = self._find(client_order_id)
        if found is None:
            raise BrokerError(f"The paper venue has no order {client_order_id}", code="unknown_order")
        return found

    def _locked_book(self) -> PaperBook:
        book = _locked_book.first(account_id=self.account_id)
        if book is None:
            PaperBook.objects.get_or_create(account_id=self.account_id)
            book = PaperBook.objects.select_for_update().get(account_id=self.account_id)
        return book

    def _finish(self, client_order_id: str, status: OrderStatus, reason: str) -> ExecutionReport:
        with transaction.atomic():
            self._locked_book()
            order = self._known(client_order_id)
            if order.status in WORKING:
                order.status, order.reason = status, reason
                update(order, ["status", "reason", "updated_at"])
        return self._report(order)

    def _apply(self, row: PaperOrder, execution: Execution, bar: Bar, book: PaperBook) -> PaperFill | None:
        fill = None
        if execution.kind is ExecutionKind.TRIGGER:
            row.triggered, row.status = True, OrderStatus.TRIGGERED
            row.arrived_at, row.arrival = bar.close_at, execution.phase
        elif execution.kind is ExecutionKind.EXPIRE:
            row.status, row.reason = OrderStatus.EXPIRED, execution.reason
        else:
            fill = self._store_fill(row, execution, bar, book)
        update(row, CHANGING)
        return fill

    def _store_fill(self, row: PaperOrder, execution: Execution, bar: Bar, book: PaperBook) -> PaperFill:
        row.filled_quantity += execution.quantity
        row.triggered = row.triggered or is_triggered_by_fill(OrderType(row.type))
        done = row.filled_quantity >= row.quantity
        row.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        book.n_fills += 1
        update(book, ["n_fills"])
        fill = PaperFill(
            order=row,
            account_id=self.account_id,
            venue_fill_id=f"P{book.n_fills:010d}",  # sorts in the order of execution
            quantity=execution.quantity,
            price=execution.price,
            fee=execution.fee,
            at=bar.close_at,
            phase=execution.phase,
        )
        insert([fill])
        return fill

    def _report(self, row: PaperOrder, *, newest: PaperFill | None = None) -> ExecutionReport:
        """Report an order with all its fills; ``newest`` is the only one of an order that it filled at once."""
        fills: list[PaperFill] = []
        if newest is not None and newest.quantity == row.filled_quantity:
            fills = [newest]
        elif row.filled_quantity:
            fills = list(PaperFill.objects.filter(order=row).select_related("order__instrument").order_by("seq"))
        return ExecutionReport(
            client_order_id=row.client_order_id,
            status=OrderStatus(row.status),
            venue_order_id=f"paper-{row.sequence}",
            fills=tuple(_venue_fill(fill) for fill in fills),
            reason=row.reason,
            at=row.arrived_at,
        )


def _open_orders(**where: Any) -> QuerySet[PaperOrder]:
    return PaperOrder.objects.filter(status__in=WORKING, **where).select_related("instrument")


_working: Prepared[PaperOrder] = Prepared(_open_orders, account_id=UUID)
_working_in: Prepared[PaperOrder] = Prepared(_open_orders, account_id=UUID, instrument_id=UUID)
_named: Prepared[PaperOrder] = Prepared(
    lambda **where: PaperOrder.objects.filter(**where), account_id=UUID, client_order_id=str
)
_locked_book: Prepared[PaperBook] = Prepared(
    lambda **where: PaperBook.objects.select_for_update().filter(**where), account_id=UUID
)


def prices(bar: Bar) -> BarPrices:
    """The bar as the matcher takes it."""
    return BarPrices(open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume)


def _is_due(row: PaperOrder, bar: Bar) -> bool:
    """Does the order take part in this bar? Not in bars that had closed when it came, save for children of the bar."""
    if row.arrived_at < bar.close_at:
        return True
    return row.arrived_at == bar.close_at and row.arrival != Phase.BEFORE


def _ends_or_trails(row: PaperOrder, bar: Bar, *, ends_session: bool) -> bool:
    trails = row.type == OrderType.TRAILING_STOP and row.trail_percent is not None and row.trailed_at != bar.close_at
    return trails or (ends_session and row.time_in_force == TimeInForce.DAY)


def _match_order(row: PaperOrder, bar: Bar) -> MatchOrder:
    in_bar = row.arrived_at == bar.close_at
    return MatchOrder(
        order_id=row.client_order_id,
        sequence=row.sequence,
        side=OrderSide(row.side),
        type=OrderType(row.type),
        quantity=row.quantity - row.filled_quantity,
        limit_price=row.limit_price,
        stop_price=row.stop_price,
        triggered=row.triggered,
        time_in_force=TimeInForce(row.time_in_force),
        arrival=Phase(row.arrival) if in_bar else Phase.BEFORE,
    )


def _venue_fill(row: PaperFill) -> VenueFill:
    return VenueFill(
        venue_fill_id=row.venue_fill_id,
        client_order_id=row.order.client_order_id,
        symbol=row.order.instrument.symbol,
        side=OrderSide(row.order.side),
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        at=row.at,
    )
