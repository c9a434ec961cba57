"""Decide: what is said at a bar's close becomes an order, or a signal with the reason why there is none. Pure."""

import numpy as np

from backtesting.kernel.compiling import inlined
from backtesting.kernel.gate import Entry, judged
from backtesting.kernel.layout import (
    ACCEPTED,
    DENIED,
    DENIED_BY_RULES,
    DENIED_LIMIT,
    DENIED_QUANTITY,
    DENIED_STOP,
    DENIED_TARGET,
    ENTER_LONG,
    ENTER_SHORT,
    ENTRY,
    EXECUTED,
    EXIT,
    EXIT_LONG,
    EXIT_SHORT,
    HELD,
    LIMIT,
    MARKET,
    SKIPPED_CLOSED,
    SKIPPED_CONFIDENCE,
    SKIPPED_DAILY,
    SKIPPED_NO_SIZE,
    SKIPPED_PAUSED,
    SKIPPED_POSITIONS,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    Market,
    Record,
    Records,
    Rules,
    Said,
    State,
    Written,
)
from backtesting.kernel.numbers import to_lots, to_tick
from backtesting.kernel.sessions import enter_session
from backtesting.kernel.sizing import wanted

_MOST_QUANTITY, _MOST_PRICE = 1e12, 1e12
OUT = 0  # the side of a signal that ends a position; +1 and -1 enter


@inlined
def decide(
    t: int, event: int, m: Market, said: Said, ins: Records, p: Record, rules: Rules, s: Record, state: State,
    w: Written,
) -> None:  # fmt: skip
    """Take what is said of one instrument at a bar's close to its outcome."""
    kind, j = said.events[event].kind, said.events[event].col
    part = state.parts[j]
    if part.side != 0:
        return
    if part.held != 0.0:
        out = kind & (EXIT_LONG | ENTER_SHORT) if part.held > 0.0 else kind & (EXIT_SHORT | ENTER_LONG)
        if out:
            part.side = -1 if part.held > 0.0 else 1
            part.order = ordered(t, j, part.side, EXIT, MARKET, ACCEPTED, abs(part.held), -1, s, w.orders)
            s.n_pending += 1
            part.is_active = 1
            signalled(t, j, OUT, EXECUTED, m.c[t, j], s, w.signals)
            if p.turns_at_once:
                turn(t, event, m, said, ins, p, rules, s, part, state, w)
        return
    side = 1 if kind & ENTER_LONG else -1 if kind & ENTER_SHORT and p.allows_shorts else 0
    if side != 0:
        code = entered(t, j, side, event, m, said.more, ins, p, rules, s, state, w)
        signalled(t, j, side, code, m.c[t, j], s, w.signals)


@inlined
def turn(
    t: int, event: int, m: Market, said: Said, ins: Records, p: Record, rules: Rules, s: Record, part: Record,
    state: State, w: Written,
) -> None:  # fmt: skip
    """Let the entry of the other way wait behind the exit, where one is wanted."""
    kind, j = said.events[event].kind, said.events[event].col
    side, number = part.side, part.order
    wants = kind & ENTER_LONG if side > 0 else kind & ENTER_SHORT and p.allows_shorts
    if not wants:
        return
    code = entered(t, j, side, event, m, said.more, ins, p, rules, s, state, w)
    signalled(t, j, side, code, m.c[t, j], s, w.signals)
    if code == EXECUTED:
        part.next_side, part.next_order = side, part.order
        s.n_pending -= 1  # one of the two at a time
    part.side, part.order = side, number


@inlined
def signalled(t: int, j: int, side: int, code: int, price: float, s: Record, signals: Records) -> None:
    """Write a signal and its outcome."""
    signal = signals[s.n_signals]
    signal.row, signal.col, signal.side, signal.code = t, j, side, code
    signal.price = price
    s.n_signals += 1


@inlined
def ordered(
    t: int, j: int, side: int, role: int, kind: int, status: int, quantity: float, parent: int, s: Record,
    orders: Records,
) -> int:  # fmt: skip
    """Write a new order; return its number (from 0)."""
    n = s.n_orders
    order = orders[n]
    order.created, order.closed, order.col, order.side = t, -1, j, side
    order.type, order.role, order.status, order.parent = kind, role, status, parent
    order.quantity = quantity
    order.requested = quantity
    order.limit = np.nan
    order.stop = np.nan
    order.average = np.nan
    order.filled = 0.0
    s.n_orders = n + 1
    return n


