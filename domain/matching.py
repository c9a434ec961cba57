"""How orders execute against one bar: fills, slippage and fees. The paper venue and the backtest engine both use it.

Both loop on :func:`next_execution`, applying each result before asking again, so that brackets, one-cancels-other and
resizing act inside the bar in the same way. The stated rule: at the open first market orders in their sequence, then
stops that gap open, then limits that are better than the open; after that, inside the bar, stops before limits (the
pessimistic choice where a bar touches both); at the session's close, orders for the close. An order released inside a
bar takes part in the rest of it: a stop may still trigger, a target only where its entry filled at the open. A
stop-limit that is reached inside a bar fills at its stop where its limit allows that; else it waits for the next bar,
since nobody knows whether the bar came to the limit before or after.

Where an account may take but a part of a bar's volume, an order fills with what is left of it and goes on working: what
remains of a market order, or of a stop that was reached, fills at the next open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import IntEnum, StrEnum

from domain.costs import Costs
from domain.orders import OrderSide, OrderType, TimeInForce

ZERO = Decimal(0)
_PERCENT = Decimal(100)


class Phase(IntEnum):
    """When in a bar something happens; as an order's ``arrival``: when it came to the venue."""

    BEFORE = 0
    OPEN = 1
    INTRABAR = 2
    CLOSE = 3


class ExecutionKind(StrEnum):
    """What happens to an order: a fill, or its stop is reached without one (a stop-limit beyond its limit)."""

    FILL = "fill"
    TRIGGER = "trigger"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPrices:
    """One bar's prices in the quote currency, and whether it is the first or the last of its session."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    begins_session: bool = True
    ends_session: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOrder:
    """A working order as the matcher sees it; ``quantity`` is what remains, ``sequence`` the order of arrival.

    ``opens`` is true for an order that may open a position, where that is known and costs (`SlippageModel.entry_bps`).
    """

    order_id: str
    sequence: int
    side: OrderSide
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    triggered: bool = False
    time_in_force: TimeInForce = TimeInForce.GTC
    arrival: Phase = Phase.BEFORE
    opens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """The next thing to happen in a bar. ``price`` and ``fee`` are set for fills."""

    order_id: str
    kind: ExecutionKind
    phase: Phase
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    fee: Decimal = ZERO
    reason: str = ""


_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_OPEN_ONLY = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG})
_STOPS = (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.STOP_LIMIT)
_RANK = {
    OrderType.MARKET: 0,
    OrderType.STOP: 1,
    OrderType.TRAILING_STOP: 1,
    OrderType.STOP_LIMIT: 1,
    OrderType.LIMIT: 2,
}


def next_execution(orders: Iterable[MatchOrder], bar: BarPrices, costs: Costs) -> Execution | None:
    """Return what happens next in this bar, or None when nothing more does.

    The caller applies it (removes or changes the order, releases or cancels others) and calls again with what works
    then. Orders that became working inside this bar carry the phase in ``arrival``.
    """
    ranked = sorted(orders, key=lambda o: (_RANK[o.type], o.sequence))
    for at_phase in (_at_open, _inside, _at_close):
        for order in ranked:
            execution = at_phase(order, bar, costs)
            if execution is not None:
                return execution
    return None


def _fill(
    order: MatchOrder, bar: BarPrices, costs: Costs, phase: Phase, *, quoted: Decimal, slips: bool, waited: bool = False
) -> Execution | None:
    """Execute as much of an order as the bar has room for; None where it has none.

    ``waited`` is true for a limit order that lay in the book until its price came: it pays the maker's fee.
    """
    room = costs.room(bar.volume)
    quantity = order.quantity if room is None else min(order.quantity, room)
    if quantity <= 0 or (quantity < order.quantity and order.time_in_force is TimeInForce.FOK):
        return None
    share = costs.share(quantity, bar.volume)
    price = quoted
    if slips:
        price = costs.slippage.price(quoted, order.side, costs.tick, share=share, opens=order.opens)
    fee = costs.fees.fee(quantity, price, maker=waited, traded=costs.traded)
    return Execution(
        order_id=order.order_id,
        kind=ExecutionKind.FILL,
        phase=phase,
        quantity=quantity,
        price=price,
        fee=fee,
    )


def _reaches(side: OrderSide, price: Decimal, level: Decimal) -> bool:
    """Has ``price`` reached a stop at ``level``? (buy stops above, sell stops below)"""
    return price >= level if side is OrderSide.BUY else price <= level


def _is_within(side: OrderSide, price: Decimal, limit: Decimal) -> bool:
    """Is ``price`` as good as the limit or better?"""
    return price <= limit if side is OrderSide.BUY else price >= limit


def _at_open(order: MatchOrder, bar: BarPrices, costs: Costs) -> Execution | None:
    if order.arrival is not Phase.BEFORE or order.time_in_force is TimeInForce.CLS:
        return None
    if order.time_in_force is TimeInForce.OPG and not bar.begins_session:
        return None
    execution = _try_at_open(order, bar, costs)
    if execution is None and order.time_in_force in _OPEN_ONLY:
        return Execution(
            order_id=order.order_id, kind=ExecutionKind.EXPIRE, phase=Phase.OPEN, reason="not executable at the open"
        )
    return execution


def _try_at_open(order: MatchOrder, bar: BarPrices, costs: Costs) -> Execution | None:
    if _is_market(order):
        return _fill(order, bar, costs, Phase.OPEN, quoted=bar.open, slips=True)
    if _waits_for_stop(order):
        if not _reaches(order.side, bar.open, _stop(order)):
            return None
        if order.type is not OrderType.STOP_LIMIT:
            return _fill_or_trigger(order, bar, costs, Phase.OPEN, quoted=bar.open)
        return _trigger(order, Phase.OPEN)
    if _is_within(order.side, bar.open, _limit(order)):
        return _fill(order, bar, costs, Phase.OPEN, quoted=bar.open, slips=False)
    return None


def _inside(order: MatchOrder, bar: BarPrices, costs: Costs) -> Execution | None:
    if _is_market(order) or order.time_in_force in _AUCTIONS:
        return None
    worst, best = (bar.high, bar.low) if order.side is OrderSide.BUY else (bar.low, bar.high)
    if _waits_for_stop(order):
        if not _reaches(order.side, worst, _stop(order)):
            return None
        if order.type is OrderType.STOP_LIMIT:
            return _trigger(order, Phase.INTRABAR)
        return _fill_or_trigger(order, bar, costs, Phase.INTRABAR, quoted=_stop_quote(order, bar))
    if order.arrival is Phase.INTRABAR:
        return _where_reached(order, bar, costs)
    limit = _limit(order)
    if not _is_within(order.side, best, limit):
        return None
    # An order that came at the open and was already better than its limit fills at the open, not at the limit.
    is_at_once = order.arrival is Phase.OPEN and _is_within(order.side, bar.open, limit)
    quoted = bar.open if is_at_once else limit
    return _fill(order, bar, costs, Phase.INTRABAR, quoted=quoted, slips=False, waited=not is_at_once)


def _where_reached(order: MatchOrder, bar: BarPrices, costs: Costs) -> Execution | None:
    """Fill a stop-limit at the stop that was just reached inside the bar, if its limit allows that price."""
    if order.type is not OrderType.STOP_LIMIT or not _is_within(order.side, _stop(order), _limit(order)):
        return None
    return _fill(order, bar, costs, Phase.INTRABAR, quoted=_stop(order), slips=False)


def _fill_or_trigger(order: MatchOrder, bar: BarPrices, costs: Costs, phase: Phase, *, quoted: Decimal) -> Execution:
    """A stop that is reached stays reached, though the bar has no room for it."""
    return _fill(order, bar, costs, phase, quoted=quoted, slips=True) or _trigger(order, phase)


def _stop_quote(order: MatchOrder, bar: BarPrices) -> Decimal:
    """The price at which a stop triggers inside the bar: its level, or the open where that was already beyond it."""
    level = _stop(order)
    if order.arrival is Phase.OPEN and _reaches(order.side, bar.open, level):
        return bar.open
    return level


def _at_close(order: MatchOrder, bar: BarPrices, costs: Costs) -> Execution | None:
    if order.time_in_force is not TimeInForce.CLS or order.arrival is not Phase.BEFORE or not bar.ends_session:
        return None
    is_within = order.type is OrderType.LIMIT and _is_within(order.side, bar.close, _limit(order))
    if order.type is OrderType.MARKET or is_within:
        done = _fill(order, bar, costs, Phase.CLOSE, quoted=bar.close, slips=not is_within)
        if done is not None:
            return done
    return Execution(
        order_id=order.order_id, kind=ExecutionKind.EXPIRE, phase=Phase.CLOSE, reason="not executable at the close"
    )


def _waits_for_stop(order: MatchOrder) -> bool:
    return order.type in _STOPS and not order.triggered


def _is_market(order: MatchOrder) -> bool:
    """A stop that was reached and could not fill whole is a market order from then on."""
    return order.type is OrderType.MARKET or (order.triggered and is_triggered_by_fill(order.type))


def is_triggered_by_fill(kind: OrderType) -> bool:
    """Tell whether a part filled means that the order's stop has been reached: the rest waits for no price."""
    return kind in (OrderType.STOP, OrderType.TRAILING_STOP)


