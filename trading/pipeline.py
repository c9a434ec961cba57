"""The live driver: for every bar that closed, match, mark, decide, submit; the same steps as ``backtesting.engine``.

``run_account`` is woken by a fact or a sweep and may be called as often as anybody likes: cursors in the database say
how far the account has come, a lease lets one runner at a time, and each step can be repeated after a crash.
"""

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from core import durability, faults, later, outbox
from core.prepared import Prepared
from domain.bars import Timeframe
from domain.errors import StrategyError
from domain.orders import OrderRole
from marketdata import selectors as market
from marketdata.calendars import hours
from portfolio import selectors as portfolio
from portfolio.models import Account
from portfolio.services import marks
from portfolio.services.alerts import watch_results
from risk.selectors import has_open_breaches
from strategies import selectors as strategies
from strategies.evaluate import AnswerRow, last_row
from strategies.intents import Enter, intent_of
from strategies.models import Strategy
from trading import selectors
from trading.models import AccountCursor, Order
from trading.services import feeds, leases, sending, signals
from trading.services import strategies as strategy_services
from trading.services.matching import ClosedBar, match_bars
from trading.services.moments import Moment
from trading.services.venues import paper_of
from trading.services.watching import Watched, watch

logger = logging.getLogger(__name__)

MAX_BARS = 500


def run_account(account_id: UUID) -> int:
    """Bring an account up to its market time; return how many moments were done (0 when another runner has it).

    A paper account's venue is in the same database: what a power cut takes, it takes from both, and it is walked again.
    """
    account = portfolio.account_of(account_id)
    with durability.relaxed() if paper_of(account) is not None else nullcontext():
        return _run(account)


def _run(account: Account) -> int:
    """Walk what waits, and again as long as somebody asks for it meanwhile. ``account`` is a copy without a lock."""
    lease = leases.acquire(account.pk)
    if lease is None:
        return 0
    done = 0
    try:
        while True:
            walk = _moments(account.pk)
            for at, bars in walk.moments:
                with outbox.marked_together():
                    run_moment(account, at, bars, lease)
            done += len(walk.moments)
            if walk.is_complete and leases.release(lease):
                return done
    except leases.LeaseLost:
        logger.warning("account %s was taken over by another runner", account.pk)
        return done
    except BaseException:
        leases.abandon(lease)
        raise


@dataclass(frozen=True, slots=True)
class Walk:
    """Moments that wait for an account, oldest first; not ``is_complete``: there are more than were read."""

    moments: list[tuple[datetime, list[ClosedBar]]]
    is_complete: bool


def _moments(account_id: UUID) -> Walk:
    """Bars that closed after the account's cursors, by close time; bars of one moment in symbol order."""
    moments: dict[datetime, list[ClosedBar]] = {}
    complete_until: datetime | None = None
    for cursor in _cursors(account_id=account_id):
        instrument, timeframe = cursor.instrument, Timeframe(cursor.timeframe)
        now = instrument.replay.market_time if instrument.replay is not None else timezone.now()
        arrays = market.closed_bars(instrument, timeframe, after=cursor.close_at, until=now)
        is_base = len(arrays) > 0 and timeframe == feeds.base_timeframe(instrument)
        bars = market.bars(instrument, timeframe, arrays.head(MAX_BARS))
        if len(arrays) > MAX_BARS:
            last = bars[-1].close_at
            complete_until = last if complete_until is None else min(complete_until, last)
        for bar in bars:
            moments.setdefault(bar.close_at, []).append(ClosedBar(instrument, timeframe, bar, is_base))
    due = [at for at in sorted(moments) if complete_until is None or at <= complete_until]
    return Walk([(at, moments[at]) for at in due], is_complete=complete_until is None)


_cursors: Prepared[AccountCursor] = Prepared(
    lambda account_id: (
        AccountCursor.objects.filter(account_id=account_id)
        .select_related("instrument__replay")
        .order_by("instrument__symbol", "timeframe")
    ),
    account_id=UUID,
)


def run_moment(account: Account, at: datetime, bars: list[ClosedBar], lease: leases.Lease) -> None:
    """Do the four steps for the bars that closed at one moment, then move the cursors.

    Strategies are asked before the account is locked; what they say is decided after the mark. Mark, decisions and
    cursors are one commit, unless a rule is broken or near: then what it asks for is done before anybody decides.
    """
    base = [closed for closed in bars if closed.is_base]
    n_executed = match_bars(account, base, lease)
    faults.point("pipeline.after_match")
    spoken = [each for each in _asked(account.pk, bars, at) if each.row is not None]
    is_marked = bool(base) and (n_executed > 0 or _is_to_mark(account.pk, decides=bool(spoken)))
    with durability.forced() if spoken else nullcontext(), later.together():
        moment = _locked(account.pk, at, lease)
        watched = _mark(moment, base) if is_marked else NOTHING_BROKEN
        orders = _decide(moment, spoken) if watched.is_calm else []
        if watched.is_calm:
            _advance_cursors(account.pk, bars)
    sending.dispatch(watched.due)
    faults.point("pipeline.after_mark")
    if not watched.is_calm:
        with durability.forced(), later.together():
            orders = _decide(_locked(account.pk, at, lease), spoken)
            _advance_cursors(account.pk, bars)
    faults.point("pipeline.after_signal")
    sending.dispatch(orders)
    faults.point("pipeline.after_cursor")


