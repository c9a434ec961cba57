"""The risk gate for entries in float64: the rule functions of risk.rules, compiled, over the same measures. Pure.

Entries are made from flat, so that nothing of them reduces; exits only reduce and are never asked.
"""

from typing import NamedTuple

import numpy as np

from backtesting.kernel.compiling import kernel
from backtesting.kernel.layout import ENTRY, STOP_LOSS, Market, Record, Records, Rules, State, Written
from backtesting.kernel.sessions import peak_equity, session_start_equity
from domain.bars import Ints
from risk.decisions import Action, Scope
from risk.rules import exposure, losses, order_sanity
from risk.rules.table import RULE_TYPES
from risk.rules.types import Bound

# The rule types that the kernel measures, in the order of their numbers.
TYPES = (
    "max_position_size",
    "max_leverage",
    "max_exposure",
    "sector_limit",
    "position_limit",
    "max_order_value",
    "max_order_quantity",
    "price_collar",
    "stale_data",
    "unreconciled",
    "duplicate_order",
    "order_rate",
    "repeated_execution",
    "max_open_orders",
    "max_session_trades",
    "max_turnover",
    "restricted_list",
    "self_cross",
    "max_daily_loss",
    "max_drawdown",
    "max_correlation",
)
ACTIONS = tuple(Action)
SCOPES = (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT, Scope.SECTOR)
LOOKS, RESTRICTS = 1, 2  # the bits of `Rules.flags`
NET, SECOND = 1, 1  # what a rule's `choice` says of max_exposure and of order_rate
_WARN, _RESIZE, _PAUSE = (ACTIONS.index(each) for each in (Action.WARN, Action.RESIZE, Action.PAUSE_STRATEGY))
_REDUCES, _HALTS = 1, 2
_STOPS = np.array(
    [{Action.REDUCE_ONLY: _REDUCES, Action.FLATTEN: _HALTS, Action.HALT: _HALTS}.get(each, 0) for each in ACTIONS]
)
NO_EQUITY, IS_REDUCING, IS_HALTED = -1, -2, -3  # what stands for the platform's own checks among the denials
_BOUNDS = np.array([tuple(Bound).index(RULE_TYPES[name].bound) for name in TYPES])
_ADDITIVE = np.array([RULE_TYPES[name].is_additive for name in TYPES])
_AT_MOST, _BELOW = tuple(Bound).index(Bound.AT_MOST), tuple(Bound).index(Bound.BELOW)
_NEAR = 1e-11  # what sums of doubles may lose of a value, and far less than a lot or a tick is of a limit
_OWN, _SECTOR = SCOPES.index(Scope.INSTRUMENT), SCOPES.index(Scope.SECTOR)

(
    _POSITION_SIZE,
    _LEVERAGE,
    _EXPOSURE,
    _SECTOR_LIMIT,
    _POSITION_LIMIT,
    _ORDER_VALUE,
    _ORDER_QUANTITY,
    _COLLAR,
    _STALE,
    _UNRECONCILED,
    _DUPLICATE,
    _RATE,
    _REPEATED,
    _OPEN_ORDERS,
    _SESSION_TRADES,
    _MAX_TURNOVER,
    _RESTRICTED,
    _SELF_CROSS,
    _DAILY_LOSS,
    _DRAWDOWN,
    _CORRELATION,
) = range(len(TYPES))

max_position_size = kernel(exposure.max_position_size)
max_leverage = kernel(exposure.max_leverage)
max_exposure = kernel(exposure.max_exposure)
sector_limit = kernel(exposure.sector_limit)
max_turnover = kernel(order_sanity.max_turnover)
price_collar = kernel(order_sanity.price_collar)
max_daily_loss = kernel(losses.max_daily_loss)
max_drawdown = kernel(losses.max_drawdown)


class Entry(NamedTuple):
    """The entry that is judged: bar, instrument, side, the quantity asked for, the price it is judged at, equity."""

    t: int
    j: int
    side: int
    quantity: float
    price: float
    equity: float


@kernel
def counts(k: int, x: Entry, scope: int, by_sector: bool, ins: Records) -> bool:
    """Tell whether another instrument belongs to what a rule of this scope adds up."""
    if k == x.j or scope == _OWN:
        return False
    return not (by_sector or scope == _SECTOR) or ins[k].sector == ins[x.j].sector


