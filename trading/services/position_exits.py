"""Closing what rules on positions say is to be closed: working exit orders, through the one door.

The client order id is made of the position and the market time, so that the same measurement twice makes one order.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from domain.errors import PlatformError
from domain.orders import EventSource, OrderRole, OrderSide, OrderSpec, OrderStatus, OrderType
from marketdata.models import Instrument
from portfolio.models import Account
from risk import selectors as risk
from risk.decisions import Action
from risk.models import BreachLevel, RiskBreach
from risk.position_rules import CLOSING, Holding
from strategies.models import Strategy
from trading.services import orders
from trading.services.intents import Origin
from trading.services.transitions import note

logger = logging.getLogger(__name__)


def commit_exits(
    account: Account, breaches: Sequence[RiskBreach], holdings: Sequence[Holding], *, at: datetime
) -> list[UUID]:
    """Commit an exit for each position of a locked account that a broken rule closes; return the orders to dispatch.

    What a working market exit covers already is left alone, and what a kill switch forbids waits for it.
    """
    wanted = {breach.subject: breach.message for breach in breaches if _closes(breach)}
    found = [_commit(account, each, wanted[each.key], at) for each in holdings if each.key in wanted]
    return [order_id for order_id in found if order_id is not None]


def _closes(breach: RiskBreach) -> bool:
    return breach.level == BreachLevel.BREACH and breach.type in CLOSING and breach.action != Action.WARN


def _commit(account: Account, holding: Holding, why: str, at: datetime) -> UUID | None:
    left = holding.size - holding.closing
    if left <= 0 or risk.is_stopped(account, holding.strategy_id, reduces=True):
        return None
    spec = OrderSpec(
        symbol=holding.symbol,
        side=OrderSide.SELL if holding.quantity > 0 else OrderSide.BUY,
        quantity=left,
        type=OrderType.MARKET,
        reduce_only=True,
        role=OrderRole.EXIT,
    )
    try:
        with transaction.atomic():
            order, is_new = orders.commit_order(account.pk, spec, origin=_origin(holding, at), at=at)
            if is_new:
                note(order, OrderStatus(order.status), source=EventSource.LOCAL, at=at, message=why)
    except PlatformError:
        logger.exception("the position %s could not be closed", holding.key)
        return None
    return order.pk if is_new else None


def _origin(holding: Holding, at: datetime) -> Origin:
    named = f"{holding.key}:{holding.opened_at}:{holding.quantity}:{at.isoformat()}"
    strategy = None if holding.strategy_id is None else Strategy.objects.get(pk=holding.strategy_id)
    return Origin(
        strategy=strategy,
        client_order_id=f"r-{hashlib.sha256(named.encode()).hexdigest()[:32]}",
        source=EventSource.LOCAL,
        instrument=Instrument.objects.get(pk=holding.instrument_id),
    )
