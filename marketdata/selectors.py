"""Reads of market data: instruments, bars as arrays, market time and the newest price."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q, QuerySet
from django.utils import timezone

from domain.bars import Bar, BarArrays, Timeframe
from domain.errors import NotFound
from domain.instruments import AssetClass, InstrumentSpec
from marketdata.adjustments import Split, adjusted
from marketdata.aggregation import aggregate, bucket_starts, can_aggregate
from marketdata.bar_files import bar_store
from marketdata.calendars import Hours, close_times, hours, sessions
from marketdata.models import ActionKind, CorporateAction, Feed, Instrument, PriceMark, Replay, Subscription

STALE_AFTER_BARS = 5  # a daily feed may rest over a long weekend

_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest price of an instrument: `age_seconds` in its market time, `stale` when nobody should trade on it."""

    price: Decimal
    at: datetime
    age_seconds: float
    stale: bool
    source: str


def instrument(symbol: str) -> Instrument:
    """Return the instrument with this symbol (any case). Raises NotFound."""
    found = Instrument.objects.filter(symbol=symbol.strip().upper()).first()
    if found is None:
        raise NotFound(f"There is no instrument {symbol[:32]!r}", field="symbol", code="unknown_symbol")
    return found


def instruments(search: str = "") -> QuerySet[Instrument]:
    """Return the instruments whose symbol or name contains `search`."""
    found = Instrument.objects.order_by("symbol")
    return found.filter(Q(symbol__icontains=search) | Q(name__icontains=search)) if search else found


def spec(row: Instrument) -> InstrumentSpec:
    """Return the instrument as pure code sees it."""
    return InstrumentSpec(
        id=row.pk,
        symbol=row.symbol,
        venue=row.venue,
        asset_class=AssetClass(row.asset_class),
        currency=row.currency,
        tick_size=row.tick_size,
        lot_size=row.lot_size,
        sector=row.sector,
        calendar=row.calendar,
    )


def bar_series(
    row: Instrument,
    timeframe: Timeframe | str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    as_of: datetime | None = None,
) -> BarArrays:
    """Return bars that open at `start <= t < end`, oldest first: the newest `limit`, or the first ones after `start`.

    Prices are on today's scale: splits that were recorded are taken out of what lies before them.
    `as_of` hides every bar that had not closed by then. A timeframe without bars of its own is made of the nearest
    lower one that has some.
    """
    timeframe = Timeframe(timeframe)
    first, last = _seconds(start), _seconds(end)
    if as_of is not None:
        first_hidden = _first_unclosed(row, timeframe, as_of)
        last = first_hidden if last is None else min(last, first_hidden)
    stored = bar_store()
    if limit is not None and first is None and stored.has(row.pk, timeframe):
        return _adjusted(row, stored.read_last(row.pk, timeframe, limit, before=last))
    bars = _whole(row, timeframe, start=first, end=last)
    if limit is None:
        return bars
    return bars.tail(limit) if first is None else bars.head(limit)


def closed_bars(row: Instrument, timeframe: Timeframe | str, *, after: datetime | None, until: datetime) -> BarArrays:
    """Return the bars whose CLOSE lies in `after < close <= until`, oldest first."""
    timeframe = Timeframe(timeframe)
    start = None if after is None else _first_unclosed(row, timeframe, after)
    return _whole(row, timeframe, start=start, end=_first_unclosed(row, timeframe, until))


def next_bars(row: Instrument, timeframe: Timeframe | str, n: int, *, after: int | None) -> BarArrays:
    """Return the first `n` bars that open after `after` (unix seconds; None: from the first), or fewer at the end."""
    timeframe = Timeframe(timeframe)
    start = None if after is None else after + 1
    if timeframe in bar_store().timeframes(row.pk):
        return _adjusted(row, bar_store().read_next(row.pk, timeframe, n, start=start))
    window = (n + 10) * timeframe.seconds + _WEEK  # aggregated: look ahead a little first, it is made anew each time
    near = BarArrays.empty() if start is None else _whole(row, timeframe, start=start, end=start + window)
    return near.head(n) if len(near) >= n else _whole(row, timeframe, start=start, end=None).head(n)


