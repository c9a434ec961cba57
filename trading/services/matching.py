"""Bringing closed bars to the paper venue: each execution is booked before the venue is asked for the next."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from domain.bars import Bar, Timeframe
from domain.orders import EventSource, OrderRole, OrderStatus, OrderType
from marketdata.calendars import session_begins, session_ends
from marketdata.models import Instrument
from portfolio.models import Account
from preferences import selectors as preferences
from trading import selectors
from trading.brokers.paper import PaperBroker
from trading.services import execution, leases, orders, sending
from trading.services.venues import paper_of
from trading.venue_models import PaperOrder


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """A bar of one instrument and timeframe that the account has not seen; ``is_base`` ones execute orders."""

    instrument: Instrument
    timeframe: Timeframe
    bar: Bar
    is_base: bool


def match_bars(account: Account, base: list[ClosedBar], lease: leases.Lease) -> int:
    """Let the paper venue execute the bars, one after the other; return how many executions there were."""
    venue = paper_of(account)
    if venue is None or not base:
        return 0
    working = venue.working()
    concerned = [closed for closed in base if closed.instrument.pk in working]
    done = 0
    for closed in concerned:
        # What an earlier bar of this moment executed may have changed the book.
        rows = working[closed.instrument.pk] if not done else None
        done += _match_bar(venue, closed, lease, rows)
    return done


def _match_bar(venue: PaperBroker, closed: ClosedBar, lease: leases.Lease, rows: list[PaperOrder] | None) -> int:
    """Execute one bar, booking each execution before asking for the next."""
    account_id, instrument_id, bar = venue.account_id, closed.instrument.pk, closed.bar
    done = 0
    rows = rows if rows is not None else venue.working_in(instrument_id)
    begins, ends = _begins_session(closed), _ends_session(closed)
    while (told := venue.advance(instrument_id, bar, rows, begins_session=begins, ends_session=ends)) is not None:
        follow_ups = execution.apply_report(
            account_id, told.report, source=EventSource.STREAM, arrival=told.phase, at=bar.close_at, lease=lease
        )
        sending.dispatch(follow_ups)
        rows = venue.working_in(instrument_id)
        done += 1
    for report in venue.end_bar(instrument_id, bar, ends_session=ends, rows=rows):
        execution.apply_report(account_id, report, source=EventSource.STREAM, at=bar.close_at)
    if any(row.type == OrderType.LIMIT for row in rows):
        _cancel_overdue(account_id, closed)
    return done


def _begins_session(closed: ClosedBar) -> bool:
    opened = np.array([int(closed.bar.open_at.timestamp())], dtype=np.int64)
    return bool(session_begins(opened, closed.timeframe, closed.instrument.calendar)[0])


def _ends_session(closed: ClosedBar) -> bool:
    close = np.array([int(closed.bar.close_at.timestamp())], dtype=np.int64)
    return bool(session_ends(close, closed.timeframe, closed.instrument.calendar)[0])


def _cancel_overdue(account_id: UUID, closed: ClosedBar) -> None:
    """Cancel limit entries that the platform made from signals and that waited longer than the user allows."""
    working = selectors.open_orders(account_id).filter(
        instrument=closed.instrument, role=OrderRole.ENTRY, signal__isnull=False, type="limit"
    )
    due = [order for order in working if order.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)]
    if not due:
        return
    patience = preferences.current(due[0].user_id).trading.order_timeout_seconds
    for order in due:
        if (closed.bar.close_at - order.market_at).total_seconds() >= patience:
            reason = f"not filled within {patience} seconds"
            orders.cancel_order(order.pk, at=closed.bar.close_at, reason=reason)
