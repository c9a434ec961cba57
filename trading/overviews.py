"""Reads for pages: strategies with their results, positions with their protection, the journal's figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from domain.errors import NotFound, PlatformError
from domain.orders import FINAL, OrderRole
from portfolio import selectors as portfolio
from portfolio.models import Account, Position, Trade
from strategies import selectors as strategies
from strategies.models import Strategy
from trading.models import Order, Signal

ZERO = Decimal(0)
BY_HAND = "By hand"


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """A strategy as lists show it; P&L is after fees, in its account's currency."""

    strategy: Strategy
    title: str
    pnl: Decimal
    n_open: int
    last_signal: Signal | None


def strategy_rows(user: Any) -> list[StrategyRow]:
    """Return a user's strategies with their results, newest first."""
    newest = Signal.objects.filter(strategy=OuterRef("pk")).order_by("-at", "-created_at").values("pk")[:1]
    rows = list(strategies.strategies_of(user).annotate(last_signal_id=Subquery(newest)).order_by("-created_at"))
    signals = Signal.objects.select_related("instrument").in_bulk(
        [row.last_signal_id for row in rows if row.last_signal_id]
    )
    positions: dict[UUID | None, list[Position]] = {}
    for position in current_positions(user).filter(strategy_id__in=[row.pk for row in rows]):
        positions.setdefault(position.strategy_id, []).append(position)
    return [
        StrategyRow(
            row,
            title_of(row.type),
            sum((net_pnl(each) for each in positions.get(row.pk, [])), ZERO),
            sum(each.is_open for each in positions.get(row.pk, [])),
            signals.get(row.last_signal_id),
        )
        for row in rows
    ]


def has_traded(strategy: Strategy) -> bool:
    """Tell whether anything in the books names a strategy."""
    return (
        Signal.objects.filter(strategy=strategy).exists()
        or Order.objects.filter(strategy=strategy).exists()
        or Position.objects.filter(strategy_id=strategy.pk).exists()
    )


def title_of(type_name: str) -> str:
    """Return a strategy type's title; the bare name when its code is gone or broken."""
    try:
        return strategies.strategy_type(type_name).strategy.title
    except PlatformError:
        return type_name


def current_positions(user: Any) -> QuerySet[Position]:
    """Return a user's positions, flat ones included, since the last reset of each account."""
    rows = Position.objects.for_user(user).filter(epoch=F("account__epoch"), account__is_archived=False)
    return rows.select_related("account", "instrument").order_by("instrument__symbol", "created_at")


def net_pnl(position: Position) -> Decimal:
    """Return what a position has brought so far, after fees."""
    return position.realized_pnl - position.fees + position.unrealized_pnl


@dataclass(frozen=True, slots=True)
class Held:
    """An open position with what protects it and whose it is."""

    position: Position
    strategy: Strategy | None
    stop: Order | None
    target: Order | None

    @property
    def side(self) -> str:
        """Which way it stands."""
        return "long" if self.position.quantity > 0 else "short"

    @property
    def net_realized(self) -> Decimal:
        """Realised P&L after fees."""
        return self.position.realized_pnl - self.position.fees

    @property
    def unrealized_fraction(self) -> Decimal | None:
        """Unrealised P&L as a fraction of what the position cost."""
        return self.position.unrealized_pnl / self.position.cost if self.position.cost else None


def held(user: Any, *, account: Account | None = None, strategy: Strategy | None = None) -> list[Held]:
    """Return a user's open positions, perhaps of one account or strategy."""
    rows = current_positions(user).filter(is_open=True)
    rows = rows.filter(account=account) if account else rows
    rows = rows.filter(strategy_id=strategy.pk) if strategy else rows
    found = list(rows)
    names = strategies_by_id(row.strategy_id for row in found)
    guards = _protective_orders(found)
    return [
        Held(
            row,
            names.get(row.strategy_id) if row.strategy_id else None,
            guards.get((*_key(row), OrderRole.STOP_LOSS.value)),
            guards.get((*_key(row), OrderRole.TAKE_PROFIT.value)),
        )
        for row in found
    ]


def position_for(user: Any, position_id: UUID) -> Held:
    """Return one open position of a user. Raises NotFound."""
    row = current_positions(user).filter(pk=position_id).first()
    if row is None:
        raise NotFound("There is no such position")
    names = strategies_by_id([row.strategy_id])
    guards = _protective_orders([row])
    stop, target = (guards.get((*_key(row), role.value)) for role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT))
    return Held(row, names.get(row.strategy_id) if row.strategy_id else None, stop, target)


def strategies_by_id(ids: Iterable[UUID | None]) -> dict[UUID, Strategy]:
    """Return strategies by id (positions and trades only keep the id)."""
    return Strategy.objects.in_bulk({each for each in ids if each is not None})


def _key(row: Position | Order) -> tuple[UUID, UUID, UUID | None]:
    return row.account_id, row.instrument_id, row.strategy_id


def _protective_orders(positions: list[Position]) -> dict[tuple[Any, ...], Order]:
    rows = Order.objects.filter(
        account_id__in={row.account_id for row in positions},
        instrument_id__in={row.instrument_id for row in positions},
        role__in=(OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT),
    ).exclude(status__in=[*FINAL, "held"])
    return {(*_key(row), row.role): row for row in rows.order_by("created_at")}


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """What closed round trips come to; None where there is nothing to divide by."""

    n_trades: int
    n_winners: int
    pnl_net: Decimal
    fees: Decimal
    average_win: Decimal | None
    average_loss: Decimal | None
    average_r: Decimal | None

    @property
    def win_rate(self) -> Decimal | None:
        """Share of winners among all that are closed."""
        return Decimal(self.n_winners) / self.n_trades if self.n_trades else None


def figures(trades: Iterable[Trade]) -> TradeFigures:
    """Return the figures of closed trades (open ones are left out)."""
    closed = [trade for trade in trades if trade.closed_at is not None]
    wins = [trade.pnl_net for trade in closed if trade.pnl_net > 0]
    losses = [trade.pnl_net for trade in closed if trade.pnl_net < 0]
    multiples = [trade.r_multiple for trade in closed if trade.r_multiple is not None]
    return TradeFigures(
        n_trades=len(closed),
        n_winners=len(wins),
        pnl_net=sum((trade.pnl_net for trade in closed), ZERO),
        fees=sum((trade.fees for trade in closed), ZERO),
        average_win=_mean(wins),
        average_loss=_mean(losses),
        average_r=_mean(multiples),
    )


def _mean(values: list[Decimal]) -> Decimal | None:
    return sum(values, ZERO) / len(values) if values else None


def n_working_orders(account: Account) -> int:
    """Return how many orders of an account are not final."""
    return Order.objects.filter(account=account).exclude(status__in=FINAL).count()


def accounts(user: Any) -> list[Account]:
    """Return a user's accounts, oldest first."""
    return list(portfolio.accounts_of(user).order_by("created_at"))
