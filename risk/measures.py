"""What rules measure (pure): an account's exposures after an order, with every working order counted as if filled.

An instrument comes to the worst of three futures: nothing fills, all working buys fill, all working sells fill. Of the
order's own instrument only its own side counts, since it can not make the other one worse. Orders that only reduce can
not add and are left out. In the order's quantity beyond its reducing part every measure is convex.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.orders import OrderSide
from domain.portfolio import AccountSnapshot, PositionView, WorkingOrder
from risk.clocks import seconds_after
from risk.decisions import Activity, MarketView, OrderIntent, RuleSpec, Scope

ZERO = Decimal(0)
ONE = Decimal(1)
Keep = Callable[[PositionView | WorkingOrder], bool]


class Unmeasurable(Exception):
    """Something that a rule needs is not known; the rule then denies."""


@dataclass(slots=True)
class Side:
    """All working orders of one side in one instrument: quantity, value, and the highest price among them."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO
    top: Decimal = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Count one more order."""
        self.quantity += quantity
        self.value += quantity * price
        self.top = max(self.top, price)

    def plus(self, quantity: Decimal, price: Decimal) -> "Side":
        """Return this with one more order."""
        return Side(self.quantity + quantity, self.value + quantity * price, max(self.top, price))


@dataclass(slots=True)
class Line:
    """One instrument: net quantity and its value at the mark, working buys and sells."""

    held: Decimal = ZERO
    value: Decimal = ZERO
    buys: Side = field(default_factory=Side)
    sells: Side = field(default_factory=Side)

    def add_order(self, side: OrderSide, quantity: Decimal, price: Decimal) -> None:
        """Count one more working order."""
        (self.buys if side is OrderSide.BUY else self.sells).add(quantity, price)

    def plus_order(self, side: OrderSide, quantity: Decimal, price: Decimal) -> "Line":
        """Return this with one more working order."""
        if side is OrderSide.BUY:
            return Line(self.held, self.value, self.buys.plus(quantity, price), self.sells)
        return Line(self.held, self.value, self.buys, self.sells.plus(quantity, price))

    @property
    def if_bought(self) -> Decimal:
        """Signed value once all buys have filled."""
        return _after(self.held, self.value, self.buys)

    @property
    def if_sold(self) -> Decimal:
        """Signed value once all sells have filled."""
        return -_after(-self.held, -self.value, self.sells)

    def after(self, side: OrderSide) -> Decimal:
        """Signed value once all orders of one side have filled."""
        return self.if_bought if side is OrderSide.BUY else self.if_sold

    @property
    def is_used(self) -> bool:
        """Tell whether something is held or may come to be held."""
        return bool(self.held or self.buys.quantity or self.sells.quantity)


def _after(held: Decimal, value: Decimal, side: Side) -> Decimal:
    """Value after buying ``side``: a long grows by its cost, a short shrinks (beyond zero: a long at the top price)."""
    if held >= 0:
        return value + side.value
    left = held + side.quantity
    return value * left / held if left <= 0 else left * side.top


@dataclass(frozen=True, slots=True)
class Book:
    """The part of an account that one rule looks at: the order's instrument, its own line there, and all the rest."""

    line: Line
    own: Line
    gross: Decimal
    bought: Decimal
    sold: Decimal
    n_used: int
    sector: Decimal
    n_open_orders: int


def book_of(snapshot: AccountSnapshot, intent: OrderIntent, keep: Keep) -> Book:
    """Add up the positions and working orders that ``keep`` picks, and keep the order's own instrument apart."""
    lines: dict[int, Line] = {}  # by the id's number: UUIDs hash and compare slowly
    sectors: dict[int, str] = {}
    own = Line()
    ours = intent.instrument_id.int
    for position in snapshot.positions:
        if keep(position):
            key = position.instrument_id.int
            quantity = position.quantity
            value = quantity * _usable(position.mark, "the price of", position.symbol)
            sectors[key] = position.sector
            _hold(_line_in(lines, key), quantity, value)
            if key == ours and position.strategy_id == intent.strategy_id:
                _hold(own, quantity, value)
    n_open_orders = 0
    for order in snapshot.working:
        if order.reduce_only or not keep(order):
            continue
        n_open_orders += 1
        key = order.instrument_id.int
        price = _usable(order.price, "the price of a working order in", order.symbol)
        line = _line_in(lines, key)
        if key not in sectors:
            sectors[key] = order.sector
        (line.buys if order.side is OrderSide.BUY else line.sells).add(order.remaining, price)
        if key == ours and order.strategy_id == intent.strategy_id:
            own.add_order(order.side, order.remaining, price)
    line = lines.pop(ours, Line())
    return _summed(line, own, lines, {key for key in lines if sectors[key] == intent.sector != ""}, n_open_orders)