@kernel
def others(x: Entry, scope: int, by_sector: bool, m: Market, ins: Records, state: State) -> tuple[float, int]:
    """Return the gross value of what other instruments hold or are entering, and how many do."""
    gross, count = 0.0, 0
    for k in range(len(state.parts)):
        part = state.parts[k]
        if (part.held == 0.0 and part.side == 0) or not counts(k, x, scope, by_sector, ins):
            continue
        gross += part.price * part.pending if part.held == 0.0 else m.c[x.t, k] * abs(part.held)
        count += 1
    return gross, count


@kernel
def net_of_others(x: Entry, scope: int, m: Market, ins: Records, state: State) -> float:
    """Return the signed value of the others once all working orders of the order's side have filled."""
    total = 0.0
    for k in range(len(state.parts)):
        part = state.parts[k]
        if not counts(k, x, scope, False, ins):
            continue
        total += part.held * m.c[x.t, k]
        if part.held == 0.0 and part.side == x.side:
            total += x.side * part.pending * part.price
    return total


@kernel
def open_entries(x: Entry, scope: int, ins: Records, state: State) -> int:
    """Count the entries that are working."""
    count = 0
    for k in range(len(state.parts)):
        part = state.parts[k]
        if part.held == 0.0 and part.side != 0 and counts(k, x, scope, False, ins):
            count += 1
    return count


@kernel
def is_identical(order: Record, x: Entry) -> bool:
    """Tell whether an order asked for the same as this one."""
    return bool(order.col == x.j and order.side == x.side and order.requested == x.quantity)


@kernel
def lately(x: Entry, seconds: int, only_same_entries: bool, closes: Ints, s: Record, orders: Records) -> int:
    """Count the orders made within the last seconds, or the identical entries among them."""
    after, count = closes[x.t] - seconds, 0
    for k in range(s.n_orders - 1, -1, -1):
        order = orders[k]
        if order.role >= STOP_LOSS:
            continue  # an entry's own, not decided on
        if closes[order.created] <= after:
            break
        if not only_same_entries or (order.role == ENTRY and is_identical(order, x)):
            count += 1
    return count


@kernel
def newest_identical(x: Entry, closes: Ints, s: Record, orders: Records) -> float:
    """Return the age in seconds of the newest identical order of the last minute; NaN without one."""
    newest = -1
    for k in range(s.n_orders - 1, -1, -1):
        if orders[k].role >= STOP_LOSS:
            continue
        at = closes[orders[k].created]
        if at <= closes[x.t] - 60:
            break
        if is_identical(orders[k], x):
            newest = max(newest, at)
    return np.nan if newest < 0 else float(closes[x.t] - newest)


@kernel
def measured(
    rule: Record, is_restricted: bool, quantity: float, x: Entry, m: Market, ins: Records, p: Record, s: Record,
    state: State, w: Written,
) -> float:  # fmt: skip
    """Return what a rule measures were the entry of this quantity; NaN: there is nothing to object to."""
    kind = rule.type
    if kind == _POSITION_SIZE:
        return float(max_position_size(quantity * x.price, x.equity))
    if kind in (_LEVERAGE, _EXPOSURE, _SECTOR_LIMIT, _POSITION_LIMIT):
        return exposed(rule, quantity, x, m, ins, state)
    if kind == _ORDER_VALUE:
        return quantity * x.price
    if kind == _ORDER_QUANTITY:
        return quantity
    if kind == _COLLAR:
        return float(price_collar(x.price, m.c[x.t, x.j]))
    if kind in (_STALE, _UNRECONCILED, _CORRELATION):
        return 0.0
    if kind == _RESTRICTED:
        return 1.0 if is_restricted else 0.0
    if kind == _SESSION_TRADES:
        return float(s.session_entries + 1)
    if kind == _MAX_TURNOVER:
        return float(max_turnover(s.turnover, quantity * x.price, x.equity))
    if kind == _DAILY_LOSS:
        return float(max_daily_loss(session_start_equity(x.t, m, p, s, w.equity), x.equity))
    if kind == _DRAWDOWN:
        return float(max_drawdown(peak_equity(x.t, x.equity, s, w.equity), x.equity))
    if kind == _OPEN_ORDERS:
        return float(open_entries(x, rule.scope, ins, state) + 1 if s.n_pending else 1)
    if kind == _DUPLICATE:
        return newest_identical(x, m.closes, s, w.orders)
    if kind == _RATE:
        return float(lately(x, 1 if rule.choice == SECOND else 60, False, m.closes, s, w.orders) + 1)
    if kind == _REPEATED:
        return float(lately(x, 60, True, m.closes, s, w.orders) + 1)
    return np.nan  # self_cross: an entry from flat meets no own resting order


