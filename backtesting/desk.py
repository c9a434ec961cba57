"""Decide: what the strategy says becomes a signal, is sized, and ends as an order or with a reason. Pure.

The same functions as live: intents.intent_of, risk.entry, risk.sizing; the order goes through the door.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from backtesting.books import Books
from backtesting.door import Door
from backtesting.feeds import RunFeed, history_of
from backtesting.results import RunOrder, RunSignal
from backtesting.spec import RUN_STRATEGY, RunSpec, ScriptedOrder
from backtesting.venue import Venue
from backtesting.watch import Watch
from domain.errors import ValidationFailed
from domain.instruments import InstrumentSpec
from domain.orders import FINAL, OrderRole, OrderSpec, OrderStatus, OrderType
from domain.portfolio import AccountSnapshot
from domain.signals import SignalOutcome, SkipCode
from marketdata.calendars import Hours
from risk import entry, sizing
from risk.gate import concerns_line
from risk.sizing_inputs import Sources, size_entry
from strategies.evaluate import AnswerRow
from strategies.intents import Enter, Exit, intent_of


class Desk:
    """Takes the strategy's statements and orders placed by hand to the venue, through the gates."""

    def __init__(self, spec: RunSpec, books: Books, venue: Venue, feeds: Sequence[RunFeed]) -> None:
        self._spec, self._books, self._venue = spec, books, venue
        self._door = Door(spec, books, venue, history_of(feeds))
        self._watch = Watch(spec, books, venue, self._door)
        self.signals: list[RunSignal] = []
        self._scripted = sorted(spec.scripted, key=lambda each: each.at)
        self._to_cancel: list[tuple[datetime, RunOrder]] = []
        self._specs = {instrument.symbol: instrument for instrument in spec.instruments}

    def begin_session(self) -> None:
        """Begin to count the entries of a new loss session."""
        self._door.begin_session()

    def watch(self, at: datetime) -> None:
        """Let the rules look at what is held, as marked at this moment."""
        self._watch.look(at)

    def decide(self, feed: RunFeed, i: int, at: datetime, price: Decimal) -> None:
        """Take what the strategy says at the close of bar `i` to its outcome."""
        row = feed.answer.row(i)
        if row is None:
            return
        wanted = self._wanted(row, feed.instrument)
        if wanted is None:
            return
        signal = RunSignal(symbol=feed.instrument.symbol, row=wanted.statement, at=at, price=price)
        self.signals.append(signal)
        if isinstance(wanted, Enter):
            self._enter(wanted, signal, feed, i)
        else:
            self._exit(wanted, signal, feed.instrument)

    def _wanted(self, row: AnswerRow, instrument: InstrumentSpec) -> Enter | Exit | None:
        roles = self._venue.roles(instrument, RUN_STRATEGY)
        return intent_of(
            row,
            held=self._books.quantity(instrument, RUN_STRATEGY),
            has_working_entry=OrderRole.ENTRY in roles,
            has_working_exit=OrderRole.EXIT in roles,
            allow_short=self._spec.allow_short,
        )

    def _exit(self, wanted: Exit, signal: RunSignal, instrument: InstrumentSpec) -> None:
        order = OrderSpec(
            symbol=instrument.symbol,
            side=wanted.side,
            quantity=abs(self._books.quantity(instrument, RUN_STRATEGY)),
            reduce_only=True,
            role=OrderRole.EXIT,
        )
        self._send(order, signal, instrument)

    def _enter(self, wanted: Enter, signal: RunSignal, feed: RunFeed, i: int) -> None:
        instrument, hours = feed.instrument, feed.hours(i)
        trading, snapshot = self._spec.trading, self._door.snapshot(signal.at)
        order_type = entry.order_type_of(trading)
        answer = entry.check_entry(
            trading,
            confidence=wanted.statement.confidence,
            n_session_trades=snapshot.n_session_trades,
            n_open_positions=len({p.instrument_id for p in snapshot.positions if p.quantity}),
            is_new_position=not snapshot.position_quantity(instrument.id),
            order_type=order_type,
            session_open=hours is Hours.REGULAR,
            is_pre_market=hours is Hours.PRE_MARKET,
            is_after_hours=hours is Hours.AFTER_HOURS,
            is_paused=self._door.is_paused,
        )
        if answer.code is not None:
            _settle(signal, SignalOutcome.SKIPPED, answer.code.value, answer.message)
            return
        size = self._size(wanted, signal, feed, i, snapshot)
        if size.quantity <= 0:
            _settle(signal, SignalOutcome.SKIPPED, SkipCode.NO_SIZE.value, size.explanation)
            return
        order = OrderSpec(
            symbol=instrument.symbol,
            side=wanted.side,
            quantity=size.quantity,
            type=order_type,
            limit_price=instrument.price(signal.price) if order_type is OrderType.LIMIT else None,
            role=OrderRole.ENTRY,
            stop_loss_price=_price(instrument, wanted.statement.stop),
            take_profit_price=_price(instrument, wanted.statement.take_profit),
        )
        self._send(order, signal, instrument)

    def _size(self, wanted: Enter, signal: RunSignal, feed: RunFeed, i: int, snapshot: AccountSnapshot) -> sizing.Size:
        return size_entry(
            self._spec.sizing.method,
            self._spec.sizing.value,
            equity=snapshot.equity,
            price=signal.price,
            side=wanted.side,
            spec=feed.instrument,
            stop_price=_price(feed.instrument, wanted.statement.stop),
            sources=Sources(
                bars=lambda: feed.bars.head(i + 1),
                trades=lambda: self._books.closed_trades(RUN_STRATEGY),
                rules=lambda: [
                    rule
                    for rule in self._spec.rules
                    if concerns_line(
                        rule,
                        strategy_id=RUN_STRATEGY,
                        instrument_id=feed.instrument.id,
                        sector=feed.instrument.sector,
                    )
                ],
                n_instruments=len(self._spec.instruments),
            ),
            strength=wanted.strength,
        )

    def _send(self, order: OrderSpec, signal: RunSignal, instrument: InstrumentSpec) -> None:
        try:
            made = self._door.submit(
                order, instrument, at=signal.at, reference=signal.price, strategy_id=RUN_STRATEGY, signal=signal
            )
        except ValidationFailed as error:
            _settle(signal, SignalOutcome.DENIED, error.code, error.message)
            return
        if made.status is OrderStatus.DENIED:
            _settle(signal, SignalOutcome.DENIED, "risk", made.reason)
        else:
            _settle(signal, SignalOutcome.EXECUTED, "", f"{made.side} {made.quantity} {made.symbol} sent")

    def place_scripted(self, at: datetime) -> None:
        """Cancel and place the orders that somebody cancels and places by hand at this moment (or before the run)."""
        for order in [order for cancel_at, order in self._to_cancel if cancel_at <= at]:
            if order.status not in FINAL:
                self._venue.end(order, OrderStatus.CANCELED, at=at, reason="canceled by hand")
        self._to_cancel = [each for each in self._to_cancel if each[0] > at]
        while self._scripted and self._scripted[0].at <= at:
            self._place(self._scripted.pop(0), at)

    def _place(self, scripted: ScriptedOrder, at: datetime) -> None:
        instrument, order = self._specs[scripted.order.symbol], scripted.order
        if order.reduce_only:
            held = self._books.quantity(instrument, None)
            if held * order.side.sign >= 0:
                return
            order = replace(order, quantity=min(order.quantity, abs(held)))
        reference = self._books.closes.get(instrument.id)
        made = self._door.submit(order, instrument, at=at, reference=reference, strategy_id=None, signal=None)
        if scripted.cancel_at is not None:
            self._to_cancel.append((scripted.cancel_at, made))


def _price(instrument: InstrumentSpec, value: float | None) -> Decimal | None:
    return None if value is None else instrument.price(value)


def _settle(signal: RunSignal, outcome: SignalOutcome, code: str, message: str) -> None:
    signal.outcome, signal.code, signal.message = outcome, code, message