def _line_in(lines: dict[int, Line], key: int) -> Line:
    found = lines.get(key)
    if found is None:
        found = lines[key] = Line()
    return found


def _summed(line: Line, own: Line, others: dict[int, Line], same_sector: set[int], n_open_orders: int) -> Book:
    """Add up the other instruments; each line is valued once."""
    gross = bought = sold = sector = ZERO
    n_used = 0
    for key, other in others.items():
        if_bought, if_sold = other.if_bought, other.if_sold
        worst = max(abs(other.value), abs(if_bought), abs(if_sold))
        gross += worst
        bought += if_bought
        sold += if_sold
        n_used += other.is_used
        if key in same_sector:
            sector += worst
    return Book(line, own, gross, bought, sold, n_used, sector, n_open_orders)


def _hold(line: Line, quantity: Decimal, value: Decimal) -> None:
    line.held += quantity
    line.value += value


def _usable(price: Decimal, what: str, symbol: str) -> Decimal:
    if not price.is_finite() or price <= 0:
        raise Unmeasurable(f"{what} {symbol} is {price}")
    return price


def _keeps(intent: OrderIntent, scope: Scope) -> Keep:
    if scope is Scope.STRATEGY:
        return lambda row: row.strategy_id == intent.strategy_id
    if scope is Scope.INSTRUMENT:
        return lambda row: row.instrument_id == intent.instrument_id
    if scope is Scope.SECTOR:
        return lambda row: row.sector == intent.sector
    return lambda row: True


class Measures:
    """Finds the numbers that rule functions ask for by the names of their arguments, for one order.

    Nothing is computed that no rule asks for, and each part of the account is added up once.
    """

    def __init__(self, intent: OrderIntent, snapshot: AccountSnapshot, market: MarketView, at: datetime) -> None:
        self.intent, self.snapshot, self.market, self.at = intent, snapshot, market, at
        self._books: dict[Scope, Book] = {}
        self._lines: dict[tuple[Scope, Decimal], Line] = {}

    def numbers(self, names: tuple[str, ...], rule: RuleSpec, quantity: Decimal) -> list[Decimal]:
        """Return the named numbers for a rule, were the order of this quantity. Raises Unmeasurable."""
        found = []
        for name in names:
            number = _FINDERS[name](self, rule, quantity)
            if not number.is_finite():
                raise Unmeasurable(f"{name.replace('_', ' ')} is {number}")
            found.append(number)
        return found

    def book(self, rule: RuleSpec) -> Book:
        """Return the part of the account that a rule looks at."""
        if rule.scope not in self._books:
            self._books[rule.scope] = book_of(self.snapshot, self.intent, _keeps(self.intent, rule.scope))
        return self._books[rule.scope]

    def line(self, rule: RuleSpec, quantity: Decimal) -> Line:
        """Return the order's instrument with the order among its working ones."""
        found = self._lines.get((rule.scope, quantity))
        if found is None:
            found = self.book(rule).line.plus_order(self.intent.side, quantity, self.price)
            self._lines[rule.scope, quantity] = found
        return found

    def after(self, rule: RuleSpec, quantity: Decimal) -> Decimal:
        """Return the absolute value of the order's instrument once all orders of its side have filled."""
        return abs(self.line(rule, quantity).after(self.intent.side))

    @property
    def price(self) -> Decimal:
        """The order's worst price. Raises Unmeasurable when that is no price."""
        return _usable(self.intent.price, "the price of the order in", self.intent.symbol)

    @property
    def activity(self) -> Activity:
        """What was ordered lately. Raises Unmeasurable when nobody said."""
        return _known(self.market.activity, "what was ordered lately")


T = TypeVar("T")


def _known(value: T | None, what: str) -> T:
    if value is None:
        raise Unmeasurable(f"{what} is not known")
    return value


def _positive(value: Decimal, what: str) -> Decimal:
    if not value.is_finite() or value <= 0:
        raise Unmeasurable(f"{what} is {value}")
    return value


