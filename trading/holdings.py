"""Open positions as rules on positions see them: what works around each of them, and whether its price is live."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.prepared import Prepared
from domain.errors import NotFound
from domain.orders import FINAL, OrderRole, OrderStatus, OrderType
from marketdata import selectors as market
from marketdata.models import Instrument, Replay
from portfolio import selectors as portfolio
from portfolio.models import Account, Position
from risk.position_rules import Holding
from trading.models import Order

ZERO = Decimal(0)
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_GONE = (*FINAL, OrderStatus.HELD, OrderStatus.PENDING_APPROVAL, OrderStatus.PENDING_CANCEL, OrderStatus.INITIALIZED)
Line = tuple[UUID, UUID | None]


def holdings_of(account: Account) -> list[Holding]:
    """Return an account's open positions with what their working stops, targets and closing orders would close."""
    positions = _open_positions(account_id=account.pk, epoch=account.epoch)
    if not positions:
        return []
    working = _working(account, positions)
    return [_holding(row, *working.get((row.instrument_id, row.strategy_id), (ZERO, ZERO, ZERO))) for row in positions]


_open_positions: Prepared[Position] = Prepared(
    lambda account_id, epoch: (
        Position.objects.filter(account_id=account_id, epoch=epoch, is_open=True)
        .select_related("instrument")
        .order_by("instrument__symbol", "created_at")
    ),
    account_id=UUID,
    epoch=int,
)
_closing: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id: (
        Order.objects.filter(account_id=account_id, reduce_only=True, unresolved=False)
        .exclude(status__in=_GONE)
        .values_list("instrument_id", "strategy_id", "side", "type", "role", "quantity", "filled_quantity")
    ),
    account_id=UUID,
)


def _working(account: Account, positions: Iterable[Position]) -> dict[Line, tuple[Decimal, Decimal, Decimal]]:
    """What working orders against each position would close: (by stops, by targets, by market orders on their way).

    An order that nobody knows the fate of protects nothing.
    """
    sides = {(row.instrument_id, row.strategy_id): "sell" if row.quantity > 0 else "buy" for row in positions}
    found: dict[Line, tuple[Decimal, Decimal, Decimal]] = {}
    for instrument_id, strategy_id, side, kind, role, quantity, filled in _closing(account_id=account.pk):
        line = (instrument_id, strategy_id)
        if sides.get(line) != side:
            continue
        stops, targets, closing = found.get(line, (ZERO, ZERO, ZERO))
        left = quantity - filled
        if kind in _STOPS:
            stops += left
        elif kind == OrderType.MARKET:
            closing += left
        elif role == OrderRole.TAKE_PROFIT:
            targets += left
        found[line] = (stops, targets, closing)
    return found


def _holding(row: Position, stops: Decimal, targets: Decimal, closing: Decimal) -> Holding:
    needs_price = min(stops, targets) < abs(row.quantity)
    return Holding(
        key=str(row.pk),
        instrument_id=row.instrument_id,
        symbol=row.instrument.symbol,
        sector=row.instrument.sector,
        strategy_id=row.strategy_id,
        quantity=row.quantity,
        average_price=row.average_price,
        mark=row.mark,
        opened_at=row.opened_at,
        stopped=stops,
        targeted=targets,
        closing=closing,
        is_price_live=not needs_price or has_live_price(row.instrument),
    )


def has_live_price(instrument: Instrument) -> bool:
    """Tell whether an instrument has a price that is not stale."""
    try:
        return not market.mark(instrument).stale
    except NotFound:
        return False


def measured_at(account: Account) -> datetime:
    """Return the time at which an account is measured between marks.

    Where a clock replays what it holds, that of its last mark: time stands still between bars. Else now.
    """
    held = portfolio.positions_of(account).values("instrument_id")
    is_replayed = Replay.objects.filter(instruments__in=held).exists()
    return account.market_at if account.market_at and is_replayed else timezone.now()
