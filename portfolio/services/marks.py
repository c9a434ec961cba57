"""Marking: an account's equity at the newest prices, its loss session, its peak, and the equity curve."""

import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from core.bus import publish
from core.prepared import Prepared, update
from domain.events import AccountMarked
from domain.positions import booked
from portfolio import selectors
from portfolio.models import Account, EquityPoint, Position, Trade
from portfolio.sessions import session_date

logger = logging.getLogger(__name__)

ZERO = Decimal(0)
BOOKED = (
    *("cash", "equity", "gross_exposure", "peak_equity"),
    *("market_at", "session_date", "session_start_equity", "updated_at"),
)
"""What marks and fills change of an account's row."""
Marks = Mapping[UUID, Decimal]
Ranges = Mapping[UUID, tuple[Decimal, Decimal]]


def begin_session(account: Account, at: datetime) -> datetime:
    """Move the account's market time to ``at`` (never back), begin its loss session when a new one has come.

    Return the market time. Losses of a session are measured from the equity that the last one ended with. The
    caller saves the row.
    """
    account.market_at = now = at if account.market_at is None else max(at, account.market_at)
    today = session_date(now, account.session_timezone, account.session_start_time)
    if account.session_date is None or today > account.session_date:
        account.session_date = today
        account.session_start_equity = account.equity
    return now


def revalue(account: Account) -> list[Position]:
    """Set equity and gross exposure from cash and the open positions at their marks. The caller saves the row."""
    positions = selectors.open_positions(account)
    _set_equity(account, positions)
    return positions


def _set_equity(account: Account, positions: list[Position]) -> None:
    by_instrument: dict[UUID, Decimal] = {}
    for position in positions:
        held = by_instrument.get(position.instrument_id, ZERO)
        by_instrument[position.instrument_id] = held + position.value
    account.equity = account.cash + booked(sum(by_instrument.values(), ZERO))
    account.gross_exposure = booked(sum((abs(value) for value in by_instrument.values()), ZERO))


@transaction.atomic(savepoint=False)
def mark_to_market(account: Account, marks: Marks, at: datetime, ranges: Ranges | None = None) -> Decimal:
    """Value a locked account at these prices and return its equity; publishes AccountMarked.

    ``ranges`` are the (low, high) of the bar that closed, for the excursions of open trades. A price that is not a
    positive number is left out: the position keeps its last mark.
    """
    now = begin_session(account, at)
    positions = selectors.open_positions(account)
    _mark(positions, marks, now)
    _note_excursions(account, positions, marks, ranges or {})
    _set_equity(account, positions)
    account.peak_equity = max(account.peak_equity, account.equity)
    update(account, BOOKED)
    _add_point(account, now)
    publish(
        AccountMarked(
            at=now,
            user_id=account.user_id,
            account_id=account.pk,
            equity=account.equity,
            cash=account.cash,
        )
    )
    return account.equity


def _mark(positions: list[Position], marks: Marks, at: datetime) -> None:
    for position in positions:
        price = marks.get(position.instrument_id)
        if price is None:
            continue
        if not price.is_finite() or price <= 0:
            logger.warning("position %s can not be marked at %s", position.pk, price)
            continue
        position.last_mark, position.last_mark_at = price, at
        update(position, ["last_mark", "last_mark_at"])


def _note_excursions(account: Account, positions: list[Position], marks: Marks, ranges: Ranges) -> None:
    extremes = {
        position.pk: ranges.get(position.instrument_id) or (position.mark, position.mark)
        for position in positions
        if position.instrument_id in ranges or position.instrument_id in marks
    }
    for trade in _open_trades(account_id=account.pk) if extremes else ():
        if trade.position_id not in extremes:
            continue
        low, high = extremes[trade.position_id]
        lowest = low if trade.lowest is None else min(low, trade.lowest)
        highest = high if trade.highest is None else max(high, trade.highest)
        if (lowest, highest) != (trade.lowest, trade.highest):
            trade.lowest, trade.highest = lowest, highest
            update(trade, ["lowest", "highest"])


_open_trades: Prepared[Trade] = Prepared(
    lambda account_id: Trade.objects.filter(account_id=account_id, closed_at=None), account_id=UUID
)


def _add_point(account: Account, at: datetime) -> None:
    point = EquityPoint(
        user_id=account.user_id,
        account=account,
        epoch=account.epoch,
        at=at,
        equity=account.equity,
        cash=account.cash,
    )
    EquityPoint.objects.bulk_create(
        [point],
        update_conflicts=True,
        unique_fields=["account", "epoch", "at"],
        update_fields=["equity", "cash"],
    )
