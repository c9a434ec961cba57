"""Market clocks: opening feeds by need, playing stored bars, pausing, speed, restart."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
from django.db import transaction

from core.bus import publish
from core.prepared import Prepared, store, update
from domain.bars import BarArrays, Ints, Timeframe
from domain.errors import Conflict, FieldError, NotFound, ValidationFailed
from domain.events import BarsClosed
from marketdata import selectors
from marketdata.calendars import close_times
from marketdata.models import (
    MAX_SPEED,
    MIN_SPEED,
    Feed,
    Instrument,
    PriceMark,
    Replay,
    ReplayState,
    Subscription,
    SubscriptionKind,
)

SHOWN_FOR_AN_ORDER = 250
HOLDING = (SubscriptionKind.STRATEGY, SubscriptionKind.ORDER, SubscriptionKind.POSITION)


def open_feed(
    row: Instrument,
    timeframe: Timeframe | str,
    *,
    warmup_bars: int | None = None,
    with_instruments: Sequence[Instrument] = (),
    owner: str = "",
    start: datetime | None = None,
    speed: float = 1.0,
) -> Feed:
    """Open the feed of an instrument (and of those traded with it) and return it; open already: nothing changes.

    An instrument has one clock. One without joins a clock of the same `owner` whose time lies within its bars, else
    gets a new one that has shown `warmup_bars` bars (None, for a bare order: 250 or half of what there is), or that
    begins at `start`. Raises ValidationFailed when there are no bars to play.
    """
    timeframe = Timeframe(timeframe)
    _check_speed(speed)
    with transaction.atomic():
        wanted = {row.pk: row} | {other.pk: other for other in with_instruments}
        rows = list(Instrument.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))
        clockless = [found for found in rows if found.replay_id is None]
        if clockless:
            _give_clocks(rows, clockless, timeframe, warmup_bars=warmup_bars, owner=owner, start=start, speed=speed)
        feeds = {found.pk: _opened(found, timeframe) for found in rows}
    return feeds[row.pk]


def close_feed(row: Instrument, timeframe: Timeframe | str) -> bool:
    """Close a feed that nobody subscribes to any more; return whether it is closed. Its clock and history stay."""
    timeframe = Timeframe(timeframe)
    with transaction.atomic():
        if Subscription.objects.filter(instrument=row, timeframe=timeframe.value).exists():
            return False
        Feed.objects.filter(instrument=row, timeframe=timeframe.value).update(is_open=False)
    return True


def change_replay(replay: Replay, *, speed: float | None = None, state: str | None = None) -> Replay:
    """Set the speed (bars a second) or pause and resume. Raises ValidationFailed beyond 0.1 to 1000."""
    if speed is not None:
        _check_speed(speed)
    if state not in (None, ReplayState.RUNNING, ReplayState.PAUSED):
        raise ValidationFailed(f"A replay can be running or paused, not {state!r}", field="state", code="invalid")
    with transaction.atomic():
        found = _locked(replay)
        found.speed = found.speed if speed is None else speed
        found.state = found.state if state is None else state
        found.save(update_fields=["speed", "state", "updated_at"])
    return found


def restart_replay(replay: Replay) -> Replay:
    """Take a clock back to where it began. Raises Conflict while a strategy, order or position stands on it."""
    with transaction.atomic():
        found = _locked(replay)
        held = Subscription.objects.filter(instrument__replay=found, owner_kind__in=HOLDING).first()
        if held is not None:
            raise Conflict(
                f"{_article(held.owner_kind)} {held.owner_kind} stands on this replay "
                f"({held.owner_label or held.owner_id}); "
                "market time cannot go back under it",
                code="replay_in_use",
            )
        found.market_time, found.state = found.start_time, ReplayState.RUNNING
        found.restarts += 1
        found.save(update_fields=["market_time", "state", "restarts", "updated_at"])
        for feed in Feed.objects.filter(instrument__replay=found).select_related("instrument"):
            _place(feed, found.market_time)
    return found


def play(replay: Replay, *, steps: int = 1) -> int:
    """Play the next `steps` moments at which bars close, in one transaction; return how many were played.

    Moves clock, cursors and price marks together; publishes one BarsClosed for each moment. At the last bar the
    replay has ended, until more are stored.
    """
    with transaction.atomic():
        found = _locked(replay)
        if found.state != ReplayState.RUNNING:
            return 0
        feeds = list(selectors.feed_instruments(found))
        coming = [_coming(feed, found.market_time, steps) for feed in feeds]
        moments = _moments([closes for _, closes in coming], steps)
        if not moments:
            _end(found, has_feeds=bool(feeds))
            return 0
        _advance(found, feeds, coming, moments)
    return len(moments)


def _advance(replay: Replay, feeds: list[Feed], coming: list[tuple[BarArrays, Ints]], moments: list[int]) -> None:
    items: dict[int, list[tuple[str, str]]] = {moment: [] for moment in moments}
    moved: list[Feed] = []
    for feed, (bars, closes) in zip(feeds, coming, strict=True):
        played = int(np.searchsorted(closes, moments[-1], side="right"))
        for close in closes[:played].tolist():
            items[close].append((str(feed.instrument_id), feed.timeframe))
        if played:
            feed.cursor_at = _moment(int(bars.t[played - 1]))
            moved.append(feed)
            _put_mark(feed, float(bars.c[played - 1]), _moment(int(closes[played - 1])))
    for feed in moved:
        update(feed, ["cursor_at"])
    replay.market_time = _moment(moments[-1])
    update(replay, ["market_time", "updated_at"])
    for moment in moments:
        publish(BarsClosed(at=_moment(moment), items=tuple(sorted(items[moment]))))


def _coming(feed: Feed, now: datetime, steps: int) -> tuple[BarArrays, Ints]:
    after = None if feed.cursor_at is None else int(feed.cursor_at.timestamp())
    bars = selectors.next_bars(feed.instrument, feed.timeframe, steps, after=after)
    closes = close_times(bars.t, Timeframe(feed.timeframe), feed.instrument.calendar)
    passed = int(np.searchsorted(closes, int(now.timestamp()), side="right"))
    if passed:  # imported behind the clock: history by now, never played
        bars, closes = bars.slice(passed, len(bars)), closes[passed:]
        if len(bars) == 0 and passed == steps:
            return _coming(_placed(feed, now), now, steps)
    return bars, closes


def _moments(closes: list[Ints], steps: int) -> list[int]:
    """Return the next times at which bars close, as far as every feed's next bars are known."""
    if not any(len(column) for column in closes):
        return []
    known = min((int(column[-1]) for column in closes if len(column) >= steps), default=None)
    moments = np.unique(np.concatenate(closes))
    return [moment for moment in moments.tolist() if known is None or moment <= known][:steps]


