"""Stretches of a run in which nothing can happen: they need only be marked. Pure.

In most bars of one instrument the strategy says nothing and no order is reached. The plain engine looks for the next
bar in which either may be otherwise, and values what lies between in one go: the same decimals, without asking anybody.
"""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from backtesting.feeds import RunFeed
from backtesting.panel import zone_offsets
from backtesting.results import RunOrder
from backtesting.spec import RunSpec
from backtesting.watch import WATCHED
from domain.bars import Ints
from domain.orders import OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce

_DAY = 86_400
_FIRST_LOOK, _WIDER = 64, 4  # bars looked at first for a price that is reached, and how many times more the next time


class Quiet:
    """Finds where the next bar lies in which something may happen to a run of one instrument."""

    def __init__(self, spec: RunSpec, feed: RunFeed) -> None:
        self._bars = feed.bars
        self._n = len(feed.bars)
        said = feed.answer
        entries = said.enters_long | said.enters_short if spec.allow_short else said.enters_long
        self._in = np.flatnonzero(entries)
        self._out_of_long = np.flatnonzero(said.exits_long | said.enters_short)
        self._out_of_short = np.flatnonzero(said.exits_short | said.enters_long)
        self._sessions = _session_starts(spec, feed.closes)
        self._is_watched = bool(
            spec.scripted
            or spec.dividends
            or not spec.financing.is_free
            or any(rule.type in WATCHED for rule in spec.rules)
        )

    def until(self, i: int, held: Decimal, orders: Iterable[RunOrder]) -> int:
        """Return the first row from `i` on in which something may happen; also where a loss session begins after `i`.

        held : the strategy's own; orders : those of the instrument that are not final
        """
        if self._is_watched:
            return i
        wanted = self._in if not held else self._out_of_long if held > 0 else self._out_of_short
        stop = min(_next(wanted, i, self._n), _next(self._sessions, i + 1, self._n))
        below, above = -np.inf, np.inf
        for order in orders:
            if order.status is OrderStatus.HELD:
                continue
            level = _level(order)
            if level is None or stop == i:
                return i
            if (order.side is OrderSide.SELL) == (order.type is OrderType.STOP):
                below = max(below, level)
            else:
                above = min(above, level)
        return self._reached(i, stop, below, above)

    def _reached(self, start: int, stop: int, below: float, above: float) -> int:
        """Return the first row whose range reaches one of two prices, else `stop`."""
        if np.isinf(below) and np.isinf(above):
            return stop
        below, above = np.nextafter(below, np.inf), np.nextafter(above, -np.inf)  # a hair early rather than late
        width = _FIRST_LOOK
        while start < stop:
            end = min(stop, start + width)
            is_reached = (self._bars.l[start:end] <= below) | (self._bars.h[start:end] >= above)
            first = int(is_reached.argmax())
            if is_reached[first]:
                return start + first
            start, width = end, width * _WIDER
        return stop


def _level(order: RunOrder) -> float | None:
    """Return the price at which a resting order does something; None: it may do so in any bar."""
    is_patient = order.role is OrderRole.ENTRY and order.type is OrderType.LIMIT  # it ends when its time is up
    price = order.stop_price if order.type is OrderType.STOP else order.limit_price
    if order.triggered or is_patient or order.time_in_force is not TimeInForce.GTC:
        return None
    if order.type not in (OrderType.STOP, OrderType.LIMIT) or price is None:
        return None
    return float(price)


def _next(rows: Ints, i: int, default: int) -> int:
    """Return the first of ascending rows that is not before `i`."""
    k = int(np.searchsorted(rows, i))
    return int(rows[k]) if k < len(rows) else default


def _session_starts(spec: RunSpec, closes: Ints) -> Ints:
    """Return the rows whose bar closes on another date of the loss session than the bar before."""
    shift = spec.session_start.hour * 3600 + spec.session_start.minute * 60 + spec.session_start.second
    local = closes - shift
    if spec.session_zone != "UTC":
        changes, offsets = zone_offsets(spec.session_zone)
        local = local + offsets[np.searchsorted(changes, closes, side="right") - 1]
    return np.flatnonzero(np.diff(local // _DAY)) + 1