def _trigger(order: MatchOrder, phase: Phase) -> Execution:
    return Execution(order_id=order.order_id, kind=ExecutionKind.TRIGGER, phase=phase)


def _stop(order: MatchOrder) -> Decimal:
    if order.stop_price is None:
        raise ValueError(f"order {order.order_id} of type {order.type} has no stop price")
    return order.stop_price


def _limit(order: MatchOrder) -> Decimal:
    if order.limit_price is None:
        raise ValueError(f"order {order.order_id} of type {order.type} has no limit price")
    return order.limit_price


def trailed_stop(
    side: OrderSide, stop_price: Decimal | None, trail_percent: Decimal, bar: BarPrices, tick: Decimal
) -> Decimal:
    """Where a trailing stop stands after a bar: ``trail_percent`` behind the bar's best price, never moved back."""
    best, sign = (bar.low, 1) if side is OrderSide.BUY else (bar.high, -1)
    raw = best * (1 + sign * trail_percent / _PERCENT)
    rounding = ROUND_CEILING if side is OrderSide.BUY else ROUND_FLOOR
    level = (raw / tick).to_integral_value(rounding) * tick
    if stop_price is None:
        return level
    return min(stop_price, level) if side is OrderSide.BUY else max(stop_price, level)


def first_trail(side: OrderSide, trail_percent: Decimal, price: Decimal, tick: Decimal) -> Decimal:
    """Where a trailing stop stands when it comes to the venue: ``trail_percent`` behind the last price."""
    last = BarPrices(open=price, high=price, low=price, close=price)
    return trailed_stop(side, None, trail_percent, last, tick)
