"""Watching a run between orders, after every mark, as live monitoring does: with the same functions. Pure.

Rules on positions close them by working exits; streaks and slippage stop new risk while they are broken. What a broken
rule asks for besides is done at once. A run knows no person who would release a breach.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile

from backtesting.books import Books, Held
from backtesting.door import Door
from backtesting.results import RunOrder, RunTrade
from backtesting.spec import RunSpec
from backtesting.venue import Venue
from domain.orders import OrderRole, OrderSide, OrderSpec, OrderStatus, OrderType
from portfolio.sessions import session_date
from risk.account_rules import measured
from risk.breach_levels import BREACH, next_level
from risk.decisions import Action, RuleSpec, Scope
from risk.position_rules import (
    POSITION_TYPES,
    Holding,
    accrued_until,
    concerning,
    exposed_part,
    is_to_close,
    measured_of,
)
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase

ZERO = Decimal(0)
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_AT_VENUE = (OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
_CARRIED = frozenset({"stop_loss", "take_profit"})
"""Rules that a run's entries always carry as working orders: nothing is left to watch."""
_ONLY_WATCHED = frozenset(name for name, each in RULE_TYPES.items() if each.phases == {Phase.PORTFOLIO})
WATCHED = (POSITION_TYPES - _CARRIED) | _ONLY_WATCHED
"""Types of rules that are asked between orders; a run without any of them needs no watching."""


