"""The kernel: matches, marks and decides over rows of bars, and skips ahead where nothing can happen. Pure.

One row is what `backtesting.exact` does at one moment. It can be stopped after any row and played on.
"""

import numpy as np

from backtesting.kernel import borrowing
from backtesting.kernel.compiling import compiled, inlined, kernel
from backtesting.kernel.decide import decide
from backtesting.kernel.fills import AT_OPEN, BEFORE, INSIDE, abandoned, closed, opened, protected
from backtesting.kernel.layout import Grid, Market, Record, Records, Rules, Said, State, Written
from backtesting.kernel.numbers import slipped
from backtesting.kernel.prefetching import fetch_ahead
from backtesting.kernel.sizing import at_fill
from domain.bars import Floats


@kernel
def play(
    start: int, stop: int, event: int, n_events: int, m: Market, said: Said, ins: Records, terms: Records,
    rules: Rules, state: State, w: Written,
) -> tuple[int, int]:  # fmt: skip
    """Play the rows `start <= t < stop` from event `event` on; return the row and event to go on from.

    Comes back early, before the row, where the tables may not hold what a row can write.
    """
    return played(
        start, stop, event, n_events, borrowing.market(m), borrowing.said(said), borrowing.uncounted(ins), terms[0],
        borrowing.rules(rules), borrowing.state(state), borrowing.written(w),
    )  # fmt: skip


@inlined
def played(
    start: int, stop: int, event: int, n_events: int, m: Market, said: Said, ins: Records, p: Record,
    rules: Rules, state: State, w: Written,
) -> tuple[int, int]:  # fmt: skip
    """Do what `play` says."""
    n, s = m.c.shape[1], state.all[0]
    t = start
    while event < n_events and said.events[event].row < start:  # said after the row was played
        if not has_room(n, s, len(w.orders), len(w.signals), len(w.denials), len(rules.all)):
            return t, event
        decide(said.events[event].row, event, m, said, ins, p, rules, s, state, w)
        event += 1
    while t < stop:
        if not has_room(n, s, len(w.orders), len(w.signals), len(w.denials), len(rules.all)):
            break
        if s.n_pending > 0 or s.n_protected > 0:
            match(t, n, m, ins, p, s, state, w)
        mark(t, t + 1, m.c, s, state.quantity, w.equity)
        while event < n_events and said.events[event].row == t:
            fetch_ahead(event, n_events, said.events, m.o)
            decide(t, event, m, said, ins, p, rules, s, state, w)
            event += 1
        t += 1
        if s.n_pending == 0:
            quiet = stop if event >= n_events else min(stop, said.events[event].row)
            if s.n_protected > 0:
                quiet = untouched(t, quiet, state.parts[0], m.h, m.l) if n == 1 else t
            if quiet > t:
                mark(t, quiet, m.c, s, state.quantity, w.equity)
                t = quiet
    return t, event


@inlined
def has_room(n: int, s: Record, n_orders: int, n_signals: int, n_denials: int, n_rules: int) -> bool:
    """Tell whether the tables hold what one more row can write at most."""
    return bool(
        s.n_orders + 4 * n < n_orders
        and s.n_signals + 2 * n < n_signals
        and s.n_denials + (n_rules + 2) * n < n_denials
    )


@kernel
def untouched(start: int, stop: int, part: Record, high: Grid, low: Grid) -> int:
    """Return the first row from `start` on at which the one position's stop or target is reached, else `stop`."""
    below, above = part.stop, part.target
    if part.held < 0.0:
        below, above = above, below
    below = -np.inf if np.isnan(below) else below
    above = np.inf if np.isnan(above) else above
    for t in range(start, stop):
        if low[t, 0] <= below or high[t, 0] >= above:
            return t
    return stop