@inlined
def skipped(t: int, confidence: float, m: Market, p: Record, s: Record) -> int:
    """Return why the trading preferences let an entry pass by (EXECUTED: they do not)."""
    if s.is_paused:
        return SKIPPED_PAUSED
    if not p.confidence <= confidence <= 1.0:
        return SKIPPED_CONFIDENCE
    if len(m.is_open) and not m.is_open[t]:
        return SKIPPED_CLOSED
    if s.session_entries >= p.most_entries:
        return SKIPPED_DAILY
    if s.n_held >= p.most_positions:
        return SKIPPED_POSITIONS
    return EXECUTED


@inlined
def entered(
    t: int, j: int, side: int, event: int, m: Market, more: Records, ins: Records, p: Record, rules: Rules,
    s: Record, state: State, w: Written,
) -> int:  # fmt: skip
    """Size an entry, ask the rules, and put it on the book with its children; return what became of it."""
    confidence, stop, target, strength = 1.0, np.nan, np.nan, 1.0
    if len(more):
        told = more[event]
        confidence, stop, target, strength = told.confidence, told.stop, told.target, told.strength
    enter_session(t, m, p, s)
    code = skipped(t, confidence, m, p, s)
    if code != EXECUTED:
        return code
    price, sign, line, part = m.c[t, j], float(side), ins[j], state.parts[j]
    stop, target = to_tick(stop, line), to_tick(target, line)
    assumed = price * (1.0 - sign * line.stop_percent / 100.0) if np.isnan(stop) else stop
    own = part.cash if p.is_split else s.equity
    asked = wanted(t, j, own, price, assumed if assumed > 0.0 else np.nan, m, p, s) * strength
    asked = to_lots(asked, line)
    if not asked > 0.0:
        return SKIPPED_NO_SIZE
    if asked > _MOST_QUANTITY:
        return DENIED_QUANTITY
    if p.is_limit:
        price = to_tick(price, line)
        if not 0.0 < price <= _MOST_PRICE:
            return DENIED_LIMIT
    if (price - stop) * sign <= 0.0 or stop <= 0.0:
        return DENIED_STOP
    if (target - price) * sign <= 0.0 or target <= 0.0:
        return DENIED_TARGET
    quantity = judged(Entry(t, j, side, asked, price, s.equity), m, ins, p, rules, s, state, w)
    is_denied = quantity <= 0.0
    kind = LIMIT if p.is_limit else MARKET
    number = ordered(t, j, side, ENTRY, kind, DENIED if is_denied else ACCEPTED, asked, -1, s, w.orders)
    if p.is_limit:
        w.orders[number].limit = price
    if is_denied:
        w.orders[number].closed = t
        return DENIED_BY_RULES
    w.orders[number].quantity = quantity
    part.most = quantity if quantity < asked else np.inf
    part.price = price
    send(t, j, side, number, quantity, stop, target, line, s, part, w.orders)
    return EXECUTED


@inlined
def send(
    t: int, j: int, side: int, number: int, quantity: float, stop: float, target: float, ins: Record, s: Record,
    part: Record, orders: Records,
) -> None:  # fmt: skip
    """Let an entry wait for the next open; its stop and target are held until it fills."""
    part.side, part.order = side, number
    part.pending, part.stop_asked, part.target_asked = quantity, stop, target
    part.stop_percent = ins.stop_percent if np.isnan(stop) else np.nan
    part.target_percent = ins.target_percent if np.isnan(target) else np.nan
    part.stop = np.nan
    part.target = np.nan
    part.stop_order = part.target_order = -1
    if not (np.isnan(stop) and np.isnan(part.stop_percent)):
        part.stop_order = ordered(t, j, -side, STOP_LOSS, STOP, HELD, quantity, number, s, orders)
        orders[part.stop_order].stop = stop
    if not (np.isnan(target) and np.isnan(part.target_percent)):
        part.target_order = ordered(t, j, -side, TAKE_PROFIT, LIMIT, HELD, quantity, number, s, orders)
        orders[part.target_order].limit = target
    s.n_pending += 1
    s.session_entries += 1
    part.is_active = 1