class Watch:
    """Measures what is held after every mark, and carries out what broken rules ask for."""

    def __init__(self, spec: RunSpec, books: Books, venue: Venue, door: Door) -> None:
        self._spec, self._books, self._venue, self._door = spec, books, venue, door
        self._rules = [rule for rule in spec.rules if rule.type in WATCHED]
        self._levels: dict[tuple[str, str], str] = {}
        self._accrued: dict[str, tuple[Decimal, Decimal, datetime]] = {}

    def look(self, at: datetime) -> None:
        """Measure every watched rule at the marks of this moment."""
        if not self._rules:
            return
        for rule in self._rules:
            if rule.type in _ONLY_WATCHED:
                self._look_at_account(rule, at)
        held = self._books.open
        holdings = [self._accrue(self._holding(each), at) for each in held]
        self._forget({each.key for each in holdings})
        for each, holding in zip(held, holdings, strict=True):
            self._look_at_position(each, holding, at)

    # -- the account --------------------------------------------------------------------------------------------

    def _look_at_account(self, rule: RuleSpec, at: datetime) -> None:
        value = measured(rule, RULE_TYPES[rule.type], self._door.snapshot(at), lambda name, r: self._find(name, r, at))
        if value is None:
            return
        self._level(rule, "", value, at)
        is_broken = self._levels[rule.key, ""] == BREACH and rule.action is not Action.WARN
        self._door.hold(rule.key, is_held=is_broken)

    def _find(self, name: str, rule: RuleSpec, at: datetime) -> Decimal | None:
        if name == "n_losing_trades":
            trades = [t for t in reversed(self._books.trades) if t.is_closed and self._is_of(rule, t)]
            return Decimal(sum(1 for _ in takewhile(lambda trade: trade.trip.pnl_net < 0, trades)))
        if name == "n_rejected_orders":
            return ZERO  # the venue of a run rejects nothing
        return self._slippage(rule, at) if name == "slippage_cost" else None

    def _slippage(self, rule: RuleSpec, at: datetime) -> Decimal:
        """What fills of this session cost beyond the prices that their orders were decided at (a gain counts too)."""
        zone, start = self._spec.session_zone, self._spec.session_start
        today = session_date(at, zone, start)
        cost = ZERO
        for number, fill in zip(reversed(self._venue.fill_orders), reversed(self._books.fills), strict=True):
            if session_date(fill.at, zone, start) < today:
                break
            order = self._venue.orders[number - 1]
            if order.reference_price is not None and self._is_of(rule, order):
                cost += (fill.price - order.reference_price) * fill.quantity * fill.side.sign
        return max(ZERO, cost)

    def _is_of(self, rule: RuleSpec, row: RunTrade | RunOrder) -> bool:
        if rule.scope is Scope.STRATEGY:
            return row.strategy_id == rule.strategy_id
        instrument = next(each for each in self._spec.instruments if each.symbol == row.symbol)
        if rule.scope is Scope.INSTRUMENT:
            return instrument.id == rule.instrument_id
        return rule.scope is not Scope.SECTOR or instrument.sector == rule.sector

    # -- positions ----------------------------------------------------------------------------------------------

    def _look_at_position(self, held: Held, holding: Holding, at: datetime) -> None:
        is_closing = False
        for rule in concerning(holding, self._rules):
            value = measured_of(rule, holding, at)
            if value is None:
                continue
            self._level(rule, holding.key, value, at)
            is_closing = is_closing or is_to_close(rule, value)
            if rule.type == "unprotected_position":
                self._hold_unprotected(rule)
        if is_closing:
            self._close(held, holding, at)

    def _hold_unprotected(self, rule: RuleSpec) -> None:
        levels = [level for (key, _), level in self._levels.items() if key == rule.key]
        self._door.hold(rule.key, is_held=BREACH in levels and rule.action is not Action.WARN)

    def _close(self, held: Held, holding: Holding, at: datetime) -> None:
        left = holding.size - holding.closing
        if left <= 0:
            return
        order = OrderSpec(
            symbol=holding.symbol,
            side=OrderSide.SELL if holding.quantity > 0 else OrderSide.BUY,
            quantity=left,
            reduce_only=True,
            role=OrderRole.EXIT,
        )
        reference = self._books.closes.get(held.instrument.id)
        self._door.submit(order, held.instrument, at=at, reference=reference, strategy_id=held.strategy_id, signal=None)

    def _holding(self, held: Held) -> Holding:
        exit_side = OrderSide.SELL if held.state.quantity > 0 else OrderSide.BUY
        orders = [
            order
            for order in self._venue.open(held.instrument.id)
            if order.reduce_only and order.side is exit_side and order.strategy_id == held.strategy_id
        ]
        working = [order for order in orders if order.status in _AT_VENUE]
        opened = held.state.open_trade
        return Holding(
            key=f"{held.instrument.id}:{held.strategy_id}",
            instrument_id=held.instrument.id,
            symbol=held.instrument.symbol,
            sector=held.instrument.sector,
            strategy_id=held.strategy_id,
            quantity=held.state.quantity,
            average_price=held.state.average_price,
            mark=held.state.average_price if held.mark is None else held.mark,
            opened_at=None if opened is None else opened.entry_at,
            stopped=_left(order for order in working if order.type in _STOPS),
            targeted=_left(order for order in working if order.role is OrderRole.TAKE_PROFIT),
            closing=_left(order for order in working if order.type is OrderType.MARKET),
        )

    def _accrue(self, holding: Holding, at: datetime) -> Holding:
        """Bring the unprotected value × seconds of a position up to now."""
        exposed = exposed_part(holding, self._spec.rules)
        if exposed is None:
            self._accrued.pop(holding.key, None)
            return holding
        accrued, value, since = self._accrued.get(holding.key, (ZERO, ZERO, at))
        accrued = accrued_until(accrued, value, since=since, at=at)
        self._accrued[holding.key] = (accrued, exposed.value, at)
        return replace(holding, accrued=accrued)

    def _forget(self, open_keys: set[str]) -> None:
        """Positions that are flat begin anew when they are opened again; what they broke has recovered."""
        for key in [each for each in self._accrued if each not in open_keys]:
            del self._accrued[key]
        for rule_key, subject in [each for each in self._levels if each[1] and each[1] not in open_keys]:
            del self._levels[rule_key, subject]
            self._door.hold(rule_key, is_held=False)

    # -- both ---------------------------------------------------------------------------------------------------

    def _level(self, rule: RuleSpec, subject: str, value: Decimal, at: datetime) -> None:
        """Note how near a rule is to its limit; one that is broken just now does what it asks for."""
        before = self._levels.get((rule.key, subject), "")
        level = next_level(before, value, rule, RULE_TYPES[rule.type])
        self._levels[rule.key, subject] = level
        if level == BREACH and before != BREACH:
            self._door.take_consequence(rule.action)
            if rule.action in (Action.FLATTEN, Action.HALT):
                self._door.cancel_entries(at)
            if rule.action is Action.FLATTEN:
                self._flatten(at)

    def _flatten(self, at: datetime) -> None:
        for held in self._books.open:
            self._close(held, self._holding(held), at)


def _left(orders: Iterable[RunOrder]) -> Decimal:
    return sum((order.remaining for order in orders), ZERO)
