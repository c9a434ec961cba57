"""Reads of what is held: accounts, positions, the snapshot that decisions are handed, the equity curve, the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from core.prepared import Prepared
from domain.errors import NotFound
from domain.orders import Fill
from domain.portfolio import AccountSnapshot, PositionView, TradingState, WorkingOrder
from portfolio.comparison import COMPARED, BookedPosition, differences_between
from portfolio.models import Account, EquityPoint, Position, Trade
from portfolio.sessions import session_date
from portfolio.statistics import ClosedTrade

ZERO = Decimal(0)
MAX_POINTS = 2_000


def locked_account(account_id: UUID | str) -> Account:
    """Return an account with its row locked until the transaction ends: whoever decides for it waits here.

    Raises NotFound; must be called inside a transaction.
    """
    found = _locked_account.first(pk=account_id)
    if found is None:
        raise NotFound("There is no such account")
    return found


_locked_account: Prepared[Account] = Prepared(
    lambda pk: Account.objects.select_for_update(no_key=True).filter(pk=pk).order_by(), pk=UUID
)


def account_of(account_id: UUID) -> Account:
    """Return an account without locking it, whoever's it is. Raises NotFound."""
    found = _account.first(pk=account_id)
    if found is None:
        raise NotFound("There is no such account")
    return found


_account: Prepared[Account] = Prepared(lambda pk: Account.objects.filter(pk=pk), pk=UUID)


def accounts_of(user: Any) -> QuerySet[Account]:
    """A user's accounts that are not put away."""
    return Account.objects.for_user(user).filter(is_archived=False)


def account_for(user: Any, account_id: UUID | str) -> Account:
    """Return a user's account. Raises NotFound."""
    found = accounts_of(user).filter(pk=account_id).first()
    if found is None:
        raise NotFound("There is no such account", field="account", code="unknown_account")
    return found


def positions_of(account: Account, *, include_flat: bool = False) -> QuerySet[Position]:
    """An account's open positions (all of them with ``include_flat``) with their instruments."""
    rows = Position.objects.filter(account=account, epoch=account.epoch).select_related("instrument")
    rows = rows if include_flat else rows.filter(is_open=True)
    return rows.order_by("instrument__symbol", "created_at")


def has_open_positions(account_id: UUID) -> bool:
    """Tell whether an account holds anything."""
    return bool(_any_open_position(account_id=account_id))


_any_open_position: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id: Position.objects.filter(
        account_id=account_id, account__epoch=F("epoch"), is_open=True
    ).values_list("pk")[:1],
    account_id=UUID,
)


def session_start(account: Account, at: datetime) -> datetime:
    """Return when the account's loss session that holds ``at`` began."""
    date = session_date(at, account.session_timezone, account.session_start_time)
    return datetime.combine(date, account.session_start_time, tzinfo=ZoneInfo(account.session_timezone))


def snapshot(
    account: Account,
    *,
    marks: Mapping[UUID, Decimal],
    working: tuple[WorkingOrder, ...],
    n_session_trades: int,
    at: datetime,
) -> AccountSnapshot:
    """Return an account as a decision is handed it, valued at ``marks`` (a position without one at its last mark)."""
    positions = _views(account, marks)
    equity = account.cash + sum((p.value for p in positions), ZERO)
    today = session_date(at, account.session_timezone, account.session_start_time)
    is_new_session = account.session_date is None or today > account.session_date
    return AccountSnapshot(
        account_id=account.pk,
        user_id=account.user_id,
        at=at,
        currency=account.currency,
        cash=account.cash,
        equity=equity,
        session_start_equity=account.equity if is_new_session else account.session_start_equity,
        peak_equity=max(account.peak_equity, equity),
        trading_state=TradingState(account.trading_state),
        positions=positions,
        working=working,
        n_session_trades=n_session_trades,
    )


_VIEW_COLUMNS = (
    *("instrument_id", "instrument__symbol", "instrument__sector", "instrument__asset_class", "strategy_id"),
    *("quantity", "average_price", "last_mark"),
)


