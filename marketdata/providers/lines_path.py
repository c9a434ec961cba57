"""The careful way to read a file: line by line, each bad line told with its reason. Pure."""

import csv
import re
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from domain.bars import BarArrays, Timeframe
from domain.errors import ValidationFailed
from marketdata.providers.layout import Layout, find_layout
from marketdata.providers.table import FileBars, FileOptions, RawBars, crossed, mid_of
from marketdata.providers.times import DateOrder, TimeRefused, Written, prove_order, read_time, to_open

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NOT_FINITE = frozenset({"nan", "inf", "-inf", "+inf", "infinity", "-infinity"})
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?", re.ASCII)
_DELIMITERS = ",;\t|"
MAX_LINE = 100_000


class LineRefused(ValueError):
    """The line holds no bar; the message says why."""


@dataclass(slots=True)
class _Rows:
    lines: list[int] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)  # times of bad lines too: they prove the order of day and month
    numbers: list[list[float]] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)


def read_csv(plain: bytes, options: FileOptions) -> FileBars:
    """Read every line that holds a bar. Raises ValidationFailed when the header does not tell where one is."""
    lines = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    header, delimiter = _header(lines[start])
    header, notes = _completed(header, lines[start + 1 :], delimiter)
    layout = find_layout(header, column_map=options.columns)
    rows = _rows(lines, start + 1, delimiter, layout)
    n_read = len(rows.lines) + len(rows.rejected)
    series = _series(rows, layout, options)
    return FileBars(n_read, series, tuple(sorted(rows.rejected)), notes)


def _header(line: bytes) -> tuple[list[str], str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationFailed(f"The header is not UTF-8 (byte {error.start})", field="file", code="not_text") from None
    delimiter = max(_DELIMITERS, key=text.count)
    return [name.strip().strip('"') for name in text.split(delimiter)], delimiter


def _completed(header: list[str], lines: list[bytes], delimiter: str) -> tuple[list[str], tuple[str, ...]]:
    """Put in a Time column that the header misses, when every row looked at has one after its date."""
    looked_at = [line.decode("utf-8", "replace").split(delimiter) for line in lines[:50] if line.strip()]
    if looked_at and all(len(row) == len(header) + 1 and _CLOCK.fullmatch(row[1].strip()) for row in looked_at):
        return [header[0], "Time", *header[1:]], ("The header misses the column Time after the first one.",)
    return header, ()


def _rows(lines: list[bytes], start: int, delimiter: str, layout: Layout) -> _Rows:
    rows = _Rows()
    columns = layout.numeric
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        try:
            fields = _fields(line, delimiter, layout.n_fields)
            text = fields[layout.time]
            rows.proofs.append(text)
            values = [_number(fields[column]) for column in columns]
        except LineRefused as error:
            rows.rejected.append((number, str(error)))
            continue
        rows.lines.append(number)
        rows.times.append(text if layout.clock is None else f"{text.strip()} {fields[layout.clock].strip()}")
        rows.numbers.append(values)
    return rows


def _fields(line: bytes, delimiter: str, n_fields: int) -> list[str]:
    if len(line) > MAX_LINE:
        raise LineRefused(f"the line has {len(line):,} bytes, more than {MAX_LINE:,}")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineRefused(f"the line is not UTF-8 (byte {error.start})") from None
    if '"' not in text:
        fields = text.split(delimiter)
    else:
        try:
            fields = next(csv.reader([text], delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            raise LineRefused("a quote is not closed") from None
    if len(fields) != n_fields:
        raise LineRefused(f"the line has {len(fields)} fields, the header {n_fields}")
    return fields


def _number(text: str) -> float:
    text = text.strip()
    if _NUMBER.fullmatch(text) or text.lower() in _NOT_FINITE:
        return float(text)
    if not text:
        raise LineRefused("a price or the volume is empty")
    hint = "; write 1234.56 without thousands separators" if "," in text else ""
    raise LineRefused(f"{text[:40]!r} is not a number{hint}")


def _series(rows: _Rows, layout: Layout, options: FileOptions) -> tuple[RawBars, ...]:
    times = _opened(rows, options)
    good = np.array([moment is not None for moment in times], dtype=np.bool_)
    t = np.array([moment for moment in times if moment is not None], dtype=np.int64)
    lines = np.array(rows.lines, dtype=np.int64)[good]
    table = np.array(rows.numbers, dtype=np.float64).reshape(len(rows.lines), len(layout.numeric))[good]
    volume = table[:, -1].copy() if layout.volume is not None else np.zeros(len(t))
    if layout.symbols:
        closes = [np.ascontiguousarray(table[:, place]) for place in range(len(layout.symbols))]
        none = np.zeros(len(t))
        return tuple(
            RawBars(symbol, BarArrays(t, c, c, c, c, none), lines)
            for (symbol, _), c in zip(layout.symbols, closes, strict=True)
        )
    columns = [np.ascontiguousarray(table[:, place]) for place in range(8 if layout.quotes else 4)]
    if not layout.quotes:
        opened, high, low, close = columns
        return (RawBars("", BarArrays(t, opened, high, low, close, volume), lines),)
    bad = crossed(columns)
    rows.rejected.extend((int(line), "the bid is above the ask") for line in lines[bad])
    opened, high, low, close = mid_of(columns, options.price)
    bars = BarArrays(t, opened, high, low, close, volume)
    return (RawBars("", bars.take(~bad), lines[~bad]),)


def _opened(rows: _Rows, options: FileOptions) -> list[int | None]:
    order = DateOrder(options.date_order) if options.date_order else prove_order(rows.proofs)
    timeframe, zone = Timeframe(options.timeframe), ZoneInfo(options.timezone)
    found: list[int | None] = []
    for line, text in zip(rows.lines, rows.times, strict=True):
        try:
            written: Written = read_time(text, order)
            found.append(to_open(written, timeframe=timeframe, zone=zone, is_end=options.is_end))
        except TimeRefused as error:
            rows.rejected.append((line, str(error)))
            found.append(None)
    return found
