"""Writes of market data: bars, instruments, and who needs which feed. Clocks and feeds are in replay_services."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
from django.db import connection, transaction

from core.bus import publish
from domain.bar_quality import REASONS, QualityContext, faults
from domain.bars import BarArrays, BarSource, Timeframe
from domain.errors import Conflict, FieldError, ValidationFailed
from domain.events import FeedRecovered
from domain.instruments import AssetClass
from marketdata import selectors
from marketdata.bar_files import bar_store
from marketdata.calendars import is_known
from marketdata.models import Feed, Instrument, Replay, ReplayState, Subscription

LARGEST_STEP = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record_bars` did: counts of bars, and (row, reason) of each that it refused."""

    stored: int
    replaced: int
    unchanged: int
    rejected: tuple[tuple[int, str], ...]


def create_instrument(
    symbol: str,
    *,
    venue: str,
    asset_class: AssetClass,
    currency: str,
    tick_size: Decimal,
    lot_size: Decimal,
    calendar: str,
    name: str = "",
    sector: str = "",
) -> Instrument:
    """Add an instrument. Raises ValidationFailed for a bad step or calendar, Conflict when the symbol is taken."""
    errors = [
        FieldError(field, "bound", f"{field} {value} must lie above 0 and be at most {LARGEST_STEP}")
        for field, value in (("tick_size", tick_size), ("lot_size", lot_size))
        if not value.is_finite() or not 0 < value <= LARGEST_STEP
    ]
    if not is_known(calendar):
        errors.append(FieldError("calendar", "unknown", f"There is no calendar {calendar!r}"))
    if errors:
        raise ValidationFailed.of(tuple(errors))
    row, is_new = Instrument.objects.get_or_create(
        symbol=symbol.upper(),
        defaults={
            "venue": venue,
            "asset_class": asset_class.value,
            "currency": currency,
            "tick_size": tick_size,
            "lot_size": lot_size,
            "calendar": calendar,
            "name": name,
            "sector": sector,
        },
    )
    if not is_new:
        raise Conflict(f"There is already an instrument {symbol.upper()}", field="symbol", code="taken")
    return row


def record_bars(
    row: Instrument,
    timeframe: Timeframe | str,
    bars: BarArrays,
    source: BarSource,
    *,
    at: datetime,
    replace: bool = False,
) -> Recorded:
    """Check bars and store the good ones; a stored bar stays unless `replace`. Wakes a replay that waits for more.

    A live feed that delivers a bad bar is marked degraded until a good one comes. Publishes feed.recovered.
    """
    timeframe = Timeframe(timeframe)
    with series_turn(row):
        context = quality_context(row, timeframe, at=at, is_live=source is BarSource.LIVE)
        bad = dict(faults(bars, context))
        good_rows = [i for i in range(len(bars)) if i not in bad] if bad else None
        good = bars if good_rows is None else bars.take(np.array(good_rows, dtype=np.int64))
        merge = bar_store().merge(row.pk, timeframe, good, source=source, replace=replace)
    rejected = [(i, REASONS[code]) for i, code in bad.items()]
    for conflict in merge.conflicts.tolist():
        at_row = conflict if good_rows is None else good_rows[conflict]
        rejected.append((at_row, "a different bar is stored for this time"))
    if source is BarSource.LIVE:
        _note_health(row, timeframe, fault=REASONS[next(iter(bad.values()))] if bad else "", at=at)
    if merge.added:
        wake_replays(row)
    return Recorded(merge.added, merge.replaced, merge.unchanged, tuple(sorted(rejected)))


def quality_context(row: Instrument, timeframe: Timeframe, *, at: datetime, is_live: bool) -> QualityContext:
    """Return what the quality checks must know about this instrument."""
    spec = selectors.spec(row)
    last = selectors.bar_series(row, timeframe, limit=1) if is_live else BarArrays.empty()
    return QualityContext(
        now=at.timestamp(),
        tick=float(spec.tick_size),
        step=float(spec.bar_step),
        last_t=int(last.t[-1]) if len(last) else None,
        last_close=float(last.c[-1]) if len(last) else None,
    )


def subscribe(
    owner_kind: str,
    owner_id: UUID | str,
    row: Instrument,
    timeframe: Timeframe | str,
    *,
    label: str = "",
    user_id: UUID | None = None,
) -> Subscription:
    """Write down that an owner needs these bars (again: nothing changes). Opens no feed."""
    found, _ = Subscription.objects.update_or_create(
        owner_kind=owner_kind,
        owner_id=str(owner_id),
        instrument=row,
        timeframe=Timeframe(timeframe).value,
        defaults={"owner_label": label[:120], "user_id": user_id},
    )
    return found


def unsubscribe(
    owner_kind: str,
    owner_id: UUID | str,
    *,
    row: Instrument | None = None,
    timeframe: Timeframe | str | None = None,
) -> int:
    """Take back what `subscribe` wrote, all of an owner's or one instrument's; return how many rows went."""
    found = Subscription.objects.filter(owner_kind=owner_kind, owner_id=str(owner_id))
    if row is not None:
        found = found.filter(instrument=row)
    if timeframe is not None:
        found = found.filter(timeframe=Timeframe(timeframe).value)
    return found.delete()[0]


def wake_replays(row: Instrument) -> None:
    """Let a replay that had come to the end go on with the bars that were added."""
    Replay.objects.filter(instruments=row.pk, state=ReplayState.ENDED).update(state=ReplayState.RUNNING)


@contextmanager
def series_turn(row: Instrument) -> Iterator[None]:
    """Let writers of one instrument's bars take turns, also between machines that share a database."""
    if not connection.features.has_select_for_update:
        yield  # one machine: the store's file lock does it, and the database stays free for others
        return
    with transaction.atomic():
        Instrument.objects.select_for_update(no_key=True).get(pk=row.pk)
        yield


def _note_health(row: Instrument, timeframe: Timeframe, *, fault: str, at: datetime) -> None:
    feeds = Feed.objects.filter(instrument=row, timeframe=timeframe.value)
    if fault:
        feeds.update(fault=fault[:200])
    elif feeds.exclude(fault="").update(fault=""):
        publish(FeedRecovered(at=at, symbol=row.symbol, timeframe=timeframe.value))
