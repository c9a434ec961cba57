"""The books: one fill moves position, cash and journal together, in the caller's transaction.

Positions, cash, realised P&L and journal are a function of the SET of fills: a fill that comes late makes the position
be folded anew from all its fills. Refusing a repeated fill is the caller's part (a unique row per venue fill).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from core.bus import publish
from core.prepared import Prepared, store, update
from domain.events import PositionChanged, PositionClosed, PositionOpened
from domain.orders import Fill, OrderRole, OrderSide
from domain.positions import PositionState, RoundTrip, apply, booked, fold, fold_order
from domain.protection import ProtectionPlan, levels
from portfolio.models import Account, Position, Trade
from portfolio.services.marks import BOOKED, begin_session, revalue

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedFill:
    """What a fill did: the position after it, its quantity before, and the round trip that it closed (if it did)."""

    position: Position
    before_quantity: Decimal
    trade: Trade | None


@transaction.atomic(savepoint=False)
def book_fill(
    account: Account,
    fill: Fill,
    *,
    history: Callable[[], Iterable[Fill]],
    at: datetime,
    signal_price: Decimal | None = None,
    plan: ProtectionPlan | None = None,
    tick: Decimal | None = None,
) -> BookedFill:
    """Book one new fill of a locked account; publishes PositionOpened, PositionChanged or PositionClosed.

    ``history`` gives all fills of this position since the account's last reset (with or without this one); it is
    asked only when the fill comes late. ``at`` is the market time now. ``plan`` is kept with the position that the
    fill opens or enlarges. ``tick`` spares reading the instrument's.
    """
    begin_session(account, at)
    position = _position_of(account, fill)
    before = position.quantity
    is_late = _is_late(position, fill)
    known = _trades_of(position, all_of_them=is_late)
    state = _refolded(history, fill) if is_late else apply(_state_of(position, known), fill)
    account.cash += booked(fill.cash_change)
    kept = plan if state.quantity * fill.side.sign > 0 else None
    _store_position(position, state, fill, plan=kept)
    stop = None if kept is None else _first_stop(position, kept, tick, state)
    trades = _store_trades(position, state, fill, known, signal_price=signal_price, stop=stop)
    revalue(account)
    update(account, BOOKED)
    closed = trades[-1] if state.closed_trades and trades else None
    _tell(account, position, fill, before=before, closed=closed, at=at)
    return BookedFill(position=position, before_quantity=before, trade=closed)


def _position_of(account: Account, fill: Fill) -> Position:
    key = {
        "account": account,
        "epoch": account.epoch,
        "instrument_id": fill.instrument_id,
        "strategy_id": fill.strategy_id,
    }
    where = {"account_id": account.pk, "epoch": account.epoch, "instrument_id": fill.instrument_id}
    if fill.strategy_id is None:
        found = _by_hand.first(**where)
    else:
        found = _of_strategy.first(**where, strategy_id=fill.strategy_id)
    return found or Position(user_id=account.user_id, **key)


_by_hand: Prepared[Position] = Prepared(
    lambda **where: Position.objects.filter(**where, strategy_id=None), account_id=UUID, epoch=int, instrument_id=UUID
)
_of_strategy: Prepared[Position] = Prepared(
    lambda **where: Position.objects.filter(**where), account_id=UUID, epoch=int, instrument_id=UUID, strategy_id=UUID
)


def _is_late(position: Position, fill: Fill) -> bool:
    if position.last_fill_at is None:
        return False
    return fold_order(fill) < (position.last_fill_at, position.last_fill_id)


def _refolded(history: Callable[[], Iterable[Fill]], fill: Fill) -> PositionState:
    fills = {each.venue_fill_id: each for each in history()}
    fills[fill.venue_fill_id] = fill
    return fold(fills.values())


def _trades_of(position: Position, *, all_of_them: bool) -> dict[str, Trade]:
    """The round trips that a fill may change, by their first fill: the open one, or all after a late fill."""
    if position._state.adding or (position.quantity == 0 and not all_of_them):
        return {}
    rows = Trade.objects.filter(position=position) if all_of_them else _open_trades(position_id=position.pk)
    return {trade.entry_fill: trade for trade in rows}


_open_trades: Prepared[Trade] = Prepared(
    lambda position_id: Trade.objects.filter(position_id=position_id, closed_at=None), position_id=UUID
)


def _state_of(position: Position, known: dict[str, Trade]) -> PositionState:
    trade = None if position.quantity == 0 else next(iter(known.values()))
    return PositionState(
        quantity=position.quantity,
        average_price=position.average_price,
        cost=position.cost,
        realized_pnl=position.realized_pnl,
        fees=position.fees,
        cash_change=position.cash_change,
        open_trade=None if trade is None else _trip_of(trade),
    )


def _trip_of(trade: Trade) -> RoundTrip:
    return RoundTrip(
        side=OrderSide(trade.side),
        entry_at=trade.entry_at,
        entry_fill=trade.entry_fill,
        entry_quantity=trade.entry_quantity,
        entry_value=trade.entry_value,
        exit_at=trade.exit_at,
        exit_quantity=trade.exit_quantity,
        exit_value=trade.exit_value,
        fees=trade.fees,
        pnl=trade.pnl,
    )


def _store_position(position: Position, state: PositionState, fill: Fill, *, plan: ProtectionPlan | None) -> None:
    was_flat = position.quantity == 0
    turned = position.quantity * state.quantity < 0
    for name in ("quantity", "average_price", "cost", "realized_pnl", "fees", "cash_change"):
        setattr(position, name, getattr(state, name))
    position.is_open = state.quantity != 0
    if (position.is_open and was_flat) or position.last_mark is None:
        position.last_mark, position.last_mark_at = fill.price, fill.at
    if not position.is_open or turned:
        _forget_plan(position)
    if plan is not None:
        _keep_plan(position, plan)
    trips = (*state.closed_trades, *([state.open_trade] if state.open_trade else []))
    position.opened_at = trips[-1].entry_at
    position.closed_at = None if position.is_open else trips[-1].exit_at
    if position.last_fill_at is None or not _is_late(position, fill):
        position.last_fill_at, position.last_fill_id = fill.at, fill.venue_fill_id
    store(position)


def _forget_plan(position: Position) -> None:
    position.stop_price = position.stop_percent = position.target_price = position.target_percent = None


def _keep_plan(position: Position, plan: ProtectionPlan) -> None:
    for name in ("stop_price", "stop_percent", "target_price", "target_percent"):
        setattr(position, name, getattr(plan, name))


def _store_trades(
    position: Position,
    state: PositionState,
    fill: Fill,
    known: dict[str, Trade],
    *,
    signal_price: Decimal | None,
    stop: Decimal | None,
) -> list[Trade]:
    """Write the round trips of ``state``; return the closed ones. After a late fill, trips that are no more go."""

    def store(trip: RoundTrip, *, is_open: bool) -> Trade:
        trade = known.get(trip.entry_fill) or _new_trade(position, trip, fill, signal_price=signal_price)
        return _store_trade(trade, trip, fill, stop=stop if is_open else None, is_open=is_open)

    closed = [store(trip, is_open=False) for trip in state.closed_trades]
    kept = {trade.entry_fill for trade in closed}
    if state.open_trade:
        kept.add(store(state.open_trade, is_open=True).entry_fill)
    gone = [trade.pk for trade in known.values() if trade.entry_fill not in kept]
    if gone:
        Trade.objects.filter(pk__in=gone).delete()
    return closed


def _new_trade(position: Position, trip: RoundTrip, fill: Fill, *, signal_price: Decimal | None) -> Trade:
    return Trade(
        user_id=position.user_id,
        account_id=position.account_id,
        position=position,
        instrument_id=position.instrument_id,
        strategy_id=position.strategy_id,
        entry_fill=trip.entry_fill,
        signal_price=signal_price if trip.entry_fill == fill.venue_fill_id else None,
    )


def _store_trade(trade: Trade, trip: RoundTrip, fill: Fill, *, stop: Decimal | None, is_open: bool) -> Trade:
    closed_at = None if is_open else trip.exit_at
    for name in ("side", "entry_at", "entry_quantity", "entry_value", "exit_at", "exit_quantity", "exit_value"):
        setattr(trade, name, getattr(trip, name))
    trade.fees, trade.pnl, trade.pnl_net, trade.closed_at = trip.fees, trip.pnl, trip.pnl_net, closed_at
    if trip.entry_at <= fill.at and (closed_at is None or fill.at <= closed_at):
        trade.lowest = fill.price if trade.lowest is None else min(trade.lowest, fill.price)
        trade.highest = fill.price if trade.highest is None else max(trade.highest, fill.price)
    trade.initial_stop = stop if trade.initial_stop is None else trade.initial_stop
    store(trade)
    return trade


def _tell(
    account: Account, position: Position, fill: Fill, *, before: Decimal, closed: Trade | None, at: datetime
) -> None:
    common = {
        "at": at,
        "user_id": account.user_id,
        "account_id": account.pk,
        "position_id": position.pk,
        "strategy_id": position.strategy_id,
        "symbol": fill.symbol,
        "quantity": position.quantity,
        "average_price": position.average_price,
        "realized_pnl": position.realized_pnl,
        "currency": account.currency,
    }
    turned = before * position.quantity < 0
    if before != 0 and (position.quantity == 0 or turned):
        publish(PositionClosed(**common, pnl_net=closed.pnl_net if closed else ZERO, equity=account.equity))
    if position.quantity != 0 and (before == 0 or turned):
        publish(PositionOpened(**common))
    elif position.quantity != 0:
        publish(PositionChanged(**common))


@transaction.atomic
def set_protection(position: Position, plan: ProtectionPlan) -> Position:
    """Keep the stop and target that a position's entry asked for; its first stop is what the R multiple is made of."""
    _keep_plan(position, plan)
    position.save(update_fields=["stop_price", "stop_percent", "target_price", "target_percent", "updated_at"])
    trade = Trade.objects.filter(position=position, closed_at=None, initial_stop=None).first()
    if trade is not None:
        trade.initial_stop = _first_stop(position, plan, None, position)
        trade.save(update_fields=["initial_stop", "updated_at"])
    return position


def _first_stop(
    position: Position, plan: ProtectionPlan, tick: Decimal | None, held: PositionState | Position
) -> Decimal | None:
    """Return where the first protective stop of a position stands, on the tick as the order is; None without one."""
    if plan.stop_price is None and plan.stop_percent is None:
        return None
    tick = position.instrument.tick_size if tick is None else tick
    return levels(plan, held.quantity, held.average_price, tick).get(OrderRole.STOP_LOSS)