def _views(account: Account, marks: Mapping[UUID, Decimal]) -> tuple[PositionView, ...]:
    """Only the columns that are needed: every order asks for them."""
    return tuple(
        PositionView(
            instrument_id=instrument_id,
            symbol=symbol,
            sector=sector,
            asset_class=asset_class,
            strategy_id=strategy_id,
            quantity=quantity,
            average_price=average_price,
            mark=marks.get(instrument_id, average_price if last_mark is None else last_mark),
        )
        for (instrument_id, symbol, sector, asset_class, strategy_id, quantity, average_price, last_mark) in (
            _view_rows(account_id=account.pk, epoch=account.epoch)
        )
    )


_view_rows: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id, epoch: (
        Position.objects.filter(account_id=account_id, epoch=epoch, is_open=True)
        .order_by("instrument__symbol", "created_at")
        .values_list(*_VIEW_COLUMNS)
    ),
    account_id=UUID,
    epoch=int,
)


def open_positions(account: Account) -> list[Position]:
    """An account's open positions, in no special order."""
    return _open_positions(account_id=account.pk, epoch=account.epoch)


_open_positions: Prepared[Position] = Prepared(
    lambda account_id, epoch: Position.objects.filter(account_id=account_id, epoch=epoch, is_open=True),
    account_id=UUID,
    epoch=int,
)


def trades_of(user: Any) -> QuerySet[Trade]:
    """A user's round trips since the last reset of each account, with what lists show."""
    rows = Trade.objects.for_user(user).filter(position__epoch=F("account__epoch"))
    return rows.select_related("instrument", "account")


def trades_of_strategy(account: Account, strategy_id: UUID) -> list[Trade]:
    """Closed round trips of one strategy, oldest first."""
    rows = Trade.objects.filter(account=account, strategy_id=strategy_id, position__epoch=account.epoch)
    return list(rows.filter(closed_at__isnull=False).order_by("closed_at", "created_at"))


def closed_trades(user: Any, **where: Any) -> list[ClosedTrade]:
    """Return a user's closed round trips as statistics take them, strategies by id."""
    rows = trades_of(user).filter(closed_at__isnull=False, **where).order_by("entry_at", "pk")
    return [
        ClosedTrade(
            pnl_net=row.pnl_net,
            fees=row.fees,
            return_fraction=float(row.return_fraction),
            r_multiple=None if row.r_multiple is None else float(row.r_multiple),
            entry_at=row.entry_at,
            symbol=row.instrument.symbol,
            strategy=str(row.strategy_id or ""),
            tags=tuple(row.tags),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of an equity curve."""

    at: datetime
    equity: Decimal
    cash: Decimal


def equity_curve(
    account: Account, *, start: datetime | None = None, end: datetime | None = None, max_points: int = MAX_POINTS
) -> list[CurvePoint]:
    """Return an account's equity, oldest first; above ``max_points`` evenly thinned, first and last always kept."""
    rows = EquityPoint.objects.filter(account=account, epoch=account.epoch).order_by("at")
    rows = rows.filter(at__gte=start) if start else rows
    rows = rows.filter(at__lte=end) if end else rows
    points = [CurvePoint(*row) for row in rows.values_list("at", "equity", "cash")]
    return thinned(points, max_points)


def thinned(points: list[CurvePoint], max_points: int) -> list[CurvePoint]:
    """Return at most ``max_points`` (at least 2) of the points, evenly spread, the first and the last among them."""
    n, wanted = len(points), max(2, max_points)
    if n <= wanted:
        return points
    return [points[round(i * (n - 1) / (wanted - 1))] for i in range(wanted)]


def differences(account: Account, fills: Iterable[Fill]) -> tuple[str, ...]:
    """Return in what cash, positions and journal differ from the account's fills since its last reset."""
    trades: dict[UUID, set[tuple[str, Decimal, bool]]] = {}
    for trade in Trade.objects.filter(account=account, position__epoch=account.epoch):
        known = trades.setdefault(trade.position_id, set())
        known.add((trade.entry_fill, trade.pnl_net, trade.closed_at is not None))
    booked = {
        (row.instrument_id, row.strategy_id): BookedPosition(
            amounts={name: getattr(row, name) for name in COMPARED}, trades=frozenset(trades.get(row.pk, ()))
        )
        for row in Position.objects.filter(account=account, epoch=account.epoch)
    }
    return differences_between(account.cash, account.starting_cash, booked, fills)
