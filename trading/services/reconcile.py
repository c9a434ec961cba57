"""Comparing our books with the venue's: at the start before any strategy runs, then every minute.

Orders first, then fills, then positions. What the venue knows and we do not is booked; what was cut off is carried on;
a difference that remains puts the account in ``reducing`` and tells its owner. Nothing is ever traded away.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.bus import publish
from core.fields import plain
from domain import events
from domain.errors import BrokerError
from domain.matching import Phase
from domain.orders import EventSource, ExecutionReport, OrderRole, OrderStatus, VenueFill
from domain.portfolio import TradingState
from portfolio import selectors as portfolio
from portfolio.models import Account, Position
from portfolio.services import accounts
from trading import selectors
from trading.brokers.base import Broker
from trading.models import Fill, Order
from trading.services import execution, sending
from trading.services.protecting import protect
from trading.services.venues import broker_of

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=5)
NO_GRACE = timedelta(0)
IN_FLIGHT = (OrderStatus.SUBMITTED, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE)


@dataclass(slots=True)
class Outcome:
    """What a reconciliation did."""

    carried_on: int = 0
    fills_booked: int = 0
    protected: int = 0
    differences: tuple[str, ...] = ()


def reconcile(account_id: UUID, *, grace: timedelta = GRACE) -> Outcome:
    """Compare one account with its venue and mend what can be mended; publishes what it finds.

    ``grace`` leaves alone what was sent a moment ago (zero at a start). Raises BrokerError when the venue cannot
    be read: then nothing is known, and nothing is changed.
    """
    account = Account.objects.get(pk=account_id)
    broker = broker_of(account)
    outcome = Outcome()
    _carry_on(account, broker, outcome, before=timezone.now() - grace)
    _book_missed_fills(account, broker, outcome)
    _protect_again(account, outcome)
    outcome.differences = _differences(account)
    if outcome.differences:
        _raise_mismatch(account, outcome.differences)
    return outcome


def _carry_on(account: Account, broker: Broker, outcome: Outcome, *, before: datetime) -> None:
    """Ask the venue for every order in flight or unresolved; send what surely never arrived."""
    rows = Order.objects.filter(account=account, status__in=IN_FLIGHT, updated_at__lte=before)
    unresolved = Order.objects.filter(account=account, unresolved=True)
    for order in (rows | unresolved).order_by("created_at"):
        report = broker.order(order.client_order_id)
        if report is not None:
            follow_ups = execution.apply_report(
                account.pk, report, source=EventSource.RECONCILIATION, at=order.market_at
            )
            sending.dispatch(follow_ups)
        order.refresh_from_db()
        if _must_send(order, report, broker):
            Order.objects.filter(pk=order.pk).update(send_attempts=F("send_attempts") + 1)
            sending.dispatch([order.pk])
            outcome.carried_on += 1


def _must_send(order: Order, report: ExecutionReport | None, broker: Broker) -> bool:
    """A cancel or change is sent again freely; a new order only where the venue refuses a repeated id."""
    if order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE):
        return True
    return order.status == OrderStatus.SUBMITTED and report is None and broker.dedupes_client_id


def _book_missed_fills(account: Account, broker: Broker, outcome: Outcome) -> None:
    booked = set(Fill.objects.filter(account=account).values_list("venue_fill_id", flat=True))
    missed: dict[str, list[VenueFill]] = {}
    for fill in broker.fills():
        if fill.venue_fill_id not in booked:
            missed.setdefault(fill.client_order_id, []).append(fill)
    for client_order_id in missed:
        report = broker.order(client_order_id)
        if report is None:
            raise BrokerError(f"The venue tells a fill of the order {client_order_id} but not the order")
        follow_ups = execution.apply_report(account.pk, report, source=EventSource.RECONCILIATION)
        sending.dispatch(follow_ups)
        outcome.fills_booked += len(missed[client_order_id])


def _protect_again(account: Account, outcome: Outcome) -> None:
    """Place what a position's plan asks for and what a crash kept from being placed."""
    for position in portfolio.positions_of(account):
        with transaction.atomic():
            locked = portfolio.locked_account(account.pk)
            cause = _entry_of(position)
            if cause is None:
                continue
            at = locked.market_at or timezone.now()
            fresh = Position.objects.get(pk=position.pk)
            follow_ups = protect(locked, fresh, cause=cause, arrival=Phase.BEFORE, at=at) if fresh.is_open else []
        sending.dispatch(follow_ups)
        outcome.protected += len(follow_ups)


def _entry_of(position: Position) -> Order | None:
    """The newest order that opened or enlarged the position."""
    rows = Order.objects.filter(
        Q(strategy_id=position.strategy_id),
        account_id=position.account_id,
        instrument_id=position.instrument_id,
        role__in=[OrderRole.ENTRY, OrderRole.MANUAL],
        side="buy" if position.quantity > 0 else "sell",
        fills__isnull=False,
    )
    return rows.select_related("account", "instrument", "parent").order_by("-created_at").first()


def _differences(account: Account) -> tuple[str, ...]:
    """Positions and cash against the sum of all fills."""
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        return tuple(portfolio.differences(locked, selectors.fills_of_account(locked)))


def _raise_mismatch(account: Account, differences: tuple[str, ...]) -> None:
    at = timezone.now()
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        if locked.trading_state == TradingState.ACTIVE:
            reason = f"Its books differ from its fills: {differences[0]}"
            accounts.set_trading_state(locked, TradingState.REDUCING, reason=reason, by="reconciliation", at=at)
        for difference in differences:
            publish(
                events.ReconciliationMismatchFound(
                    at=at,
                    user_id=locked.user_id,
                    account_id=locked.pk,
                    subject=difference,
                    ours=plain(locked.cash),
                    theirs="the sum of the fills",
                )
            )
