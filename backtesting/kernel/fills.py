"""What fills do to the books in float64: entries open a position, exits, stops and targets close it. Pure."""

import numpy as np

from backtesting.kernel.compiling import inlined
from backtesting.kernel.layout import ACCEPTED, CANCELED, FILLED, Market, Record, Records, State, Written
from backtesting.kernel.numbers import fee_of, level, slipped
from backtesting.kernel.sessions import enter_session

BEFORE, AT_OPEN, INSIDE = 0, 1, 2  # when in a bar its protective orders came to a position


@inlined
def finish(order: Record, t: int, status: int) -> None:
    """Bring an order to a final state."""
    order.status, order.closed = status, t


@inlined
def booked(
    number: int, sign: float, quantity: float, price: float, fee: float, t: int, orders: Records, fills: Records,
    part: Record, p: Record, s: Record,
) -> int:  # fmt: skip
    """Fill an order whole; return the fill's number."""
    paid = sign * quantity * price + fee
    s.cash -= paid
    if p.is_split:
        part.cash -= paid
    s.fees += fee
    s.turnover += quantity * price
    n = s.n_fills
    fill = fills[n]
    fill.row, fill.order = t, number
    fill.quantity, fill.price, fill.fee = sign * quantity, price, fee
    s.n_fills = n + 1
    order = orders[number]
    finish(order, t, FILLED)
    order.filled, order.average = quantity, price
    return n


@inlined
def opened(
    t: int, j: int, quantity: float, price: float, is_maker: bool, m: Market, ins: Record, p: Record, s: Record,
    part: Record, state: State, w: Written,
) -> None:  # fmt: skip
    """Fill a pending entry and put its stop and target on the book."""
    sign = float(part.side)
    enter_session(t, m, p, s)
    fee = fee_of(quantity, price, is_maker, p)
    part.side = 0
    s.n_pending -= 1
    part.entry_fill = booked(part.order, sign, quantity, price, fee, t, w.orders, w.fills, part, p, s)
    part.held = sign * quantity
    state.quantity[j] = part.held
    part.cost = quantity * price
    s.n_held += 1
    part.stop = level(part.stop_asked, part.stop_percent, price, -sign, ins)
    part.target = level(part.target_asked, part.target_percent, price, sign, ins)
    if part.stop_order >= 0:
        work(w.orders[part.stop_order], t, quantity)
        w.orders[part.stop_order].stop = part.stop
    if part.target_order >= 0:
        work(w.orders[part.target_order], t, quantity)
        w.orders[part.target_order].limit = part.target
    if part.stop_order >= 0 or part.target_order >= 0:
        s.n_protected += 1


@inlined
def work(order: Record, t: int, quantity: float) -> None:
    """Put a held order on the book."""
    order.status, order.created = ACCEPTED, t
    order.quantity = quantity
    order.requested = quantity


@inlined
def cancel(number: int, t: int, orders: Records) -> None:
    """Take an order off the book if it is on it."""
    if number >= 0 and orders[number].status <= 1:  # accepted or held
        finish(orders[number], t, CANCELED)


@inlined
def closed(
    number: int, price: float, is_maker: bool, t: int, j: int, m: Market, p: Record, s: Record, part: Record,
    state: State, w: Written,
) -> None:  # fmt: skip
    """Fill an order that ends the position; whatever else rests for it is canceled."""
    sign = 1.0 if part.held > 0.0 else -1.0
    quantity = abs(part.held)
    enter_session(t, m, p, s)
    fee = fee_of(quantity, price, is_maker, p)
    fill = booked(number, -sign, quantity, price, fee, t, w.orders, w.fills, part, p, s)
    trade = w.trades[s.n_trades]
    trade.entry, trade.leave = part.entry_fill, fill
    s.n_trades += 1
    net = sign * (quantity * price - part.cost) - w.fills[part.entry_fill].fee - fee
    count_trade(np.rint(net / part.cost * 1e12) / 1e12, s)
    if part.stop_order >= 0 or part.target_order >= 0:
        s.n_protected -= 1
    cancel(part.stop_order, t, w.orders)
    cancel(part.target_order, t, w.orders)
    part.stop_order = part.target_order = part.order = -1
    if part.side != 0:
        part.side = 0
        s.n_pending -= 1
    part.held = part.pending = 0.0
    state.quantity[j] = 0.0
    s.n_held -= 1


@inlined
def count_trade(share: float, s: Record) -> None:
    """Count a closed trade among the winners or the losers by its net return on entry value."""
    if share > 0.0:
        s.won += share
        s.n_won += 1
    elif share < 0.0:
        s.lost -= share
        s.n_lost += 1


@inlined
def abandoned(t: int, s: Record, part: Record, orders: Records) -> None:
    """Cancel an entry that waits, and what it holds for its position."""
    cancel(part.order, t, orders)
    cancel(part.stop_order, t, orders)
    cancel(part.target_order, t, orders)
    part.order = part.stop_order = part.target_order = -1
    part.side = 0
    s.n_pending -= 1


@inlined
def protected(
    t: int, j: int, arrival: int, m: Market, ins: Record, p: Record, s: Record, part: Record, state: State,
    w: Written,
) -> None:  # fmt: skip
    """Let the stop or the target of a position execute in this bar: at the open, then the stop, then the target.

    Where they came with the open, no target fills at it; where they came inside the bar, only the stop does.
    """
    if part.stop_order < 0 and part.target_order < 0:
        return
    sign = 1.0 if part.held > 0.0 else -1.0
    stop, target = part.stop, part.target  # comparisons with NaN are false
    first, worst, best = m.o[t, j], m.l[t, j], m.h[t, j]
    if sign < 0.0:
        worst, best = best, worst
    gaps_stop, gaps_target = (stop - first) * sign >= 0.0, (first - target) * sign >= 0.0
    number, price, is_maker = part.stop_order, 0.0, False
    if gaps_target and not gaps_stop and arrival == BEFORE:
        number, price = part.target_order, first
    elif (stop - worst) * sign >= 0.0:
        price = slipped(first if gaps_stop and arrival != INSIDE else stop, -sign, p.slip_bps, p, ins)
    elif arrival != INSIDE and (best - target) * sign >= 0.0:
        number, price, is_maker = part.target_order, first if gaps_target else target, not gaps_target
    else:
        return
    closed(number, price, is_maker, t, j, m, p, s, part, state, w)
