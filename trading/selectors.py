"""Reads of the order road: what works, what counts, and the account as a decision is handed it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, prefetch_related_objects

from core.prepared import Prepared
from domain.errors import NotFound
from domain.orders import FINAL, WORKING, Fill, OrderRole, OrderSide, OrderStatus
from domain.portfolio import AccountSnapshot, WorkingOrder
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account, Position
from strategies.models import ACTIVE_STATES, Strategy
from trading.models import Fill as FillRow
from trading.models import Order, Signal

ZERO = Decimal(0)
PROTECTIVE = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)


def order_for(user: Any, order_id: UUID | str) -> Order:
    """Return a user's order. Raises NotFound."""
    found = orders_of(user).filter(pk=order_id).first()
    if found is None:
        raise NotFound("There is no such order")
    return found


def orders_of(user: Any) -> QuerySet[Order]:
    """A user's orders with what their lists show."""
    return Order.objects.for_user(user).select_related("account", "instrument", "strategy", "signal", "decision")


def signals_of(user: Any) -> QuerySet[Signal]:
    """A user's signals with what their lists show."""
    return Signal.objects.for_user(user).select_related("account", "instrument", "strategy", "decision")


def fills_of(user: Any) -> QuerySet[FillRow]:
    """A user's fills with what their lists show."""
    return FillRow.objects.for_user(user).select_related("account", "instrument", "strategy", "order")


def open_orders(account_id: UUID) -> QuerySet[Order]:
    """Orders of an account that are not final."""
    return Order.objects.filter(account_id=account_id).exclude(status__in=[s.value for s in FINAL])


def unresolved_orders(account_id: UUID) -> QuerySet[Order]:
    """Orders whose fate at the venue nobody knows."""
    return Order.objects.filter(account_id=account_id, unresolved=True)


def working_orders(account_id: UUID) -> tuple[WorkingOrder, ...]:
    """Everything that may still add to a position: open, in flight, unresolved, held, awaiting approval."""
    return tuple(_working(*row) for row in _working_rows(account_id=account_id))


_WORKING_COLUMNS = (
    "client_order_id",
    "instrument_id",
    "instrument__symbol",
    "instrument__sector",
    "instrument__asset_class",
    "strategy_id",
    "side",
    "quantity",
    "filled_quantity",
    "pending",
    "status",
    "limit_price",
    "stop_price",
    "reference_price",
    "role",
    "reduce_only",
    "unresolved",
)


_working_rows: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id: (
        Order.objects.filter(Q(status__in=[s.value for s in WORKING]) | Q(unresolved=True), account_id=account_id)
        .order_by("created_at")
        .values_list(*_WORKING_COLUMNS)
    ),
    account_id=UUID,
)


def _working(*columns: Any) -> WorkingOrder:
    row = dict(zip(_WORKING_COLUMNS, columns, strict=True))
    return WorkingOrder(
        client_order_id=row["client_order_id"],
        instrument_id=row["instrument_id"],
        symbol=row["instrument__symbol"],
        sector=row["instrument__sector"],
        asset_class=row["instrument__asset_class"],
        strategy_id=row["strategy_id"],
        side=OrderSide(row["side"]),
        remaining=max(ZERO, _largest_quantity(row) - row["filled_quantity"]),
        price=row["limit_price"] or row["stop_price"] or row["reference_price"] or ZERO,
        role=OrderRole(row["role"]),
        reduce_only=row["reduce_only"],
        unresolved=row["unresolved"],
    )


def _largest_quantity(row: dict[str, Any]) -> Decimal:
    """While a replacement is under way either quantity may be in force: count the larger."""
    quantity: Decimal = row["quantity"]
    asked = row["pending"].get("quantity") if row["status"] == OrderStatus.PENDING_UPDATE else None
    return max(quantity, Decimal(asked)) if asked else quantity