@compiled(fastmath={"reassoc", "contract"})
def mark(start: int, stop: int, close: Grid, s: Record, quantity: Floats, equity: Floats) -> None:
    """Write the equity of the rows `start <= t < stop`, over which nothing changes hands (only the last's, unasked)."""
    cash, n = s.cash, len(quantity)
    if len(equity) == 0:
        s.equity = cash
        for j in range(n):
            s.equity += quantity[j] * close[stop - 1, j]
        return
    if s.n_held == 0:
        for t in range(start, stop):
            equity[t] = cash
    elif n == 1:
        held = quantity[0]
        for t in range(start, stop):
            equity[t] = cash + held * close[t, 0]
    else:
        for t in range(start, stop):
            value = 0.0
            for j in range(n):
                value += quantity[j] * close[t, j]
            equity[t] = cash + value
    s.equity = equity[stop - 1]


@inlined
def match(t: int, n: int, m: Market, ins: Records, p: Record, s: Record, state: State, w: Written) -> None:
    """Execute one bar of every instrument that has an order; sized at the fill, sales come before purchases."""
    for j in range(n):
        part = state.parts[j]
        if part.is_active == 0:
            continue
        if part.side != 0 and part.held == 0.0:
            if p.at_fill:
                continue
            if p.is_limit:
                enter_by_limit(t, j, m, ins[j], p, s, part, state, w)
            else:
                price = slipped(m.o[t, j], float(part.side), p.slip_entry, p, ins[j])
                opened(t, j, part.pending, price, False, m, ins[j], p, s, part, state, w)
                protected(t, j, AT_OPEN, m, ins[j], p, s, part, state, w)
        elif part.side != 0:
            price = slipped(m.o[t, j], float(part.side), p.slip_bps, p, ins[j])
            closed(part.order, price, False, t, j, m, p, s, part, state, w)
            if part.next_side != 0:
                part.side, part.order = part.next_side, part.next_order
                part.next_side = 0
                s.n_pending += 1
        else:
            protected(t, j, BEFORE, m, ins[j], p, s, part, state, w)
        settle(part)
    if p.at_fill:
        for j in range(n):
            part = state.parts[j]
            if part.is_active != 0 and part.side != 0:
                buy_at_fill(t, j, m, ins[j], p, s, part, state, w)
                settle(part)


@inlined
def enter_by_limit(
    t: int, j: int, m: Market, ins: Record, p: Record, s: Record, part: Record, state: State, w: Written
) -> None:
    """Fill an entry at the open or at its limit, where the bar is as good; without a fill it ends when overdue."""
    sign, limit, first = float(part.side), part.price, m.o[t, j]
    best = m.l[t, j] if part.side > 0 else m.h[t, j]
    if (first - limit) * sign <= 0.0:
        opened(t, j, part.pending, first, False, m, ins, p, s, part, state, w)
        protected(t, j, AT_OPEN, m, ins, p, s, part, state, w)
    elif (best - limit) * sign <= 0.0:
        opened(t, j, part.pending, limit, True, m, ins, p, s, part, state, w)
        protected(t, j, INSIDE, m, ins, p, s, part, state, w)
    elif m.closes[t] - m.closes[w.orders[part.order].created] >= p.patience:
        abandoned(t, s, part, w.orders)


@inlined
def settle(part: Record) -> None:
    """Note whether an instrument still has an order at work."""
    protects = part.held != 0.0 and (part.stop_order >= 0 or part.target_order >= 0)
    part.is_active = 1 if part.side != 0 or protects else 0


@inlined
def buy_at_fill(
    t: int, j: int, m: Market, ins: Record, p: Record, s: Record, part: Record, state: State, w: Written
) -> None:
    """Work out an entry's quantity at its fill, and fill it; without a lot's worth of cash it is canceled."""
    price = slipped(m.o[t, j], float(part.side), p.slip_entry, p, ins)
    cash = part.cash if p.is_split else s.cash
    equity = cash if p.is_split or len(state.parts) == 1 else s.equity  # alone it is flat now
    quantity = min(part.most, at_fill(price, equity, cash, part.side > 0, ins, p))
    if quantity > 0.0:
        w.orders[part.order].quantity = quantity
        opened(t, j, quantity, price, False, m, ins, p, s, part, state, w)
        protected(t, j, AT_OPEN, m, ins, p, s, part, state, w)
        return
    abandoned(t, s, part, w.orders)
