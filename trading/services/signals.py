"""From a signal to its one outcome: preference gate, size, risk gate, order; each step is written into its trace.

A signal and the order that it makes are committed in one transaction, so that a crash leaves either both or neither.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import durability, later, urgency
from core.bus import publish
from core.fields import plain
from core.prepared import Prepared, store
from domain import events
from domain.bars import Timeframe
from domain.errors import PlatformError
from domain.orders import OrderRole, OrderSide, OrderSpec, OrderStatus, OrderType
from domain.signals import FINAL_OUTCOMES, SignalOutcome, SignalRow, SignalSide, SkipCode
from marketdata import selectors as market
from marketdata.calendars import Hours
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from risk import entry, sizing
from risk import selectors as risk
from risk.sizing_inputs import ATR_WINDOW, Sources, preferred_value, size_entry
from strategies.models import Strategy, StrategyState
from trading.models import Order, Signal
from trading.services import orders, runaway, sending
from trading.services.intents import Origin
from trading.services.moments import Moment

logger = logging.getLogger(__name__)

APPROVAL_TIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is wanted of which instrument, by whom, at which price and market time."""

    account_id: UUID
    instrument: Instrument
    strategy: Strategy | None
    row: SignalRow
    price: Decimal
    at: datetime
    source: str = "strategy"
    timeframe: str = ""
    strength: Decimal = Decimal(1)
    hours: Hours = Hours.REGULAR
    is_from_bar: bool = True

    @property
    def strategy_id(self) -> UUID | None:
        """The strategy that speaks; None for somebody outside without one."""
        return None if self.strategy is None else self.strategy.pk


def take_signal(statement: Statement) -> Signal:
    """Store a signal, bring it to its outcome, and carry its order to the venue; return the signal.

    The same strategy, instrument, bar and side again gives the signal that is there. Publishes SignalGenerated,
    SignalSettled and the order's facts.
    """
    signal, order = commit_signal(statement)
    if order is not None:
        sending.dispatch([order])
    return signal


def commit_signal(statement: Statement) -> tuple[Signal, Order | None]:
    """Commit a signal with its outcome; return it and the order that must then be dispatched. See take_signal."""
    if not transaction.get_connection().in_atomic_block:  # whoever holds locks must not wait for others
        urgency.turns.stand_back()
    with durability.forced(), later.together():
        account = portfolio.locked_account(statement.account_id)
        return decide(Moment(account, statement.at), statement)


def decide(moment: Moment, statement: Statement) -> tuple[Signal, Order | None]:
    """Bring what is wanted to its outcome while the account is locked; see :func:`commit_signal`.

    Whoever speaks for an account has locked it: the same statement is never decided twice.
    """
    present = _present(statement)
    if present is not None:
        return present, None
    signal = _generate(moment.account, statement)
    order = _decide(moment, signal, statement)
    if order is not None:
        moment.forget()
    return signal, order


def _present(statement: Statement) -> Signal | None:
    if not statement.is_from_bar:
        return None
    if statement.strategy_id is None:
        rows = Signal.objects.filter(strategy=None, instrument=statement.instrument)
        return rows.filter(bar_close_at=statement.at, side=statement.row.side).first()
    return _of_bar.first(
        strategy_id=statement.strategy_id,
        instrument_id=statement.instrument.pk,
        bar_close_at=statement.at,
        side=statement.row.side.value,
    )


_of_bar: Prepared[Signal] = Prepared(
    lambda **bar: Signal.objects.filter(**bar), strategy_id=UUID, instrument_id=UUID, bar_close_at=datetime, side=str
)


def _generate(account: Account, statement: Statement) -> Signal:
    """Build the signal and tell it; it is stored with its outcome, in the same transaction (its id is known)."""
    row = statement.row
    signal = Signal(
        user_id=account.user_id,
        account=account,
        strategy=statement.strategy,
        instrument=statement.instrument,
        timeframe=statement.timeframe,
        side=row.side,
        confidence=row.confidence,
        stop=_price(statement.instrument, row.stop),
        take_profit=_price(statement.instrument, row.take_profit),
        price=statement.price,
        reason=row.reason[:300],
        source=statement.source,
        at=statement.at,
        bar_close_at=statement.at if statement.is_from_bar else None,
        trace=[_step("signal", "generated", f"{row.side} {statement.instrument.symbol} at {plain(statement.price)}")],
    )
    publish(
        events.SignalGenerated(
            at=statement.at,
            user_id=account.user_id,
            account_id=account.pk,
            signal_id=signal.pk,
            strategy_id=signal.strategy_id,
            symbol=statement.instrument.symbol,
            side=row.side,
            confidence=row.confidence,
            reason=signal.reason,
        )
    )
    return signal


