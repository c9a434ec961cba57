"""Where an order comes from, and the form in which the risk gate is asked about it."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from core.prepared import Prepared
from domain.errors import NotFound
from domain.orders import EventSource, OrderRole, OrderSide, OrderSpec, OrderType, TimeInForce
from domain.portfolio import AccountSnapshot
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio.models import Account
from risk import market_inputs as inputs
from risk.decisions import Activity, MarketView, OrderIntent
from risk.from_preferences import PREFERENCE_TYPES
from risk.models import RiskRule
from strategies.models import Strategy
from trading import selectors
from trading.daily_bars import DailyBars
from trading.models import Order, Signal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an order comes from; ``needs_approval`` holds an entry until a person says yes.

    ``reference`` is the price that it was decided at (a bar's close): a later one must not judge it. ``instrument`` and
    ``snapshot`` spare reading again what the caller read in the same transaction, the account locked. ``rule_types``
    are asked besides those in force (a rule that is only tried).
    """

    strategy: Strategy | None = None
    signal: Signal | None = None
    client_order_id: str = ""
    source: EventSource = EventSource.LOCAL
    needs_approval: bool = False
    reference: Decimal | None = None
    instrument: Instrument | None = None
    snapshot: AccountSnapshot | None = None
    rule_types: tuple[str, ...] = ()

    @property
    def strategy_id(self) -> UUID | None:
        """The strategy whose position the order changes; None for one placed by hand."""
        return None if self.strategy is None else self.strategy.pk


def mark_of(instrument: Instrument, origin: Origin, *, at: datetime) -> market.Mark | None:
    """The price that the order was decided at, else the newest; None where there is none: the gate then denies."""
    if origin.reference is not None:
        return market.Mark(price=origin.reference, at=at, age_seconds=0.0, stale=False, source="bar")
    try:
        return market.mark(instrument)
    except NotFound:
        return None


def worst_price(spec: OrderSpec, mark: market.Mark | None) -> Decimal | None:
    """The dearest price at which the order may execute as far as is known: its own, else the last price."""
    own = spec.limit_price or spec.stop_price
    last = mark.price if mark else None
    if own is None or last is None:
        return own or last
    return max(own, last) if spec.side is OrderSide.BUY and spec.type is not OrderType.LIMIT else own


def intent_of(spec: OrderSpec, instrument: Instrument, origin: Origin, mark: market.Mark | None) -> OrderIntent:
    """The order as the gate measures it."""
    return OrderIntent(
        symbol=instrument.symbol,
        instrument_id=instrument.pk,
        sector=instrument.sector,
        asset_class=instrument.asset_class,
        strategy_id=origin.strategy_id,
        side=spec.side,
        quantity=spec.quantity,
        price=worst_price(spec, mark) or Decimal("NaN"),  # no price at all: the gate denies
        type=spec.type,
        role=spec.role,
        reduce_only=spec.reduce_only,
        lot_size=instrument.lot_size,
    )


def market_view(
    account: Account,
    instrument: Instrument,
    intent: OrderIntent,
    mark: market.Mark | None,
    *,
    snapshot: AccountSnapshot,
    origin: Origin,
    at: datetime,
    but: UUID | None = None,
) -> MarketView:
    """What the gate must know of the market, and of what the account ordered lately (``but``: not counting this).

    What costs reads is looked up only where a rule in force asks for it.
    """
    asking = _types_in_force(account) | set(origin.rule_types)
    bars = DailyBars(snapshot, at, instrument)
    return MarketView(
        reference=mark.price if mark else None,
        age_seconds=Decimal(str(round(mark.age_seconds, 3))) if mark else None,
        is_stale=mark.stale if mark else True,
        is_reconciled=not _unresolved(account_id=account.pk, instrument_id=instrument.pk),
        average_volume=_known(asking & VOLUME_RULES, lambda: inputs.average_volume(bars.of(instrument.pk))),
        correlation=_known(asking & CORRELATION_RULES, lambda: inputs.held_correlation(intent, snapshot, bars.closes)),
        value_at_risk=_known(asking & TAIL_RULES, lambda: inputs.value_at_risk_after(intent, snapshot, bars.closes)),
        activity=_activity(account, instrument, intent, but, at) if asking & ACTIVITY_RULES else None,
    )