def n_session_trades(account: Account, *, at: datetime) -> int:
    """Entries sent in the account's loss session that holds ``at`` (denied ones do not count)."""
    start = portfolio.session_start(account, at)
    counted = _n_entries.first(account_id=account.pk, start=start)
    return counted[0] if counted else 0


_n_entries: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id, start: (
        Order.objects.filter(
            account_id=account_id, role__in=[OrderRole.ENTRY, OrderRole.MANUAL], reduce_only=False, market_at__gte=start
        )
        .exclude(status=OrderStatus.DENIED)
        .order_by()
        .values("account_id")
        .annotate(n=Count("pk"))
        .values_list("n")
    ),
    account_id=UUID,
    start=datetime,
)


def session_turnover(account: Account, *, at: datetime) -> Decimal:
    """Value of the fills since the loss session that holds ``at`` (market time) began, in the account's currency."""
    start = portfolio.session_start(account, at)
    rows = FillRow.objects.filter(account=account, epoch=account.epoch, at__gte=start)
    return sum((quantity * price for quantity, price in rows.values_list("quantity", "price")), ZERO)


def best_opposite_price(account: Account, instrument: Instrument, side: OrderSide) -> Decimal | None:
    """The best price of an own resting limit order on the other side; None when there is none."""
    rows = open_orders(account.pk).filter(instrument=instrument, side=side.opposite, type="limit")
    prices = [price for price in rows.values_list("limit_price", flat=True) if price is not None]
    if not prices:
        return None
    return min(prices) if side is OrderSide.BUY else max(prices)


def snapshot(account: Account, *, at: datetime) -> AccountSnapshot:
    """The account as a decision is handed it, with working orders and positions at their newest marks."""
    return portfolio.snapshot(
        account,
        marks={},  # each position at its last mark
        working=working_orders(account.pk),
        n_session_trades=n_session_trades(account, at=at),
        at=at,
    )


def fills_for_position(account: Account, instrument_id: UUID, strategy_id: UUID | None) -> Iterable[Fill]:
    """All fills of one position (since the account's last reset) as domain values."""
    rows = FillRow.objects.filter(
        Q(strategy_id=strategy_id), account=account, epoch=account.epoch, instrument_id=instrument_id
    )
    return [domain_fill(row) for row in rows.select_related("instrument")]


def fills_of_account(account: Account) -> list[Fill]:
    """All fills of an account since its last reset as domain values (books checks)."""
    rows = FillRow.objects.filter(account=account, epoch=account.epoch).select_related("instrument").order_by("seq")
    return [domain_fill(row) for row in rows]


def domain_fill(row: FillRow) -> Fill:
    """A stored fill as pure code sees it."""
    return Fill(
        fill_id=row.id,
        venue_fill_id=row.venue_fill_id,
        instrument_id=row.instrument_id,
        symbol=row.instrument.symbol,
        strategy_id=row.strategy_id,
        side=OrderSide(row.side),
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        at=row.at,
    )


def deciding_strategies(account_id: UUID, *, at: datetime) -> list[Strategy]:
    """Running and paused strategies that decide on bars closing at ``at``, in the order of their making."""
    found = _deciding(account_id=account_id, at=at)
    prefetch_related_objects(found, "instruments")
    return found


_deciding: Prepared[Strategy] = Prepared(
    lambda account_id, at: Strategy.objects.filter(
        account_id=account_id, state__in=ACTIVE_STATES, run__decide_after__lt=at
    ).order_by("created_at", "pk"),
    account_id=UUID,
    at=datetime,
)


def held_quantity(account: Account, instrument: Instrument, strategy_id: UUID | None) -> Decimal:
    """Net quantity of one strategy's (or the hand-placed) position."""
    rows = Position.objects.filter(Q(strategy_id=strategy_id), account=account, instrument=instrument, is_open=True)
    found = rows.filter(epoch=account.epoch).values_list("quantity", flat=True).first()
    return ZERO if found is None else found


def reference_price(instrument: Instrument) -> market.Mark:
    """The newest price of an instrument. Raises NotFound when it has none."""
    return market.mark(instrument)