def bar_close_at(row: Instrument, timeframe: Timeframe | str, open_at: datetime) -> datetime:
    """Return when the bar that opened at `open_at` closed: the session's close for daily bars, else plus timeframe."""
    closes = close_times(np.array([int(open_at.timestamp())], dtype=np.int64), Timeframe(timeframe), row.calendar)
    return _moment(int(closes[0]))


def bars(row: Instrument, timeframe: Timeframe | str, arrays: BarArrays) -> list[Bar]:
    """Return arrays as Decimal bars; each price is exactly the shortest decimal of its float."""
    closes = close_times(arrays.t, Timeframe(timeframe), row.calendar).tolist()
    columns = [column.tolist() for column in arrays.columns]
    return [
        Bar(_moment(t), _moment(close), *(Decimal(repr(value)) for value in values))
        for close, (t, *values) in zip(closes, zip(*columns, strict=True), strict=True)
    ]


def bar_counts(row: Instrument) -> dict[str, int]:
    """Return how many bars are stored for each timeframe that has some."""
    spans = {timeframe: bar_store().span(row.pk, timeframe) for timeframe in bar_store().timeframes(row.pk)}
    return {timeframe.value: span.count for timeframe, span in spans.items() if span}


def market_time(row: Instrument) -> datetime:
    """Return the instrument's now: its replay's clock, else the wall clock."""
    clock = Replay.objects.filter(instruments=row.pk).values_list("market_time", flat=True).first()
    return clock or timezone.now()


def splits_of(row: Instrument) -> tuple[Split, ...]:
    """Return the splits of an instrument, oldest first."""
    found = corporate_actions(row).filter(kind=ActionKind.SPLIT).values_list("ex_date", "value")
    return tuple(Split(_midnight(ex_date), float(value)) for ex_date, value in found)


def dividends_of(row: Instrument) -> tuple[tuple[int, Decimal], ...]:
    """Return (00:00Z of the ex-date in unix seconds, cash a share of today) of an instrument's dividends."""
    found = corporate_actions(row).filter(kind=ActionKind.DIVIDEND).values_list("ex_date", "value")
    splits = corporate_actions(row).filter(kind=ActionKind.SPLIT).values_list("ex_date", "value")
    return tuple(
        (_midnight(day), value / math.prod((ratio for split_day, ratio in splits if split_day > day), start=Decimal(1)))
        for day, value in found
    )


def corporate_actions(row: Instrument) -> QuerySet[CorporateAction]:
    """Return the splits and dividends of an instrument, oldest first."""
    return CorporateAction.objects.filter(instrument=row).order_by("ex_date", "kind")


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def visible_until(row: Instrument) -> datetime | None:
    """Return the market time that hides later bars; None when no clock plays the instrument."""
    return Replay.objects.filter(instruments=row.pk).values_list("market_time", flat=True).first()


def mark(row: Instrument) -> Mark:
    """Return the newest price at the instrument's market time. Raises NotFound when it has none."""
    found = PriceMark.objects.filter(pk=row.pk).first()
    now = market_time(row)
    if found is not None:
        return _mark(found.price, found.marked_at, Timeframe(found.timeframe), found.source, now)
    newest: tuple[datetime, float, Timeframe] | None = None
    for timeframe in bar_store().timeframes(row.pk):
        last = bar_series(row, timeframe, limit=1, as_of=now)
        if len(last) and (newest is None or _close(row, timeframe, last) > newest[0]):
            newest = (_close(row, timeframe, last), float(last.c[-1]), timeframe)
    if newest is None:
        raise NotFound(f"{row.symbol} has no price yet", field="symbol", code="no_price")
    return _mark(Decimal(repr(newest[1])), newest[0], newest[2], "bars", now)


def market_hours(row: Instrument, at: datetime) -> Hours:
    """Return the hours in which the moment just before ``at`` lies; regular where only daily prices are known."""
    known = PriceMark.objects.filter(pk=row.pk).values_list("timeframe", flat=True).first()
    return hours(int(at.timestamp()) - 1, Timeframe(known or Timeframe.D1), row.calendar)