def _end(replay: Replay, *, has_feeds: bool) -> None:
    if has_feeds:
        replay.state = ReplayState.ENDED
        replay.save(update_fields=["state", "updated_at"])


def _give_clocks(
    rows: list[Instrument],
    clockless: list[Instrument],
    timeframe: Timeframe,
    *,
    warmup_bars: int | None,
    owner: str,
    start: datetime | None,
    speed: float,
) -> None:
    closes = {found.pk: _closes(found, timeframe) for found in clockless}
    clocks = [found.replay for found in rows if found.replay is not None]
    if owner:
        clocks += list(Replay.objects.filter(owner=owner).exclude(state=ReplayState.ENDED).order_by("created_at"))
    alone: list[Instrument] = []
    for found in clockless:
        fitting = next((clock for clock in clocks if _lies_within(clock.market_time, closes[found.pk])), None)
        if fitting is None:
            alone.append(found)
        else:
            _tie(found, fitting)
    if alone:
        begin = _begin([closes[found.pk] for found in alone], alone[0], timeframe, warmup_bars, start)
        clock = Replay.objects.create(market_time=begin, start_time=begin, speed=speed, owner=owner[:64])
        for found in alone:
            _tie(found, clock)


def _begin(
    series: list[Ints], first: Instrument, timeframe: Timeframe, warmup_bars: int | None, start: datetime | None
) -> datetime:
    if start is not None:
        return start
    shown = [
        min(SHOWN_FOR_AN_ORDER, len(c) // 2) if warmup_bars is None else min(warmup_bars, len(c) - 1) for c in series
    ]
    if not any(shown):
        opens = selectors.next_bars(first, timeframe, 1, after=None).t
        return _moment(int(opens[0]))
    begin = max(int(closes[n - 1]) for closes, n in zip(series, shown, strict=True) if n)
    return _moment(begin)


def _closes(row: Instrument, timeframe: Timeframe) -> Ints:
    bars = selectors.bar_series(row, timeframe)
    if len(bars) == 0:
        raise ValidationFailed.of(
            (FieldError("symbol", "no_bars", f"There are no {timeframe.value} bars of {row.symbol} to play"),)
        )
    return close_times(bars.t, timeframe, row.calendar)


def _lies_within(moment: datetime, closes: Ints) -> bool:
    return int(closes[0]) <= int(moment.timestamp()) < int(closes[-1])


def _tie(row: Instrument, clock: Replay) -> None:
    row.replay = clock
    row.save(update_fields=["replay", "updated_at"])


def _opened(row: Instrument, timeframe: Timeframe) -> Feed:
    feed, is_new = Feed.objects.get_or_create(instrument=row, timeframe=timeframe.value)
    if not is_new and feed.is_open:
        return feed
    clock = _clock(row)
    feed.is_open = True
    feed.save(update_fields=["is_open", "updated_at"])
    _place(feed, clock.market_time)
    if clock.state == ReplayState.ENDED:
        Replay.objects.filter(pk=clock.pk).update(state=ReplayState.RUNNING)  # the new feed may have bars left
    return feed


def _clock(row: Instrument) -> Replay:
    clock = Replay.objects.filter(instruments=row.pk).first()
    if clock is None:
        raise NotFound(f"{row.symbol} has no market clock", code="no_clock")
    return clock


def _place(feed: Feed, now: datetime) -> None:
    """Put a feed's cursor, and the instrument's mark, at the last bar closed by `now`."""
    _placed(feed, now).save(update_fields=["cursor_at", "updated_at"])
    shown = selectors.bar_series(feed.instrument, feed.timeframe, limit=1, as_of=now)
    if len(shown):
        close_at = selectors.bar_close_at(feed.instrument, feed.timeframe, _moment(int(shown.t[-1])))
        _put_mark(feed, float(shown.c[-1]), close_at, may_go_back=True)


def _placed(feed: Feed, now: datetime) -> Feed:
    shown = selectors.bar_series(feed.instrument, feed.timeframe, limit=1, as_of=now)
    feed.cursor_at = _moment(int(shown.t[-1])) if len(shown) else None
    return feed


def _put_mark(feed: Feed, price: float, at: datetime, *, may_go_back: bool = False) -> None:
    """Write down an instrument's newest price; its clock is locked by the caller."""
    mark = _mark_of.first(pk=feed.instrument_id)
    if mark is None:
        mark = PriceMark(instrument_id=feed.instrument_id)
    elif mark.marked_at > at and not may_go_back:
        return
    mark.price, mark.marked_at = Decimal(repr(price)), at
    mark.timeframe, mark.source = feed.timeframe, feed.provider
    store(mark)


_mark_of: Prepared[PriceMark] = Prepared(lambda pk: PriceMark.objects.select_for_update().filter(pk=pk), pk=UUID)


def _locked(replay: Replay) -> Replay:
    found = _locked_replay.first(pk=replay.pk)
    if found is None:
        raise NotFound("There is no such replay")
    return found


_locked_replay: Prepared[Replay] = Prepared(lambda pk: Replay.objects.select_for_update().filter(pk=pk), pk=UUID)


def _check_speed(speed: float) -> None:
    if not MIN_SPEED <= speed <= MAX_SPEED:
        message = f"Speed {speed} lies outside {MIN_SPEED:g} to {MAX_SPEED:g} bars a second"
        raise ValidationFailed(message, field="speed", code="bound")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def running() -> Iterable[Replay]:
    """Return the clocks that run and have somebody to play for."""
    return Replay.objects.filter(state=ReplayState.RUNNING, instruments__feeds__is_open=True).distinct().order_by("pk")


def _article(word: str) -> str:
    return "An" if word[:1] in "aeiou" else "A"