ACTIVITY_RULES = frozenset(
    inputs.types_asking("identical_seconds", "opposite_price", "n_messages", "n_identical_entries", "session_turnover")
)
VOLUME_RULES = frozenset(inputs.types_asking("illiquidity"))
CORRELATION_RULES = frozenset(inputs.types_asking("correlation"))
TAIL_RULES = frozenset(inputs.types_asking("value_at_risk"))
_COSTLY = tuple(ACTIVITY_RULES | VOLUME_RULES | CORRELATION_RULES | TAIL_RULES)


def _known(asking: Collection[str], number: Callable[[], Decimal | None]) -> Decimal | None:
    """A number where a rule asks for it; prices that can not be read leave it unknown, so that exits still pass."""
    if not asking:
        return None
    try:
        return number()
    except Exception:  # whatever it is: the gate denies new risk for want of the number
        logger.exception("a number that rules of type %s ask for can not be found", ", ".join(asking))
        return None


_unresolved: Prepared[tuple[UUID]] = Prepared(
    lambda account_id, instrument_id: (
        selectors.unresolved_orders(account_id).filter(instrument_id=instrument_id).values_list("pk")
    ),
    account_id=UUID,
    instrument_id=UUID,
)


def _types_in_force(account: Account) -> set[str]:
    """Types of the user's rules whose numbers cost reads, those of the preferences among them."""
    return {*(kind for (kind,) in _costly_rules(user_id=account.user_id)), *PREFERENCE_TYPES.intersection(_COSTLY)}


_costly_rules: Prepared[tuple[str]] = Prepared(
    lambda user_id: RiskRule.objects.filter(user_id=user_id, enabled=True, type__in=_COSTLY).values_list("type"),
    user_id=UUID,
)


def _activity(
    account: Account, instrument: Instrument, intent: OrderIntent, but: UUID | None, at: datetime
) -> Activity:
    now = timezone.now()
    recent = Order.objects.filter(account=account, created_at__gt=now - timedelta(minutes=1)).exclude(Q(pk=but))
    recent = recent.exclude(role__in=(OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT))  # an entry's own, not decided on
    rows = list(recent.values_list("created_at", "instrument_id", "strategy_id", "side", "requested_quantity", "role"))
    same = [
        row
        for row in rows
        if row[1:4] == (instrument.pk, intent.strategy_id, intent.side) and row[4] == intent.quantity
    ]
    newest = max((row[0] for row in same), default=None)
    return Activity(
        identical_seconds=None if newest is None else Decimal(str((now - newest).total_seconds())),
        n_last_second=sum(row[0] > now - timedelta(seconds=1) for row in rows),
        n_last_minute=len(rows),
        n_identical_entries=sum(row[5] in (OrderRole.ENTRY, OrderRole.MANUAL) for row in same),
        session_turnover=selectors.session_turnover(account, at=at),
        opposite_price=selectors.best_opposite_price(account, instrument, intent.side),
    )


def spec_of(order: Order, *, quantity: Decimal | None = None) -> OrderSpec:
    """An order that exists, as it would be asked for again."""
    return OrderSpec(
        symbol=order.instrument.symbol,
        side=OrderSide(order.side),
        quantity=order.quantity if quantity is None else quantity,
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        limit_price=order.limit_price,
        stop_price=None if order.type == OrderType.TRAILING_STOP else order.stop_price,
        trail_percent=order.trail_percent,
        reduce_only=order.reduce_only,
        role=OrderRole(order.role),
    )
