"""Importing files of bars: parse, put in order, check, store, and answer for every line."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import IntegrityError

from core.bus import publish
from domain.bar_quality import QualityContext, faults
from domain.bars import BarArrays, BarSource, Timeframe
from domain.errors import Conflict, FieldError, ValidationFailed
from domain.events import BarGapDetected
from domain.instruments import AssetClass
from marketdata import inference, selectors, services
from marketdata.gaps import Gap, find_gaps
from marketdata.models import Instrument
from marketdata.providers.files import read_bars
from marketdata.providers.layout import PriceSide
from marketdata.providers.table import FileBars, FileOptions, RawBars
from marketdata.providers.times import OFF_GRID, DateOrder

MAX_LISTED = 1_000
_NEWEST_FIRST = 0.9  # this share of the steps goes back: the file is read from its end


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What somebody says about a file; what is left out is inferred for a symbol that is not known yet."""

    timeframe: str
    symbol: str = ""
    timezone: str = "UTC"
    price: str = PriceSide.MID.value
    stamp: str = "start"
    date_order: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    replace: bool = False
    venue: str = ""
    asset_class: str = ""
    currency: str = ""
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    calendar: str = ""


@dataclass(slots=True)
class ImportResult:
    """The answer; `rejected` and `gaps` list the first 1,000, the counts are whole."""

    rows_read: int = 0
    rows_stored: int = 0
    rows_replaced: int = 0
    rows_unchanged: int = 0
    symbols: list[str] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the answer in the shape of the API."""
        rejected = sorted(self.rejected)
        return {
            "rows_read": self.rows_read,
            "rows_stored": self.rows_stored,
            "rows_replaced": self.rows_replaced,
            "rows_unchanged": self.rows_unchanged,
            "rejected": [{"line": line, "reason": reason} for line, reason in rejected[:MAX_LISTED]],
            "rejected_count": len(rejected),
            "rejected_not_listed": max(len(rejected) - MAX_LISTED, 0),
            "gaps": [_gap(symbol, gap) for symbol, gap in self.gaps[:MAX_LISTED]],
            "gaps_count": len(self.gaps),
            "symbols": self.symbols,
            "notes": self.notes,
        }


_ENOUGH_STEPS = 20  # so many gaps in a row are no gaps


def import_bars(content: bytes, request: ImportRequest, *, at: datetime) -> ImportResult:
    """Store the good bars of a file and return what happened to every line.

    An unknown symbol becomes an instrument; a file of one column per symbol makes one for each (or takes the one that
    is named). A stored bar that differs is told by line and stays, unless `replace`. Publishes bar.gap_detected.
    Raises ValidationFailed or TooLarge when the file as a whole cannot be taken; then nothing is stored.
    """
    _check(request)
    options = FileOptions(
        timeframe=request.timeframe,
        timezone=request.timezone,
        price=PriceSide(request.price),
        is_end=request.stamp == "end",
        date_order=request.date_order,
        columns=request.columns,
    )
    found = read_bars(content, options)
    result = ImportResult(rows_read=found.rows_read, rejected=list(found.rejected), notes=list(found.notes))
    _check_grid(found, request.timeframe)
    for raw in _chosen(found.series, request):
        _import_series(raw, request, result, at=at)
    return result


def _import_series(raw: RawBars, request: ImportRequest, result: ImportResult, *, at: datetime) -> None:
    timeframe = Timeframe(request.timeframe)
    symbol = (raw.symbol or request.symbol).strip().upper()
    prefix = f"{symbol}: " if raw.symbol else ""
    ordered = _oldest_first(raw, result)
    _check_spacing(ordered.bars, timeframe)
    row = Instrument.objects.filter(symbol=symbol).first()
    context = (
        QualityContext(now=at.timestamp())
        if row is None
        else services.quality_context(row, timeframe, at=at, is_live=False)
    )
    bad = faults(ordered.bars, context)
    result.rejected.extend((int(ordered.lines[i]), prefix + services.REASONS[code]) for i, code in bad)
    good = _without(ordered, [i for i, _ in bad])
    if len(good.bars) == 0:
        return
    if row is None:
        row = _new_instrument(symbol, good.bars, timeframe, request)
    recorded = services.record_bars(row, timeframe, good.bars, BarSource.IMPORTED, at=at, replace=request.replace)
    result.rejected.extend((int(good.lines[i]), prefix + reason) for i, reason in recorded.rejected)
    result.rows_stored += recorded.stored
    result.rows_replaced += recorded.replaced
    result.rows_unchanged += recorded.unchanged
    result.symbols.append(symbol)
    _note_gaps(row, timeframe, good.bars, result, at=at)


def _context(row: Instrument | None, timeframe: Timeframe, *, at: datetime) -> QualityContext:
    if row is None:
        return QualityContext(now=at.timestamp())
    return services.quality_context(row, timeframe, at=at, is_live=False)


def _chosen(series: tuple[RawBars, ...], request: ImportRequest) -> list[RawBars]:
    symbol = request.symbol.strip().upper()
    if not any(raw.symbol for raw in series):
        if not symbol:
            raise ValidationFailed("The file names no symbol; give one", field="symbol", code="required")
        return list(series)
    named = [raw for raw in series if not symbol or raw.symbol == symbol]
    if not named:
        names = ", ".join(raw.symbol for raw in series[:50])
        message = f"The file has one column per symbol ({names}), and none for {symbol}; name one or none for all"
        raise ValidationFailed(message, field="symbol", code="unknown_column")
    return named


def _oldest_first(raw: RawBars, result: ImportResult) -> RawBars:
    steps = np.diff(raw.bars.t)
    if len(steps) == 0 or (steps < 0).mean() < _NEWEST_FIRST:
        return raw
    note = "The file has its newest row first; it was read from the end."
    if note not in result.notes:
        result.notes.append(note)
    return RawBars(raw.symbol, raw.bars.take(np.arange(len(raw.bars))[::-1]), raw.lines[::-1])


def _check_grid(found: FileBars, timeframe: str) -> None:
    """Refuse a file of shorter bars: taking the few that happen to lie on the grid would be wrong."""
    off_grid = sum(OFF_GRID in reason for _, reason in found.rejected)
    if off_grid > found.rows_read / 2:
        message = f"{off_grid} of {found.rows_read} rows do not begin where {timeframe} bars do"
        raise ValidationFailed(message, field="timeframe", code="mismatch")


def _check_spacing(bars: BarArrays, timeframe: Timeframe) -> None:
    steps = np.abs(np.diff(bars.t))
    if len(steps) > 1 and float(np.median(steps)) < timeframe.seconds * 0.9:
        message = f"The rows are {np.median(steps):g} s apart, closer than {timeframe.value} bars can be"
        raise ValidationFailed(message, field="timeframe", code="mismatch")
    if len(steps) >= _ENOUGH_STEPS and int(steps.min()) >= 2 * timeframe.seconds:
        message = f"No two rows are less than {int(steps.min()):,} s apart: these are no {timeframe.value} bars"
        raise ValidationFailed(message, field="timeframe", code="mismatch")


def _new_instrument(symbol: str, bars: BarArrays, timeframe: Timeframe, request: ImportRequest) -> Instrument:
    given = request.asset_class
    asset_class = AssetClass(given) if given else inference.asset_class_of(symbol)
    try:
        return services.create_instrument(
            symbol,
            venue=request.venue or "IMPORT",
            asset_class=asset_class,
            currency=request.currency or inference.currency_of(symbol, asset_class),
            tick_size=request.tick_size or inference.tick_of(bars, asset_class),
            lot_size=request.lot_size or inference.lot_of(asset_class),
            calendar=request.calendar or inference.calendar_of(bars, timeframe, asset_class),
        )
    except (Conflict, IntegrityError):  # another import has just made it
        return selectors.instrument(symbol)


def _note_gaps(row: Instrument, timeframe: Timeframe, bars: BarArrays, result: ImportResult, *, at: datetime) -> None:
    first, last = (datetime.fromtimestamp(int(t), tz=UTC) for t in (bars.t.min(), bars.t.max() + 1))
    stored = selectors.bar_series(row, timeframe, start=first, end=last)
    found = find_gaps(stored.t, timeframe, calendar=row.calendar)
    result.gaps.extend((row.symbol, gap) for gap in found)
    if found:
        missing = sum(gap.missing for gap in found)
        publish(BarGapDetected(at=at, symbol=row.symbol, timeframe=timeframe.value, missing=missing))


def _without(raw: RawBars, rows: list[int]) -> RawBars:
    if not rows:
        return raw
    keep = np.ones(len(raw.bars), dtype=np.bool_)
    keep[rows] = False
    return replace(raw, bars=raw.bars.take(keep), lines=raw.lines[keep])


_CHOICES: dict[str, tuple[str, ...]] = {
    "timeframe": tuple(t.value for t in Timeframe),
    "price": tuple(p.value for p in PriceSide),
    "stamp": ("start", "end"),
    "date_order": ("", *(o.value for o in DateOrder)),
    "asset_class": ("", *(a.value for a in AssetClass)),
}


def _check(request: ImportRequest) -> None:
    errors = [
        FieldError(
            name,
            "invalid_choice",
            f"{name} {getattr(request, name)[:40]!r} is not one of {', '.join(filter(None, choices))}",
        )
        for name, choices in _CHOICES.items()
        if getattr(request, name) not in choices
    ]
    try:
        ZoneInfo(request.timezone)
    except (KeyError, ValueError, OSError):
        errors.append(FieldError("timezone", "unknown", f"There is no time zone {request.timezone[:40]!r}"))
    if errors:
        raise ValidationFailed.of(tuple(errors))


def _gap(symbol: str, gap: Gap) -> dict[str, Any]:
    first, last = (f"{datetime.fromtimestamp(t, tz=UTC):%Y-%m-%dT%H:%M:%SZ}" for t in (gap.first, gap.last))
    return {"symbol": symbol, "from": first, "to": last, "missing": gap.missing}