@kernel
def exposed(rule: Record, quantity: float, x: Entry, m: Market, ins: Records, state: State) -> float:
    """Return what a rule on exposures measures were the entry of this quantity."""
    kind, value = rule.type, quantity * x.price
    if kind == _EXPOSURE and rule.choice == NET:
        net = net_of_others(x, rule.scope, m, ins, state) + x.side * value
        return float(max_exposure(abs(net), x.equity))
    gross, count = others(x, rule.scope, kind == _SECTOR_LIMIT, m, ins, state)
    if kind == _POSITION_LIMIT:
        return float(count + (1 if quantity > 0.0 else 0))
    if kind == _SECTOR_LIMIT:
        return float(sector_limit((gross if ins[x.j].sector >= 0 else 0.0) + value, x.equity))
    if kind == _LEVERAGE:
        return float(max_leverage(gross + value, x.equity))
    return float(max_exposure(gross + value, x.equity))


@kernel
def is_within(kind: int, value: float, limit: float) -> bool:
    """Tell whether a value lies on the good side of a limit; a double next to the limit stands for it."""
    near = _NEAR * abs(limit)
    if _BOUNDS[kind] == _AT_MOST:
        return value <= limit + near
    return value < limit - near if _BOUNDS[kind] == _BELOW else value >= limit - near


@kernel
def judged(x: Entry, m: Market, ins: Records, p: Record, rules: Rules, s: Record, state: State, w: Written) -> float:
    """Return how much of an entry may go out; note who refused it, and take the consequences that rules ask for."""
    allowed, pauses, reduces = x.quantity, False, 0
    if x.equity <= 0.0:
        allowed = note(NO_EQUITY, x.equity, s, w.denials)
    if s.is_reducing:
        allowed = note(IS_REDUCING if s.is_reducing == _REDUCES else IS_HALTED, x.equity, s, w.denials)
    for r in range(len(rules.all)):
        rule, flags = rules.all[r], rules.flags[r, x.j]
        if not flags & LOOKS:
            continue
        bars = flags & RESTRICTS != 0
        value = measured(rule, bars, x.quantity, x, m, ins, p, s, state, w)
        if np.isnan(value) or is_within(rule.type, value, rule.limit) or rule.action == _WARN:
            continue
        if _ADDITIVE[rule.type] and value <= measured(rule, bars, 0.0, x, m, ins, p, s, state, w):
            continue
        fits = fitting(rule, bars, x, m, ins, p, s, state, w) if rule.action == _RESIZE else 0.0
        allowed = min(allowed, fits)
        pauses, reduces = pauses or rule.action == _PAUSE, max(reduces, _STOPS[rule.action])
        note(r, value, s, w.denials)
    if pauses:
        s.is_paused = 1
    s.is_reducing = max(s.is_reducing, reduces)
    return allowed


@kernel
def note(rule: int, value: float, s: Record, denials: Records) -> float:
    """Note that a rule refuses (part of) the order that comes next; return 0, what it lets through."""
    denial = denials[s.n_denials]
    denial.order, denial.rule, denial.value = s.n_orders, rule, value
    s.n_denials += 1
    return 0.0


@kernel
def fitting(
    rule: Record, is_restricted: bool, x: Entry, m: Market, ins: Records, p: Record, s: Record, state: State,
    w: Written,
) -> float:  # fmt: skip
    """Return the largest quantity in whole lots that a rule finds good."""
    up, down = ins[x.j].lot_up, ins[x.j].lot_down
    low, high = 0.0, np.floor(x.quantity * down / up + 1e-9) + 1.0
    while high - low > 1.0:
        middle = np.floor((low + high) / 2.0)
        value = measured(rule, is_restricted, min(middle * up / down, x.quantity), x, m, ins, p, s, state, w)
        if is_within(rule.type, value, rule.limit):
            low = middle
        else:
            high = middle
    return low * up / down