def _equity(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    # Loss rules must see an equity below zero as the loss that it is; all others divide by it.
    equity = m.snapshot.equity
    return equity if rule.type in ("max_daily_loss", "max_drawdown") else _positive(equity, "equity")


def _position_value(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    """The account's position, or the strategy's own where that is larger: others may go and leave it."""
    own = m.book(rule).own.plus_order(m.intent.side, quantity, m.price)
    return max(m.after(rule, quantity), abs(own.after(m.intent.side)))


def _gross(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    return m.book(rule).gross + m.after(rule, quantity)


def _exposure(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    if rule.parameters.get("measure", "gross") != "net":
        return _gross(m, rule, quantity)
    book, side = m.book(rule), m.intent.side
    others = book.bought if side is OrderSide.BUY else book.sold
    return abs(others + m.line(rule, quantity).after(side))


def _sector_exposure(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    return m.book(rule).sector + m.after(rule, quantity)


def _n_positions(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    return Decimal(m.book(rule).n_used + (1 if m.line(rule, quantity).is_used else 0))


def _n_messages(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    second = rule.parameters.get("window", "minute") == "second"
    return Decimal((m.activity.n_last_second if second else m.activity.n_last_minute) + 1)


def _n_unresolved(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    n = sum(1 for order in m.snapshot.working if order.unresolved and order.instrument_id == m.intent.instrument_id)
    return Decimal(n if m.market.is_reconciled else n + 1)


def _is_restricted(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    return ONE if m.intent.symbol in rule.parameters["symbols"] else ZERO


def _is_outside_hours(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    start, end = (time.fromisoformat(rule.parameters[name]) for name in ("start", "end"))
    now = m.at.astimezone(ZoneInfo(rule.parameters.get("timezone", "UTC"))).time()
    inside = start <= now < end if start <= end else now >= start or now < end
    return ZERO if inside else ONE


def _illiquidity(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    if rule.parameters.get("measure", "volume_percent") == "spread_bps":
        return _known(m.market.spread_bps, "the spread")
    volume = _positive(_known(m.market.average_volume, "the average volume"), "the average volume")
    return 100 * quantity / volume


def _correlation(m: Measures, rule: RuleSpec, quantity: Decimal) -> Decimal:
    own = m.intent.instrument_id
    is_alone = not any(p.quantity and p.instrument_id != own for p in m.snapshot.positions)
    if is_alone and all(w.reduce_only or w.instrument_id == own for w in m.snapshot.working):
        return ZERO
    return _known(m.market.correlation, "the correlation with what is held (of 20 common daily returns at least)")


Finder = Callable[[Measures, RuleSpec, Decimal], Decimal]
_FINDERS: dict[str, Finder] = {
    "equity": _equity,
    "session_start_equity": lambda m, r, q: _positive(m.snapshot.session_start_equity, "the session's first equity"),
    "peak_equity": lambda m, r, q: _positive(m.snapshot.peak_equity, "the peak of equity"),
    "position_value": _position_value,
    "gross_exposure": _gross,
    "exposure": _exposure,
    "sector_exposure": _sector_exposure,
    "n_positions": _n_positions,
    "order_value": lambda m, r, q: q * m.price,
    "order_quantity": lambda m, r, q: q,
    "price": lambda m, r, q: m.price,
    "reference": lambda m, r, q: _positive(_known(m.market.reference, "the last price"), "the last price"),
    "side_sign": lambda m, r, q: Decimal(m.intent.side.sign),
    "identical_seconds": lambda m, r, q: _known(m.activity.identical_seconds, "an identical order"),
    "opposite_price": lambda m, r, q: _known(m.activity.opposite_price, "an own resting order"),
    "n_messages": _n_messages,
    "n_identical_entries": lambda m, r, q: Decimal(m.activity.n_identical_entries + 1),
    "n_open_orders": lambda m, r, q: Decimal(m.book(r).n_open_orders + 1),
    "n_session_trades": lambda m, r, q: Decimal(m.snapshot.n_session_trades + 1),
    "session_turnover": lambda m, r, q: m.activity.session_turnover,
    "is_restricted": _is_restricted,
    "is_outside_hours": _is_outside_hours,
    "seconds_after": lambda m, r, q: seconds_after(r.parameters, m.at),
    "illiquidity": _illiquidity,
    "age_seconds": lambda m, r, q: _known(m.market.age_seconds, "the age of the last price"),
    "n_unresolved": _n_unresolved,
    "correlation": _correlation,
    "value_at_risk": lambda m, r, q: _known(m.market.value_at_risk, "the value at risk"),
}
FOUND = frozenset(_FINDERS)
"""Names of all numbers that can be found for an order."""


def is_absent(rule: RuleSpec, market: MarketView) -> bool:
    """Tell whether there is nothing for the rule to object to: no identical order, no own resting order."""
    if market.activity is None:
        return False
    if rule.type == "duplicate_order":
        return market.activity.identical_seconds is None
    return rule.type == "self_cross" and market.activity.opposite_price is None
