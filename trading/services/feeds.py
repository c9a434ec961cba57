"""Who needs which feed: an account while it has orders or a position in an instrument, a strategy while it runs.

Following opens the feed, subscribes, and sets the account's cursor, from which its pipeline walks bar by bar.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from core.prepared import Prepared
from domain.bars import Timeframe
from domain.errors import ValidationFailed
from marketdata import replay_services as replays
from marketdata import selectors as market
from marketdata import services as feeds
from marketdata.models import Feed, Instrument, Subscription
from marketdata.sources import has_open_feed, source_for
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from strategies.models import Strategy
from trading import selectors
from trading.models import AccountCursor, StrategyRun


def base_timeframe(instrument: Instrument) -> Timeframe:
    """The timeframe on whose bars orders execute: the finest open feed, else the finest stored bars.

    Raises ValidationFailed when the instrument has no bars at all.
    """
    opened = _open_timeframes(instrument_id=instrument.pk)
    known = [Timeframe(t) for (t,) in opened] or [Timeframe(t) for t in market.bar_counts(instrument)]
    if not known:
        text = f"There are no bars of {instrument.symbol}: import some, or connect a feed, before trading it"
        raise ValidationFailed(text, field="symbol", code="no_bars")
    return min(known, key=lambda t: t.seconds)


_open_timeframes: Prepared[tuple[Any, ...]] = Prepared(
    lambda instrument_id: Feed.objects.filter(instrument_id=instrument_id, is_open=True).values_list("timeframe"),
    instrument_id=UUID,
)


def follow(account: Account, instrument: Instrument) -> None:
    """Open the feed on which the account's orders in the instrument execute (inside the account's lock)."""
    if _is_open_for(account, instrument):
        return
    timeframe = base_timeframe(instrument)
    _check_source(account.user_id, [instrument])
    replays.open_feed(instrument, timeframe, owner=str(account.pk))
    is_new = not _is_followed(account, instrument)
    feeds.subscribe("order", account.pk, instrument, timeframe, label=account.name, user_id=account.user_id)
    set_cursor(account, instrument, timeframe, skip_gap=is_new)


def _is_open_for(account: Account, instrument: Instrument) -> bool:
    """The usual case: the account follows the instrument already, on an open feed."""
    return bool(_on_open_feed(instrument_id=instrument.pk, owner_id=str(account.pk)))


_on_open_feed: Prepared[tuple[Any, ...]] = Prepared(
    lambda instrument_id, owner_id: Subscription.objects.filter(
        instrument_id=instrument_id,
        owner_kind="order",
        owner_id=owner_id,
        instrument__feeds__is_open=True,
        instrument__feeds__timeframe=F("timeframe"),
    ).values_list("pk"),
    instrument_id=UUID,
    owner_id=str,
)


def follow_for_strategy(account: Account, strategy: Strategy, *, warmup_bars: int) -> datetime:
    """Open the feeds of a strategy's instruments on one clock; return the market time from which it decides."""
    instruments = list(strategy.instruments.all())
    timeframe = Timeframe(strategy.timeframe)
    first, others = instruments[0], instruments[1:]
    _check_source(account.user_id, instruments)
    replays.open_feed(first, timeframe, warmup_bars=warmup_bars, with_instruments=others, owner=str(account.pk))
    for instrument in instruments:
        feeds.subscribe("strategy", strategy.pk, instrument, timeframe, label=strategy.name, user_id=strategy.user_id)
        base = base_timeframe(instrument)
        for each in {timeframe, base}:
            set_cursor(account, instrument, each, skip_gap=not _is_followed(account, instrument))
    return max(market.market_time(instrument) for instrument in instruments)


def _check_source(user_id: UUID, instruments: list[Instrument]) -> None:
    """A new feed needs a source that the user prefers; one that is open goes on, so exits never ask."""
    closed = [instrument for instrument in instruments if not has_open_feed(instrument)]
    if closed:
        preferred = preferences.current(user_id).market_data.preferred_sources
        for instrument in closed:
            source_for(instrument, preferred)


def unfollow_strategy(strategy: Strategy) -> None:
    """Give back a strategy's feeds (its open positions keep following by themselves)."""
    feeds.unsubscribe("strategy", strategy.pk)


def unfollow_idle(account: Account, instrument: Instrument) -> bool:
    """Give back an account's feed of an instrument when no order works and nothing is held; return whether it was."""
    held = any(p.instrument_id == instrument.pk for p in portfolio.positions_of(account))
    if held or selectors.open_orders(account.pk).filter(instrument=instrument).exists():
        return False
    return bool(feeds.unsubscribe("order", account.pk, row=instrument))


def set_cursor(account: Account, instrument: Instrument, timeframe: Timeframe, *, skip_gap: bool) -> None:
    """Begin (or, where nothing of the account needed the instrument, go on) at the instrument's market time."""
    now = market.market_time(instrument)
    cursor, made = AccountCursor.objects.get_or_create(
        account=account, instrument=instrument, timeframe=timeframe.value, defaults={"close_at": now}
    )
    if not made and skip_gap and cursor.close_at < now and not _strategy_runs(account, instrument):
        AccountCursor.objects.filter(pk=cursor.pk).update(close_at=now)


def _is_followed(account: Account, instrument: Instrument) -> bool:
    followers = instrument.subscriptions.filter(owner_kind="order", owner_id=str(account.pk))
    return followers.exists() or _strategy_runs(account, instrument)


def _strategy_runs(account: Account, instrument: Instrument) -> bool:
    runs = StrategyRun.objects.filter(strategy__account=account, strategy__instruments=instrument)
    return runs.filter(strategy__state__in=("running", "paused")).exists()