def feed_instruments(replay: Replay) -> QuerySet[Feed]:
    """Return the open feeds that a clock plays."""
    return Feed.objects.filter(instrument__replay=replay, is_open=True).select_related("instrument")


def subscriptions(*, user_id: UUID | None = None) -> QuerySet[Subscription]:
    """Return who needs which bars: everybody's, or one user's and the platform's own."""
    found = Subscription.objects.select_related("instrument").order_by("created_at", "pk")
    return found if user_id is None else found.filter(Q(user_id=user_id) | Q(user_id=None))


def _whole(row: Instrument, timeframe: Timeframe, *, start: int | None, end: int | None) -> BarArrays:
    stored = bar_store()
    available = stored.timeframes(row.pk)
    if timeframe in available:
        return _adjusted(row, stored.read(row.pk, timeframe, start=start, end=end))
    lower = [candidate for candidate in available if can_aggregate(candidate, timeframe)]
    if not lower:
        return BarArrays.empty()
    return _aggregated(row, lower[-1], timeframe, start=start, end=end)


def _adjusted(row: Instrument, bars: BarArrays) -> BarArrays:
    return adjusted(bars, splits_of(row)) if row.has_splits else bars


def _aggregated(
    row: Instrument, source: Timeframe, timeframe: Timeframe, *, start: int | None, end: int | None
) -> BarArrays:
    margin = max(timeframe.seconds, 86_400)
    lower = bar_store().read(
        row.pk, source, start=None if start is None else start - margin, end=None if end is None else end + margin
    )
    made = aggregate(_adjusted(row, lower), source, timeframe, calendar=row.calendar)
    if len(made) and not _is_complete(row, source, timeframe, int(lower.t[-1]), int(made.t[-1])):
        made = made.head(len(made) - 1)
    return made.between(start, end)


def _is_complete(row: Instrument, source: Timeframe, timeframe: Timeframe, last_lower: int, opened: int) -> bool:
    """Tell whether the last aggregated bar has all its time behind it: its successor would open another one."""
    next_t = np.array([last_lower + source.seconds], dtype=np.int64)
    if timeframe is Timeframe.D1 and sessions(row.calendar) is not None:
        return bool(next_t[0] >= close_times(np.array([opened], dtype=np.int64), timeframe, row.calendar)[0])
    return bool(bucket_starts(next_t, source, timeframe, calendar=row.calendar)[0] != opened)


def _first_unclosed(row: Instrument, timeframe: Timeframe, moment: datetime) -> int:
    """Return the smallest open time whose bar closes after `moment` (bars may open at any second)."""
    at = int(np.floor(moment.timestamp()))
    guess = at - timeframe.seconds + 1
    if timeframe is not Timeframe.D1 or sessions(row.calendar) is None:
        return guess
    days = np.arange(at // 86_400 - 3, at // 86_400 + 3, dtype=np.int64) * 86_400
    closes = close_times(days, timeframe, row.calendar)
    return int(days[np.searchsorted(closes, at, side="right")])


def _mark(price: Decimal, at: datetime, timeframe: Timeframe, source: str, now: datetime) -> Mark:
    age = max((now - at) / timedelta(seconds=1), 0.0)
    return Mark(price, at, age, age > STALE_AFTER_BARS * timeframe.seconds, source)


def _close(row: Instrument, timeframe: Timeframe, last: BarArrays) -> datetime:
    return bar_close_at(row, timeframe, _moment(int(last.t[-1])))


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(np.ceil(moment.timestamp()))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def replays() -> QuerySet[Replay]:
    """Return every market clock, newest first."""
    return Replay.objects.prefetch_related("instruments__feeds").order_by("-created_at", "pk")


def as_columns(arrays: BarArrays) -> dict[str, list[Any]]:
    """Return bars as JSON columns t, o, h, l, c, v."""
    return dict(zip(("t", "o", "h", "l", "c", "v"), (column.tolist() for column in arrays.columns), strict=True))