def _price(instrument: Instrument, value: float | None) -> Decimal | None:
    return None if value is None else market.spec(instrument).price(value)


def _step(stage: str, verdict: str, text: str, **numbers: Any) -> dict[str, Any]:
    return {"stage": stage, "verdict": verdict, "text": text, "at": timezone.now().isoformat(), **numbers}


def _decide(moment: Moment, signal: Signal, statement: Statement) -> Order | None:
    """Bring a stored signal to its outcome inside the transaction; return the order to dispatch, if there is one."""
    if statement.row.side is SignalSide.EXIT:
        return _exit(moment, signal, statement)
    return _enter(moment, signal, statement)


def _exit(moment: Moment, signal: Signal, statement: Statement) -> Order | None:
    """Close the strategy's whole position: no preference holds an exit."""
    held = moment.snapshot.position_quantity(statement.instrument.pk, statement.strategy_id)
    if not held:
        _skip(signal, SkipCode.NO_POSITION, f"Nothing of {statement.instrument.symbol} is held")
        return None
    spec = OrderSpec(
        symbol=statement.instrument.symbol,
        side=OrderSide.SELL if held > 0 else OrderSide.BUY,
        quantity=abs(held),
        reduce_only=True,
        role=OrderRole.EXIT,
    )
    return _order(moment, signal, statement, spec, needs_approval=False)


def _enter(moment: Moment, signal: Signal, statement: Statement) -> Order | None:
    account, snapshot = moment.account, moment.snapshot
    if statement.strategy is not None:
        runaway.brake(statement.strategy, at=statement.at)
    trading = preferences.current_in_transaction(account.user_id).trading
    order_type = entry.order_type_of(trading)
    verdict = entry.check_entry(
        trading,
        confidence=statement.row.confidence,
        n_session_trades=snapshot.n_session_trades,
        n_open_positions=len({p.instrument_id for p in snapshot.positions if p.quantity}),
        is_new_position=not snapshot.position_quantity(statement.instrument.pk),
        order_type=order_type,
        session_open=statement.hours is Hours.REGULAR,
        is_pre_market=statement.hours is Hours.PRE_MARKET,
        is_after_hours=statement.hours is Hours.AFTER_HOURS,
        is_paused=_is_paused(statement.strategy),
        is_stale=_is_stale(statement),
    )
    if verdict.code is not None:
        _skip(signal, verdict.code, verdict.message)
        return None
    signal.trace.append(_step("preferences", "passed", verdict.message))
    size = _size(account, statement, snapshot.equity, trading)
    if size.quantity <= 0:
        text = f"The size comes to less than one lot: {size.explanation}"
        _skip(signal, SkipCode.NO_SIZE, text)
        return None
    signal.trace.append(_step("sizing", "sized", size.explanation, quantity=plain(size.quantity)))
    side = OrderSide.BUY if statement.row.side is SignalSide.BUY else OrderSide.SELL
    spec = OrderSpec(
        symbol=statement.instrument.symbol,
        side=side,
        quantity=size.quantity,
        type=order_type,
        limit_price=market.spec(statement.instrument).price(statement.price) if order_type is OrderType.LIMIT else None,
        role=OrderRole.ENTRY,
        stop_loss_price=signal.stop,
        take_profit_price=signal.take_profit,
    )
    return _order(moment, signal, statement, spec, needs_approval=verdict.needs_approval)


def _is_paused(strategy: Strategy | None) -> bool:
    """Asked of the database: a broken rule may have paused the strategy after its row was read."""
    return strategy is not None and not Strategy.objects.filter(pk=strategy.pk, state=StrategyState.RUNNING).exists()


