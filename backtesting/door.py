"""The one door of a run: an order is checked, judged by the risk gate, and kept as denied or sent. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from backtesting.books import Books
from backtesting.results import RunOrder, RunSignal
from backtesting.spec import RunSpec
from backtesting.venue import PROTECTIVE, Venue
from domain.bars import BarArrays
from domain.errors import ValidationFailed
from domain.instruments import InstrumentSpec
from domain.matching import first_trail
from domain.order_checks import faults
from domain.orders import OrderRole, OrderSide, OrderSpec, OrderStatus, OrderType
from domain.portfolio import AccountSnapshot, TradingState
from domain.protection import ProtectionPlan
from risk import gate
from risk import market_inputs as inputs
from risk.comovement import Closes
from risk.decisions import Action, Activity, Decision, MarketView, OrderIntent, RuleSpec

ZERO = Decimal(0)
VOLUME_RULES, CORRELATION_RULES, TAIL_RULES = map(inputs.types_asking, ("illiquidity", "correlation", "value_at_risk"))
History = Callable[[UUID, datetime], BarArrays]
"""Daily bars of an instrument that had closed by a moment, newest last."""
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_STATE_AFTER = {
    Action.REDUCE_ONLY: TradingState.REDUCING,
    Action.FLATTEN: TradingState.HALTED,
    Action.HALT: TradingState.HALTED,
}
_STRICTER = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)


class Door:
    """Takes orders to the venue, whoever wants them; keeps what the gate must know of the account."""

    def __init__(self, spec: RunSpec, books: Books, venue: Venue, history: History) -> None:
        self._spec, self._books, self._venue, self._history = spec, books, venue, history
        self._types = {rule.type for rule in spec.rules}
        self._n_session_trades = 0
        self._state = TradingState.ACTIVE
        self._held_keys: set[str] = set()
        self.is_paused = False

    def begin_session(self) -> None:
        """Count the session's entries from nought."""
        self._n_session_trades = 0

    def snapshot(self, at: datetime) -> AccountSnapshot:
        """Return the account as a decision is handed it."""
        snapshot = self._books.snapshot(at, self._venue.working(), self._n_session_trades)
        return snapshot if self._state is TradingState.ACTIVE else replace(snapshot, trading_state=self._state)

    def submit(
        self,
        order: OrderSpec,
        instrument: InstrumentSpec,
        *,
        at: datetime,
        reference: Decimal | None,
        strategy_id: UUID | None,
        signal: RunSignal | None,
    ) -> RunOrder:
        """Check, judge and keep an order; return it, denied or working. Raises ValidationFailed for a malformed one."""
        wrong = faults(order, instrument, reference)
        if wrong:
            raise ValidationFailed.of(wrong)
        decision = self._judge(order, instrument, at=at, reference=reference, strategy_id=strategy_id)
        made = self._make(
            order, instrument, decision, at=at, reference=reference, strategy_id=strategy_id, signal=signal
        )
        if decision.is_denied:
            made.status, made.reason, made.closed_at = OrderStatus.DENIED, decision.message, at
            self._venue.add(made)
            return made
        self._venue.add(made)
        self._venue.hold_children(made)
        self._venue.send(made, at=at)
        if made.role in (OrderRole.ENTRY, OrderRole.MANUAL) and not made.reduce_only:
            self._n_session_trades += 1
        return made

    def _judge(
        self,
        order: OrderSpec,
        instrument: InstrumentSpec,
        *,
        at: datetime,
        reference: Decimal | None,
        strategy_id: UUID | None,
    ) -> Decision:
        intent = OrderIntent(
            symbol=instrument.symbol,
            instrument_id=instrument.id,
            sector=instrument.sector,
            asset_class=instrument.asset_class,
            strategy_id=strategy_id,
            side=order.side,
            quantity=order.quantity,
            price=_worst_price(order, reference),
            type=order.type,
            role=order.role,
            reduce_only=order.reduce_only,
            lot_size=instrument.lot_size,
        )
        snapshot = self.snapshot(at)
        view = self._view(intent, snapshot, reference, at)
        decision = gate.evaluate(intent, snapshot, self._rules(), market=view, at=at)
        for _, action in decision.consequences:
            self.take_consequence(action)
        return decision

    def _rules(self) -> Sequence[RuleSpec]:
        """The rules of the run, those marked whose breach holds."""
        if not self._held_keys:
            return self._spec.rules
        return [replace(rule, is_engaged=True) if rule.key in self._held_keys else rule for rule in self._spec.rules]

    def hold(self, key: str, *, is_held: bool) -> None:
        """Let a rule's breach stop new risk from now on, or no longer."""
        (self._held_keys.add if is_held else self._held_keys.discard)(key)

    def cancel_entries(self, at: datetime) -> None:
        """Take every working order off the book that may add risk."""
        for instrument in self._spec.instruments:
            for order in list(self._venue.open(instrument.id)):
                if order.parent is None and not order.reduce_only and order.status is not OrderStatus.HELD:
                    self._venue.end(order, OrderStatus.CANCELED, at=at, reason="a broken rule ends entries")

    def _view(
        self, intent: OrderIntent, snapshot: AccountSnapshot, reference: Decimal | None, at: datetime
    ) -> MarketView:
        """Return what the gate must know of the market; what no rule of the run asks for stays unknown."""

        def closes(instrument_id: UUID) -> Closes:
            return inputs.closes_of(self._history(instrument_id, at))

        asks = self._types.intersection
        own = self._history(intent.instrument_id, at) if asks(VOLUME_RULES) else None
        return MarketView(
            reference=reference,
            age_seconds=ZERO,
            average_volume=None if own is None else inputs.average_volume(own),
            correlation=inputs.held_correlation(intent, snapshot, closes) if asks(CORRELATION_RULES) else None,
            value_at_risk=inputs.value_at_risk_after(intent, snapshot, closes) if asks(TAIL_RULES) else None,
            activity=self._activity(intent, at),
        )

    def take_consequence(self, action: Action) -> None:
        """A broken rule may ask for more than a refusal: the account only reduces, or the strategy pauses."""
        if action is Action.PAUSE_STRATEGY:
            self.is_paused = True
        wanted = _STATE_AFTER.get(action, TradingState.ACTIVE)
        self._state = max(self._state, wanted, key=_STRICTER.index)

    def _activity(self, intent: OrderIntent, at: datetime) -> Activity:
        """Return what was ordered lately, by market time."""
        recent = list(self._recent(at - _MINUTE))
        same = [
            order
            for order in recent
            if (order.instrument_id, order.strategy_id, order.side, order.requested_quantity)
            == (intent.instrument_id, intent.strategy_id, intent.side, intent.quantity)
        ]
        newest = max((order.created_at for order in same), default=None)
        return Activity(
            identical_seconds=None if newest is None else Decimal(str((at - newest).total_seconds())),
            n_last_second=sum(order.created_at > at - _SECOND for order in recent),
            n_last_minute=len(recent),
            n_identical_entries=sum(order.role in (OrderRole.ENTRY, OrderRole.MANUAL) for order in same),
            session_turnover=self._books.session_turnover,
            opposite_price=self._opposite_price(intent),
        )

    def _recent(self, after: datetime) -> Iterator[RunOrder]:
        for order in reversed(self._venue.orders):
            if order.role in PROTECTIVE:
                continue  # an entry's own, not decided on
            if order.created_at <= after:
                return
            yield order

    def _opposite_price(self, intent: OrderIntent) -> Decimal | None:
        """Return the best price of an own resting limit order on the other side."""
        prices = [
            order.limit_price
            for order in self._venue.open(intent.instrument_id)
            if order.side is intent.side.opposite and order.type is OrderType.LIMIT and order.limit_price is not None
        ]
        best = min if intent.side is OrderSide.BUY else max
        return best(prices) if prices else None

    def _make(
        self,
        order: OrderSpec,
        instrument: InstrumentSpec,
        decision: Decision,
        *,
        at: datetime,
        reference: Decimal | None,
        strategy_id: UUID | None,
        signal: RunSignal | None,
    ) -> RunOrder:
        number = len(self._venue.orders) + 1
        return RunOrder(
            number=number,
            client_order_id=f"o{number}",
            instrument_id=instrument.id,
            symbol=instrument.symbol,
            strategy_id=strategy_id,
            side=order.side,
            type=order.type,
            role=order.role,
            quantity=decision.quantity if decision.quantity > 0 else order.quantity,
            requested_quantity=order.quantity,
            created_at=at,
            limit_price=order.limit_price,
            stop_price=_stop_price(order, reference, instrument),
            trail_percent=order.trail_percent,
            time_in_force=order.time_in_force,
            reduce_only=order.reduce_only,
            signal=signal,
            decision=decision,
            reference_price=reference,
            plan=self._plan(order, instrument, decision, strategy_id),
        )

    def _plan(
        self, order: OrderSpec, instrument: InstrumentSpec, decision: Decision, strategy_id: UUID | None
    ) -> ProtectionPlan:
        """Stop and target of what an order opens: what it names itself, else the percents of the rules in force."""
        held = self._books.quantity(instrument, strategy_id)
        if order.reduce_only or (held * order.side.sign < 0 and order.quantity <= abs(held)):
            return ProtectionPlan()
        has_stop = order.stop_loss_price is not None or order.stop_loss_percent is not None
        has_target = order.take_profit_price is not None or order.take_profit_percent is not None
        return ProtectionPlan(
            stop_price=order.stop_loss_price,
            stop_percent=order.stop_loss_percent if has_stop else decision.stop_loss_percent,
            target_price=order.take_profit_price,
            target_percent=order.take_profit_percent if has_target else decision.take_profit_percent,
        )


def _worst_price(order: OrderSpec, reference: Decimal | None) -> Decimal:
    """The dearest price at which the order may execute as far as is known (NaN: the gate denies)."""
    own = order.limit_price or order.stop_price
    if own is None or reference is None:
        return own or reference or Decimal("NaN")
    is_open_ended = order.side is OrderSide.BUY and order.type is not OrderType.LIMIT
    return max(own, reference) if is_open_ended else own


def _stop_price(order: OrderSpec, reference: Decimal | None, instrument: InstrumentSpec) -> Decimal | None:
    """Return the order's stop; a trailing one begins behind the last price."""
    if order.trail_percent is None or reference is None:
        return order.stop_price
    return first_trail(order.side, order.trail_percent, reference, instrument.tick_size)
