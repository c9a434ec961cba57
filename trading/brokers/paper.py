"""The paper venue: an order book that executes against bars, durable in its own tables.

It behaves as a real venue: takes a client order id once, answers with reports, keeps orders and fills over a crash,
and can be asked for them. Bars are brought by the pipeline (:meth:`PaperBroker.advance`), one execution at a time, each
committed before it is told, so that a crash in between loses none and doubles none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core import faults
from domain.bars import Bar
from domain.errors import BrokerError
from domain.matching import (
    BarPrices,
    Costs,
    Execution,
    ExecutionKind,
    MatchOrder,
    Phase,
    next_execution,
    trailed_stop,
)
from domain.orders import ExecutionReport, OrderSide, OrderStatus, OrderType, TimeInForce, VenueFill
from trading.brokers.base import BrokerOrder, Replacement
from trading.venue_models import PaperBook, PaperFill, PaperOrder

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

    def __init__(self, account_id: UUID, costs_of: Any) -> None:
        """``costs_of(instrument_id) -> Costs`` gives the account's fees, slippage and the instrument's tick."""
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
                book.save(update_fields=["n_orders"])
                present = self._take(order, book.n_orders)
        return self._report(present)

    def _take(self, order: BrokerOrder, sequence: int) -> PaperOrder:
        return PaperOrder.objects.create(
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

    def cancel(self, client_order_id: str) -> ExecutionReport:
        """Cancel what still works; an order that is final already is reported as it is."""
        return self._finish(client_order_id, OrderStatus.CANCELED, "cancelled on request")

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

    def has_working(self, instrument_id: UUID) -> bool:
        """Is there anything on the book of this instrument?"""
        return self._working().filter(instrument_id=instrument_id).exists()

    def working_instruments(self) -> set[UUID]:
        """Instruments with anything on the book."""
        return set(self._working().values_list("instrument_id", flat=True).distinct())

    def advance(self, instrument_id: UUID, bar: Bar) -> Told | None:
        """Execute the next thing that happens in this bar, commit it, and tell it; None when the bar has no more."""
        if self._next(instrument_id, bar) is None:
            return None
        with transaction.atomic():
            book = self._locked_book()
            found = self._next(instrument_id, bar)  # again, now that nobody else can change the book
            if found is None:
                return None
            row, execution = found
            self._apply(row, execution, bar, book)
        faults.point("venue.after_execution")
        return Told(self._report(row), execution.phase)

    def _next(self, instrument_id: UUID, bar: Bar) -> tuple[PaperOrder, Execution] | None:
        rows = {row.client_order_id: row for row in self._working().filter(instrument_id=instrument_id)}
        orders = [_match_order(row, bar) for row in rows.values() if _is_due(row, bar)]
        execution = next_execution(orders, prices(bar), self._costs(instrument_id)) if orders else None
        return None if execution is None else (rows[execution.order_id], execution)

    def _costs(self, instrument_id: UUID) -> Costs:
        if instrument_id not in self._known_costs:
            self._known_costs[instrument_id] = self._costs_of(instrument_id)
        return self._known_costs[instrument_id]

    def end_bar(self, instrument_id: UUID, bar: Bar, *, ends_session: bool) -> list[ExecutionReport]:
        """Move trailing stops by the bar and expire day orders at the session's end; return what expired."""
        rows = self._working().filter(instrument_id=instrument_id).order_by("sequence")
        due = [row for row in rows if _is_due(row, bar) and _ends_or_trails(row, bar, ends_session=ends_session)]
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
            tick = self._costs(row.instrument_id).tick
            row.stop_price = trailed_stop(OrderSide(row.side), row.stop_price, row.trail_percent, prices(bar), tick)
            row.trailed_at = bar.close_at
            row.save(update_fields=["stop_price", "trailed_at", "updated_at"])
        return False

    # -- inside ---------------------------------------------------------------------------------------------------

    def _working(self) -> Any:
        return PaperOrder.objects.filter(account_id=self.account_id, status__in=WORKING)

    def _find(self, client_order_id: str) -> PaperOrder | None:
        return PaperOrder.objects.filter(account_id=self.account_id, client_order_id=client_order_id).first()

    def _known(self, client_order_id: str) -> PaperOrder:
        found = self._find(client_order_id)
        if found is None:
            raise BrokerError(f"The paper venue has no order {client_order_id}", code="unknown_order")
        return found

    def _locked_book(self) -> PaperBook:
        locked = PaperBook.objects.select_for_update().filter(account_id=self.account_id)
        book = locked.first()
        if book is None:
            PaperBook.objects.get_or_create(account_id=self.account_id)
            book = locked.get()
        return book

    def _finish(self, client_order_id: str, status: OrderStatus, reason: str) -> ExecutionReport:
        with transaction.atomic():
            self._locked_book()
            order = self._known(client_order_id)
            if order.status in WORKING:
                order.status, order.reason = status, reason
                order.save(update_fields=["status", "reason", "updated_at"])
        return self._report(order)

    def _apply(self, row: PaperOrder, execution: Execution, bar: Bar, book: PaperBook) -> None:
        if execution.kind is ExecutionKind.TRIGGER:
            row.triggered, row.status = True, OrderStatus.TRIGGERED
            row.arrived_at, row.arrival = bar.close_at, execution.phase
        elif execution.kind is ExecutionKind.EXPIRE:
            row.status, row.reason = OrderStatus.EXPIRED, execution.reason
        else:
            self._store_fill(row, execution, bar, book)
        row.save()

    def _store_fill(self, row: PaperOrder, execution: Execution, bar: Bar, book: PaperBook) -> None:
        row.filled_quantity += execution.quantity
        done = row.filled_quantity >= row.quantity
        row.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        book.n_fills += 1
        book.save(update_fields=["n_fills"])
        PaperFill.objects.create(
            order=row,
            account_id=self.account_id,
            venue_fill_id=f"P{book.n_fills:010d}",  # sorts in the order of execution
            quantity=execution.quantity,
            price=execution.price,
            fee=execution.fee,
            at=bar.close_at,
            phase=execution.phase,
        )

    def _report(self, row: PaperOrder) -> ExecutionReport:
        fills = PaperFill.objects.filter(order=row).select_related("order", "order__instrument").order_by("seq")
        return ExecutionReport(
            client_order_id=row.client_order_id,
            status=OrderStatus(row.status),
            venue_order_id=f"paper-{row.sequence}",
            fills=tuple(_venue_fill(fill) for fill in fills) if row.filled_quantity else (),
            reason=row.reason,
            at=row.arrived_at,
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