def _is_to_mark(account_id: UUID, *, decides: bool) -> bool:
    """Tell whether there is anything to value, or a broken rule that may have recovered before something is decided."""
    return portfolio.has_open_positions(account_id) or (decides and has_open_breaches(account_id))


def _locked(account_id: UUID, at: datetime, lease: leases.Lease) -> Moment:
    lease.check()
    return Moment(portfolio.locked_account(account_id), at)


# --- mark ----------------------------------------------------------------------------------------------------------

NOTHING_BROKEN = Watched(due=[], is_calm=True)


def _mark(moment: Moment, base: list[ClosedBar]) -> Watched:
    """Value the account at the bars' closes and let the risk rules look at it."""
    closes = {closed.instrument.pk: closed.bar.close for closed in base}
    ranges = {closed.instrument.pk: (closed.bar.low, closed.bar.high) for closed in base}
    marks.mark_to_market(moment.account, closes, moment.at, ranges)
    watched = watch(moment)
    watch_results(moment.account, at=moment.at)
    return watched


# --- decide and submit -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a strategy said of one bar: its row (None: nothing to act on)."""

    strategy: Strategy
    closed: ClosedBar
    row: AnswerRow | None


def _asked(account_id: UUID, bars: list[ClosedBar], at: datetime) -> Iterator[Spoken]:
    """Ask every strategy of an account about the bars that concern it; what its code does wrong fails it alone."""
    for strategy in selectors.deciding_strategies(account_id, at=at):
        for closed in bars:
            if not _concerns(strategy, closed):
                continue
            try:
                yield Spoken(strategy, closed, _answer(strategy, closed))
            except StrategyError as error:
                logger.warning("strategy %s failed: %s", strategy.pk, error)
                strategy_services.fail_strategy(strategy, reason=str(error), at=at)
                break


def _concerns(strategy: Strategy, closed: ClosedBar) -> bool:
    is_its = strategy.timeframe == closed.timeframe
    return is_its and closed.instrument.pk in {row.pk for row in strategy.instruments.all()}


def _answer(strategy: Strategy, closed: ClosedBar) -> AnswerRow | None:
    loaded = strategies.runnable(strategy)
    if loaded.type.fingerprint != strategy.fingerprint:
        strategy_services.check_again(strategy)
    window = market.bar_series(closed.instrument, closed.timeframe, limit=loaded.warmup + 1, as_of=closed.bar.close_at)
    return last_row(loaded.strategy, loaded.params, window)


def _decide(moment: Moment, spoken: list[Spoken]) -> list[Order]:
    """Bring what the strategies said to its outcome; return the orders to dispatch after the commit."""
    orders: list[Order] = []
    for each in spoken:
        statement = _statement(moment, each)
        if statement is not None:
            _, order = signals.decide(moment, statement)
            orders += [order] if order is not None else []
    return orders


def _statement(moment: Moment, spoken: Spoken) -> signals.Statement | None:
    """What the strategy wants at this bar, given what it holds; None when nothing."""
    strategy, closed = spoken.strategy, spoken.closed
    line = (closed.instrument.pk, strategy.pk)
    working = [order for order in moment.snapshot.working if (order.instrument_id, order.strategy_id) == line]
    intent = intent_of(
        spoken.row,
        held=moment.snapshot.position_quantity(*line),
        has_working_entry=any(order.role is OrderRole.ENTRY for order in working),
        has_working_exit=any(order.role is OrderRole.EXIT for order in working),
        allow_short=strategy.allow_short,
    )
    if intent is None:
        return None
    return signals.Statement(
        account_id=moment.account.pk,
        instrument=closed.instrument,
        strategy=strategy,
        row=intent.statement,
        price=closed.bar.close,
        at=moment.at,
        timeframe=closed.timeframe.value,
        hours=hours(int(closed.bar.open_at.timestamp()), closed.timeframe, closed.instrument.calendar),
        strength=intent.strength if isinstance(intent, Enter) else Decimal(1),
    )


def _advance_cursors(account_id: UUID, bars: list[ClosedBar]) -> None:
    for closed in bars:
        AccountCursor.objects.filter(
            account_id=account_id, instrument=closed.instrument, timeframe=closed.timeframe.value
        ).update(close_at=closed.bar.close_at, updated_at=timezone.now())
