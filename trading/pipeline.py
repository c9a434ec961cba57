"""The live driver: for every bar that closed, match, mark, decide, submit; the same steps as ``backtesting.engine``.

``run_account`` is woken by a fact or a sweep and may be called as often as anybody likes: cursors in the database say
how far the account has come, a lease lets one runner at a time, and each step can be repeated after a crash.
"""

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import durability, faults, outbox
from domain.bars import Timeframe
from domain.errors import PlatformError, StrategyError
from domain.orders import OrderRole
from marketdata import selectors as market
from marketdata.calendars import hours
from portfolio import selectors as portfolio
from portfolio.models import Account
from portfolio.services import marks
from portfolio.services.alerts import watch_results
from strategies import selectors as strategies
from strategies.evaluate import last_row
from strategies.intents import Enter, intent_of
from strategies.models import Strategy
from trading import selectors
from trading.models import AccountCursor
from trading.services import feeds, leases, sending, signals
from trading.services import strategies as strategy_services
from trading.services.matching import ClosedBar, match_bars
from trading.services.venues import paper_of
from trading.services.watching import watch

logger = logging.getLogger(__name__)

MAX_BARS = 500


def run_account(account_id: UUID) -> int:
    """Bring an account up to its market time; return how many moments were done (0 when another runner has it).

    A paper account's venue is in the same database: what a power cut takes, it takes from both, and it is walked again.
    """
    is_paper = paper_of(Account.objects.get(pk=account_id)) is not None
    with durability.relaxed() if is_paper else nullcontext():
        return _run(account_id)


def _run(account_id: UUID) -> int:
    lease = leases.acquire(account_id)
    if lease is None:
        return 0
    done = 0
    try:
        while True:
            moments = 0
            for at, bars in _moments(account_id):
                with outbox.marked_together():
                    run_moment(account_id, at, bars, lease)
                moments += 1
            done += moments
            if not moments and leases.release(lease):
                return done
    except leases.LeaseLost:
        logger.warning("account %s was taken over by another runner", account_id)
        return done
    except BaseException:
        leases.abandon(lease)
        raise


def _moments(account_id: UUID) -> Iterator[tuple[datetime, list[ClosedBar]]]:
    """Bars that closed after the account's cursors, by close time; bars of one moment in symbol order."""
    moments: dict[datetime, list[ClosedBar]] = {}
    complete_until: datetime | None = None
    rows = AccountCursor.objects.filter(account_id=account_id).select_related("instrument__replay")
    for cursor in rows.order_by("instrument__symbol", "timeframe"):
        instrument, timeframe = cursor.instrument, Timeframe(cursor.timeframe)
        arrays = market.closed_bars(instrument, timeframe, after=cursor.close_at, until=market.market_time(instrument))
        is_base = len(arrays) > 0 and timeframe == feeds.base_timeframe(instrument)
        bars = market.bars(instrument, timeframe, arrays.head(MAX_BARS))
        if len(arrays) > MAX_BARS:
            last = bars[-1].close_at
            complete_until = last if complete_until is None else min(complete_until, last)
        for bar in bars:
            moments.setdefault(bar.close_at, []).append(ClosedBar(instrument, timeframe, bar, is_base))
    for at in sorted(moments):
        if complete_until is None or at <= complete_until:
            yield at, moments[at]


def run_moment(account_id: UUID, at: datetime, bars: list[ClosedBar], lease: leases.Lease) -> None:
    """Do the four steps for the bars that closed at one moment, then move the cursors."""
    base = [closed for closed in bars if closed.is_base]
    n_executed = match_bars(account_id, base, lease)
    faults.point("pipeline.after_match")
    if base and (n_executed or portfolio.has_open_positions(account_id)):
        _mark(account_id, at, base, lease)
    faults.point("pipeline.after_mark")
    for strategy in selectors.deciding_strategies(account_id, at=at):
        for closed in bars:
            _decide(strategy, closed, at, lease)
    _advance_cursors(account_id, bars, lease)
    faults.point("pipeline.after_cursor")


# --- mark ----------------------------------------------------------------------------------------------------------


def _mark(account_id: UUID, at: datetime, base: list[ClosedBar], lease: leases.Lease) -> None:
    """Value the account at the bars' closes and let the risk rules look at it."""
    with transaction.atomic():
        lease.check()
        account = portfolio.locked_account(account_id)
        closes = {closed.instrument.pk: closed.bar.close for closed in base}
        ranges = {closed.instrument.pk: (closed.bar.low, closed.bar.high) for closed in base}
        marks.mark_to_market(account, closes, at, ranges)
        due = watch(account, at=at)
        watch_results(account, at=at)
    sending.dispatch(due)


# --- decide and submit -----------------------------------------------------------------------------------------------


def _decide(strategy: Strategy, closed: ClosedBar, at: datetime, lease: leases.Lease) -> None:
    """Ask one strategy about one bar; what its code does wrong fails it alone."""
    if not _concerns(strategy, closed):
        return
    try:
        statement = _statement(strategy, closed, at)
    except StrategyError as error:
        logger.warning("strategy %s failed: %s", strategy.pk, error)
        strategy_services.fail_strategy(strategy, reason=str(error), at=at)
        return
    if statement is None:
        return
    try:
        signals.take_signal(statement, lease=lease)
    except leases.LeaseLost:
        raise
    except PlatformError:
        logger.exception("the signal of strategy %s at %s could not be taken", strategy.pk, at)
        raise


def _concerns(strategy: Strategy, closed: ClosedBar) -> bool:
    is_its = strategy.timeframe == closed.timeframe
    return is_its and closed.instrument.pk in {row.pk for row in strategy.instruments.all()}


def _statement(strategy: Strategy, closed: ClosedBar, at: datetime) -> signals.Statement | None:
    """What the strategy wants at this bar, given what it holds; None when nothing."""
    loaded = strategies.runnable(strategy)
    if loaded.type.fingerprint != strategy.fingerprint:
        strategy_services.check_again(strategy)
    window = market.bar_series(closed.instrument, closed.timeframe, limit=loaded.warmup + 1, as_of=closed.bar.close_at)
    row = last_row(loaded.strategy, loaded.params, window)
    if row is None:
        return None
    working = selectors.open_orders(strategy.account_id).filter(instrument=closed.instrument, strategy=strategy)
    roles = set(working.values_list("role", flat=True))
    intent = intent_of(
        row,
        held=selectors.held_quantity(strategy.account, closed.instrument, strategy.pk),
        has_working_entry=OrderRole.ENTRY in roles,
        has_working_exit=OrderRole.EXIT in roles,
        allow_short=strategy.allow_short,
    )
    if intent is None:
        return None
    return signals.Statement(
        account_id=strategy.account_id,
        instrument=closed.instrument,
        strategy=strategy,
        row=intent.statement,
        price=closed.bar.close,
        at=at,
        timeframe=closed.timeframe.value,
        hours=hours(int(closed.bar.open_at.timestamp()), closed.timeframe, closed.instrument.calendar),
        strength=intent.strength if isinstance(intent, Enter) else Decimal(1),
    )


def _advance_cursors(account_id: UUID, bars: list[ClosedBar], lease: leases.Lease) -> None:
    with transaction.atomic():
        lease.check()
        for closed in bars:
            AccountCursor.objects.filter(
                account_id=account_id, instrument=closed.instrument, timeframe=closed.timeframe.value
            ).update(close_at=closed.bar.close_at, updated_at=timezone.now())
