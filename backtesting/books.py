"""The books of a run: cash, positions, marks, the loss session and the peak, as portfolio keeps them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from uuid import UUID

from backtesting.feeds import RunFeed, moment
from backtesting.results import EquityCurve, RunPosition, RunSignal, RunTrade
from backtesting.spec import RUN_ACCOUNT, RUN_USER, RunSpec
from domain.costs import TIER_DAYS
from domain.instruments import InstrumentSpec
from domain.matching import BarPrices
from domain.orders import Fill
from domain.portfolio import AccountSnapshot, PositionView, TradingState, WorkingOrder
from domain.positions import PositionState, RoundTrip, apply, booked
from domain.protection import ProtectionPlan
from portfolio.sessions import session_date

ZERO = Decimal(0)
_TIER_SPAN = timedelta(days=TIER_DAYS)
Key = tuple[UUID, UUID | None]


@dataclass(slots=True)
class Held:
    """One position: instrument and strategy (None: placed by hand), its state, mark, plan and extremes."""

    instrument: InstrumentSpec
    strategy_id: UUID | None
    state: PositionState = field(default_factory=PositionState)
    mark: Decimal | None = None
    plan: ProtectionPlan = field(default_factory=ProtectionPlan)
    lowest: Decimal = ZERO
    highest: Decimal = ZERO
    signal_price: Decimal | None = None

    @property
    def value(self) -> Decimal:
        """Signed market value at the mark."""
        return self.state.quantity * (self.state.average_price if self.mark is None else self.mark)


class Books:
    """Everything that a fill or a mark moves."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self.cash = self.equity = self.peak_equity = self.session_start_equity = spec.starting_cash
        self.session: date | None = None
        self.session_turnover = self.financing = self.dividends = ZERO
        self._due = tuple(spec.dividends)
        self.closes: dict[UUID, Decimal] = {}
        self.held: dict[Key, Held] = {}
        self.fills: list[Fill] = []
        self.trades: list[RunTrade] = []
        self._at: list[datetime] = []
        self._equity: list[Decimal] = []
        self._cash: list[Decimal] = []

    def begin_moment(self, at: datetime) -> bool:
        """Begin a new loss session when one has come; losses are measured from the equity that the last ended with."""
        today = session_date(at, self._spec.session_zone, self._spec.session_start)
        if self.session is not None and today <= self.session:
            return False
        self.session, self.session_start_equity, self.session_turnover = today, self.equity, ZERO
        return True

    def accrue(self, at: datetime) -> None:
        """Pay and earn interest for the time since the last mark, on cash and shorts as they were marked then."""
        model = self._spec.financing
        if model.is_free or not self._at:
            return
        seconds = Decimal((at - self._at[-1]).total_seconds())
        shorts = -sum((min(ZERO, held.value) for held in self.open), ZERO)
        earned = booked(model.earned(cash=self.cash, short_value=shorts, seconds=seconds))
        self.cash += earned
        self.financing += earned

    def pay_dividends(self, instrument: InstrumentSpec, t: int) -> None:
        """Pay what came due until a bar opens at `t`, on what is held then."""
        due = [each for each in self._due if each.symbol == instrument.symbol and each.t <= t]
        if not due:
            return
        self._due = tuple(each for each in self._due if each not in due)
        quantity = sum((held.state.quantity for held in self.held.values() if held.instrument == instrument), ZERO)
        paid = booked(quantity * sum((each.amount for each in due), ZERO))
        self.cash += paid
        self.dividends += paid

    def position(self, instrument: InstrumentSpec, strategy_id: UUID | None) -> Held:
        """Return the position of an instrument and strategy (an empty one where there is none yet)."""
        return self.held.setdefault((instrument.id, strategy_id), Held(instrument, strategy_id))

    def quantity(self, instrument: InstrumentSpec, strategy_id: UUID | None) -> Decimal:
        """Return the net quantity held of an instrument by a strategy."""
        found = self.held.get((instrument.id, strategy_id))
        return ZERO if found is None else found.state.quantity

    def book(self, instrument: InstrumentSpec, fill: Fill, signal: RunSignal | None) -> Held:
        """Book one fill: cash, position, round trips; return the position."""
        held = self.position(instrument, fill.strategy_id)
        before = held.state
        self.fills.append(fill)
        self.session_turnover += fill.quantity * fill.price
        self.cash += booked(fill.cash_change)
        held.state = apply(before, fill)
        if before.quantity == 0 or held.mark is None:
            held.mark = fill.price
        self._note_trips(held, before, fill, signal)
        if held.state.quantity == 0 or before.quantity * held.state.quantity < 0:
            held.plan = ProtectionPlan()
        return held

    def _note_trips(self, held: Held, before: PositionState, fill: Fill, signal: RunSignal | None) -> None:
        price = fill.price
        if before.quantity != 0:
            held.lowest, held.highest = min(held.lowest, price), max(held.highest, price)
        self.trades += [_trade(held, trip, is_closed=True) for trip in held.state.closed_trades]
        held.state = replace(held.state, closed_trades=())
        opened = held.state.open_trade
        if opened is not None and opened.entry_fill == fill.venue_fill_id:
            held.lowest = held.highest = price
            held.signal_price = signal.price if signal else None

    def quantity_executed(self, instrument_id: UUID, at: datetime) -> Decimal:
        """Return how much of an instrument was executed in the bars that closed at a moment."""
        newest = takewhile(lambda fill: fill.at == at, reversed(self.fills))
        return sum((fill.quantity for fill in newest if fill.instrument_id == instrument_id), ZERO)

    def value_traded(self, at: datetime) -> Decimal:
        """Return the value of all executions in the days before a moment that tiers of fees look at."""
        newest = takewhile(lambda fill: fill.at > at - _TIER_SPAN, reversed(self.fills))
        return sum((fill.quantity * fill.price for fill in newest), ZERO)

    def mark(self, at: datetime, prices: Mapping[UUID, BarPrices]) -> None:
        """Value everything at the bars' closes, note equity and peak."""
        for instrument_id, bar in prices.items():
            self.closes[instrument_id] = bar.close
        for held in self.held.values():
            bar_of = prices.get(held.instrument.id)
            if held.state.quantity and bar_of is not None:
                held.mark = bar_of.close
                held.lowest, held.highest = min(held.lowest, bar_of.low), max(held.highest, bar_of.high)
        self.equity = self.cash + booked(sum((held.value for held in self.open), ZERO))
        self.peak_equity = max(self.peak_equity, self.equity)
        self._at.append(at)
        self._equity.append(self.equity)
        self._cash.append(self.cash)

    def mark_alone(self, feed: RunFeed, start: int, stop: int) -> None:
        """Mark the bars `start <= i < stop` of the run's only instrument, between which nothing changes hands."""
        held = self.open
        closes = [Decimal(repr(close)) for close in feed.bars.c[start:stop].tolist()]
        self.closes[feed.instrument.id] = closes[-1]
        equity = [self.cash] * len(closes)
        if held:
            quantities = [each.state.quantity for each in held]
            equity = [self.cash + booked(sum((q * close for q in quantities), ZERO)) for close in closes]
            low, high = (
                Decimal(repr(float(x))) for x in (feed.bars.l[start:stop].min(), feed.bars.h[start:stop].max())
            )
        for each in held:
            each.mark, each.lowest, each.highest = closes[-1], min(each.lowest, low), max(each.highest, high)
        self.equity, self.peak_equity = equity[-1], max(self.peak_equity, max(equity))
        self._at += [moment(each) for each in feed.closes[start:stop]]
        self._equity += equity
        self._cash += [self.cash] * len(closes)

    def closed_trades(self, strategy_id: UUID) -> list[tuple[Decimal, Decimal]]:
        """Return net P&L and entry value of a strategy's closed round trips, as portfolio books them."""
        return [
            (booked(trade.trip.pnl_net), booked(trade.trip.entry_value))
            for trade in self.trades
            if trade.is_closed and trade.strategy_id == strategy_id
        ]

    @property
    def open(self) -> list[Held]:
        """The positions that are not flat, by symbol."""
        rows = [held for held in self.held.values() if held.state.quantity]
        return sorted(rows, key=lambda held: held.instrument.symbol)

    def snapshot(self, at: datetime, working: tuple[WorkingOrder, ...], n_session_trades: int) -> AccountSnapshot:
        """Return the account as a decision is handed it."""
        equity = self.cash + sum((held.value for held in self.open), ZERO)
        return AccountSnapshot(
            account_id=RUN_ACCOUNT,
            user_id=RUN_USER,
            at=at,
            currency=self._spec.currency,
            cash=self.cash,
            equity=equity,
            session_start_equity=self.session_start_equity,
            peak_equity=max(self.peak_equity, equity),
            trading_state=TradingState.ACTIVE,
            positions=tuple(_view(held) for held in self.open),
            working=working,
            n_session_trades=n_session_trades,
        )

    def curve(self) -> EquityCurve:
        """Return equity and cash at every moment marked so far."""
        return EquityCurve(tuple(self._at), tuple(self._equity), tuple(self._cash))

    def all_trades(self) -> tuple[RunTrade, ...]:
        """Return the closed round trips in the order of closing, then those still open."""
        still = [_trade(held, held.state.open_trade, is_closed=False) for held in self.open if held.state.open_trade]
        return (*self.trades, *still)

    def positions(self) -> tuple[RunPosition, ...]:
        """Return what is held."""
        return tuple(
            RunPosition(
                symbol=held.instrument.symbol,
                strategy_id=held.strategy_id,
                quantity=held.state.quantity,
                average_price=held.state.average_price,
                mark=held.state.average_price if held.mark is None else held.mark,
            )
            for held in self.open
        )


def _trade(held: Held, trip: RoundTrip, *, is_closed: bool) -> RunTrade:
    return RunTrade(
        symbol=held.instrument.symbol,
        strategy_id=held.strategy_id,
        trip=trip,
        is_closed=is_closed,
        lowest=held.lowest,
        highest=held.highest,
        signal_price=held.signal_price,
    )


def _view(held: Held) -> PositionView:
    return PositionView(
        instrument_id=held.instrument.id,
        symbol=held.instrument.symbol,
        sector=held.instrument.sector,
        asset_class=held.instrument.asset_class,
        strategy_id=held.strategy_id,
        quantity=held.state.quantity,
        average_price=held.state.average_price,
        mark=held.state.average_price if held.mark is None else held.mark,
    )
