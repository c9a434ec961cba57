"""Watching accounts between orders: rules of portfolio and positions measured with what only the order road knows."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from domain.bars import Timeframe
from domain.orders import OrderSide, OrderStatus
from domain.portfolio import AccountSnapshot
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account, Trade
from risk import market_inputs
from risk.comovement import Closes
from risk.decisions import RuleSpec, Scope
from risk.services.monitoring import monitor
from risk.services.sampling import sample_headroom
from trading.holdings import holdings_of, measured_at
from trading.models import Fill, Order
from trading.risk_report import risk_report
from trading.services import sending
from trading.services.moments import Moment
from trading.services.position_exits import commit_exits

logger = logging.getLogger(__name__)

ZERO = Decimal(0)
MAX_STREAK = 200
_ANSWERED = (
    *(OrderStatus.REJECTED, OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED),
    *(OrderStatus.FILLED, OrderStatus.PENDING_UPDATE, OrderStatus.PENDING_CANCEL),
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a measurement came to: the exits to dispatch, and whether no rule is broken or near its limit."""

    due: list[UUID]
    is_calm: bool


def watch(moment: Moment) -> Watched:
    """Measure the rules of a locked account and commit the exits that they ask for.

    ``due`` are to be dispatched once the transaction is committed; see ``risk.services.monitoring.monitor``.
    """
    account, at = moment.account, moment.at
    numbers = _Numbers(account, moment.snapshot, at)
    holdings = holdings_of(account)
    breaches = monitor(account, moment.snapshot, at=at, find=numbers.find, holdings=holdings)
    return Watched(due=commit_exits(account, breaches, holdings, at=at), is_calm=not breaches)


def watch_accounts() -> int:
    """Measure every account and keep a sample of its headroom; return how many. One failing stops no other."""
    done = 0
    for account_id in Account.objects.filter(is_archived=False).values_list("pk", flat=True):
        try:
            watch_account(account_id)
            done += 1
        except Exception:  # whatever it is, the other accounts are watched
            logger.exception("account %s could not be watched", account_id)
    return done


def watch_account(account_id: UUID) -> None:
    """Measure one account at its market time, carry out what its rules ask for, and sample its headroom."""
    with transaction.atomic():
        account = portfolio.locked_account(account_id)
        at = measured_at(account)
        watched = watch(Moment(account, at))
    sending.dispatch(watched.due)
    report = risk_report(account)
    sample_headroom(account, report.headroom, at=at, now=timezone.now())


class _Numbers:
    """Finds the numbers that portfolio rules ask for beyond the snapshot, for the part that a rule looks at."""

    def __init__(self, account: Account, snapshot: AccountSnapshot, at: datetime) -> None:
        self._account, self._snapshot, self._at = account, snapshot, at

    def find(self, name: str, rule: RuleSpec) -> Decimal | None:
        """Return a number, None where it is unknown."""
        if name == "n_losing_trades":
            return self._losing_trades(rule)
        if name == "n_rejected_orders":
            return self._rejected_orders(rule)
        if name == "slippage_cost":
            return self._slippage(rule)
        if name == "value_at_risk":
            return self._value_at_risk()
        return None

    def _losing_trades(self, rule: RuleSpec) -> Decimal:
        rows = Trade.objects.filter(account=self._account, position__epoch=self._account.epoch)
        rows = _of(rows, rule).filter(closed_at__isnull=False).order_by("-closed_at", "-created_at")
        return _streak(pnl < 0 for pnl in rows.values_list("pnl_net", flat=True)[:MAX_STREAK])

    def _rejected_orders(self, rule: RuleSpec) -> Decimal:
        rows = _of(Order.objects.filter(account=self._account), rule).filter(status__in=_ANSWERED)
        if self._account.reset_at:
            rows = rows.filter(created_at__gte=self._account.reset_at)
        newest = rows.order_by("-created_at").values_list("status", flat=True)[:MAX_STREAK]
        return _streak(status == OrderStatus.REJECTED for status in newest)

    def _slippage(self, rule: RuleSpec) -> Decimal:
        """What fills of this session cost beyond the prices that their orders were decided at (a gain counts too)."""
        start = portfolio.session_start(self._account, self._at)
        rows = Fill.objects.filter(account=self._account, epoch=self._account.epoch, at__gte=start)
        rows = _of(rows, rule).filter(order__reference_price__isnull=False)
        columns = rows.values_list("side", "quantity", "price", "order__reference_price")
        cost = sum(((price - wanted) * n * OrderSide(side).sign for side, n, price, wanted in columns), ZERO)
        return max(ZERO, cost)

    def _value_at_risk(self) -> Decimal | None:
        """Prices that can not be read leave it unknown: marks and exits go on, the gate denies new risk."""
        try:
            return self._historical()
        except Exception:
            logger.exception("the value at risk of account %s can not be measured", self._account.pk)
            return None

    def _historical(self) -> Decimal | None:
        values: dict[UUID, Decimal] = {}
        for position in self._snapshot.positions:
            values[position.instrument_id] = values.get(position.instrument_id, ZERO) + position.value
        rows = Instrument.objects.in_bulk(list(values))

        def closes(key: UUID) -> Closes:
            n = market_inputs.DAYS_NEEDED
            return market_inputs.closes_of(market.bar_series(rows[key], Timeframe.D1, limit=n, as_of=self._at))

        return market_inputs.value_at_risk(values, closes)


def _of(rows: QuerySet[Any], rule: RuleSpec) -> QuerySet[Any]:
    """The rows that a rule's scope names."""
    if rule.scope is Scope.STRATEGY:
        return rows.filter(strategy_id=rule.strategy_id)
    if rule.scope is Scope.INSTRUMENT:
        return rows.filter(instrument_id=rule.instrument_id)
    return rows.filter(instrument__sector=rule.sector) if rule.scope is Scope.SECTOR else rows


def _streak(found: Iterable[bool]) -> Decimal:
    return Decimal(sum(1 for _ in takewhile(bool, found)))