def _is_stale(statement: Statement) -> bool:
    """A strategy's bar must be the newest of its market; catching up on old live bars trades nothing."""
    if statement.instrument.replay_id is not None or not statement.is_from_bar:
        return False
    return (market.market_time(statement.instrument) - statement.at).total_seconds() > 60


def _size(account: Account, statement: Statement, equity: Decimal, trading: Any) -> sizing.Size:
    method, percent = trading.default_sizing_method, trading.default_position_size_percent
    value = preferred_value(method, percent, starting_cash=account.starting_cash)
    strategy = statement.strategy
    if strategy is not None and strategy.sizing_method and strategy.sizing_value is not None:
        method, value = strategy.sizing_method, strategy.sizing_value
    return size_entry(
        method,
        value,
        equity=equity,
        price=statement.price,
        side=OrderSide.BUY if statement.row.side is SignalSide.BUY else OrderSide.SELL,
        spec=market.spec(statement.instrument),
        stop_price=_price(statement.instrument, statement.row.stop),
        sources=_sizing_sources(account, statement),
        strength=statement.strength,
    )


def _sizing_sources(account: Account, statement: Statement) -> Sources:
    """Where a sizing method finds what it asks for; nothing is read before it is asked."""
    strategy, instrument = statement.strategy, statement.instrument
    return Sources(
        bars=lambda: market.bar_series(
            instrument, statement.timeframe or Timeframe.D1, limit=ATR_WINDOW, as_of=statement.at
        ),
        trades=lambda: [
            (trade.pnl_net, trade.entry_value)
            for trade in (portfolio.trades_of_strategy(account, strategy.pk) if strategy is not None else ())
        ],
        rules=lambda: risk.rules_concerning(
            account,
            strategy_id=statement.strategy_id,
            instrument_id=instrument.pk,
            sector=instrument.sector,
            at=statement.at,
        ),
        n_instruments=None if strategy is None else len(strategy.instruments.all()),
    )


def _order(
    moment: Moment, signal: Signal, statement: Statement, spec: OrderSpec, *, needs_approval: bool
) -> Order | None:
    origin = Origin(
        strategy=statement.strategy,
        signal=signal,
        client_order_id=f"s-{signal.pk.hex}",
        needs_approval=needs_approval,
        reference=statement.price,
        instrument=statement.instrument,
        snapshot=moment.snapshot,
    )
    try:
        with transaction.atomic():
            order = orders.decide_order(moment.account, spec, origin=origin, at=statement.at)
    except PlatformError as error:
        settle(signal, SignalOutcome.DENIED, error.code, str(error))
        return None
    signal.decision = order.decision
    _settle_by_order(signal, order)
    return order


def _settle_by_order(signal: Signal, order: Order) -> None:
    if order.status == OrderStatus.DENIED:
        settle(signal, SignalOutcome.DENIED, "risk", order.reason)
    elif order.status == OrderStatus.PENDING_APPROVAL:
        signal.expires_at = timezone.now() + APPROVAL_TIME
        settle(signal, SignalOutcome.AWAITING_APPROVAL, "auto_execution_off", "Automatic execution is off")
    else:
        text = f"{order.side} {plain(order.quantity)} {order.instrument.symbol} sent to the broker"
        settle(signal, SignalOutcome.EXECUTED, "", text)


def _skip(signal: Signal, code: SkipCode, message: str) -> None:
    settle(signal, SignalOutcome.SKIPPED, code.value, message)


def settle(signal: Signal, outcome: SignalOutcome, code: str, message: str) -> None:
    """Write down where the signal ended (or that it waits for a person) and tell it."""
    signal.outcome, signal.code, signal.message = outcome, code, message
    signal.trace.append(_step("outcome", outcome.value, message, code=code))
    if outcome in FINAL_OUTCOMES or outcome is SignalOutcome.APPROVED:
        signal.settled_at = timezone.now()
    store(signal)
    publish(
        events.SignalSettled(
            at=signal.at,
            user_id=signal.user_id,
            account_id=signal.account_id,
            signal_id=signal.pk,
            strategy_id=signal.strategy_id,
            symbol=signal.instrument.symbol,
            side=signal.side,
            outcome=outcome,
            code=code,
            message=message,
        )
    )
