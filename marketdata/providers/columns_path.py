"""The fast way to read a clean file: whole columns by Arrow. A file that Arrow does not take as it stands goes line
by line instead (lines_path), so nothing here guesses. Pure."""

import io
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from domain.bars import BarArrays, Floats, Ints, Timeframe
from domain.errors import TooLarge, ValidationFailed
from marketdata.providers.layout import Layout, find_layout
from marketdata.providers.table import FileBars, FileOptions, RawBars, crossed, mid_of
from marketdata.providers.times import GRID_SECONDS

MAX_ROWS = 10_000_000
CROSSED = "the bid is above the ask"


class NotClean(Exception):
    """The file needs to be read line by line."""


def read_csv(plain: bytes, options: FileOptions) -> FileBars:
    """Read a clean CSV. Raises NotClean for any other, ValidationFailed for a header without bars."""
    head, newline, body = plain.partition(b"\n")
    if b'"' in body or not newline or not body or body.isspace() or b"\n\n" in body or b"\n\r\n" in body:
        raise NotClean
    header = _header(head)
    layout = find_layout(header, column_map=options.columns)
    names = [str(column) for column in range(len(header))]
    types = {names[column]: pa.float64() for column in layout.numeric}
    try:
        table = pacsv.read_csv(
            io.BytesIO(body),
            read_options=pacsv.ReadOptions(column_names=names, use_threads=True),
            convert_options=pacsv.ConvertOptions(
                column_types=types, include_columns=[names[layout.time], *types], null_values=[], check_utf8=True
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        raise NotClean from None
    if layout.clock is not None:
        raise NotClean
    return _bars(table, layout, names, options, first_line=2)


def read_parquet(plain: bytes, options: FileOptions) -> FileBars:
    """Read a Parquet file; `line` is the number of the row. Raises ValidationFailed when it is damaged."""
    try:
        file = pq.ParquetFile(pa.BufferReader(plain))
        if file.metadata.num_rows > MAX_ROWS:
            raise TooLarge(f"The file has {file.metadata.num_rows:,} rows, more than {MAX_ROWS:,}.", field="file")
        header = file.schema_arrow.names
        layout = find_layout(header, column_map=options.columns)
        names = [header[column] for column in sorted({layout.time, *layout.numeric})]
        table = file.read(columns=names)
        for column in layout.numeric:
            place = table.column_names.index(header[column])
            filled = pc.fill_null(pc.cast(table.column(place), pa.float64(), safe=False), np.nan)
            table = table.set_column(place, header[column], filled)
        return _bars(table, layout, header, options, first_line=1)
    except NotClean:
        message = "The time column of the Parquet file is neither timestamp, date nor ISO text"
        raise ValidationFailed(message, field="file", code="bad_time") from None
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise ValidationFailed(f"The Parquet file cannot be read: {error}", field="file", code="damaged") from None


def _bars(table: pa.Table, layout: Layout, names: list[str], options: FileOptions, *, first_line: int) -> FileBars:
    if table.num_rows > MAX_ROWS:
        raise TooLarge(f"The file has {table.num_rows:,} rows, more than {MAX_ROWS:,}.", field="file")
    opened = _opened(table.column(names[layout.time]), options)
    lines = np.arange(first_line, first_line + len(opened), dtype=np.int64)
    volume = np.zeros(len(opened)) if layout.volume is None else _column(table, names[layout.volume])
    rejected: list[tuple[int, str]] = []
    if layout.quotes:
        quotes = [_column(table, names[place]) for place in layout.quotes]
        bad = crossed(quotes)
        rejected = [(int(line), CROSSED) for line in lines[bad]]
        keep = ~bad
        prices = [column[keep] for column in mid_of(quotes, options.price)]
        opened, lines, volume = opened[keep], lines[keep], volume[keep]
    elif layout.ohlc:
        prices = [_column(table, names[place]) for place in layout.ohlc]
    else:
        series = tuple(_closes(symbol, _column(table, names[place]), opened, lines) for symbol, place in layout.symbols)
        return FileBars(len(opened), series)
    first, high, low, close = prices
    bars = BarArrays(opened, first, high, low, close, volume)
    return FileBars(table.num_rows, (RawBars("", bars, lines),), tuple(rejected))


def _closes(symbol: str, close: Floats, opened: Ints, lines: Ints) -> RawBars:
    return RawBars(symbol, BarArrays(opened, close, close, close, close, np.zeros(len(close))), lines)


def _column(table: pa.Table, name: str) -> Floats:
    column: Floats = table.column(name).to_numpy()
    return column


def _opened(column: pa.ChunkedArray, options: FileOptions) -> Ints:
    timeframe = Timeframe(options.timeframe)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _parsed(column)
    has_clock = pa.types.is_timestamp(column.type)
    if not (has_clock or pa.types.is_date(column.type)) or column.null_count:
        raise NotClean
    if not timeframe.is_intraday:
        return _days(column)
    if not has_clock:
        raise NotClean
    if column.type.tz is None:
        column = _localized(column, options.timezone)
    micros = pc.cast(column, pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    if (micros % (min(timeframe.seconds, GRID_SECONDS) * 1_000_000)).any():
        raise NotClean
    opened: Ints = micros // 1_000_000
    return opened - timeframe.seconds if options.is_end else opened


def _parsed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for kind in (pa.timestamp("us"), pa.timestamp("us", tz="UTC"), pa.date32()):
        try:
            return pc.cast(column, kind)
        except pa.ArrowInvalid:
            continue
    raise NotClean


def _days(column: pa.ChunkedArray) -> Ints:
    if pa.types.is_timestamp(column.type) and column.type.tz not in (None, "UTC"):
        raise NotClean  # Arrow has forgotten the date as it was written
    days: Ints = pc.cast(pc.cast(column, pa.date32()), pa.int32()).to_numpy().astype(np.int64)
    return days * 86_400


def _localized(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    if zone == "UTC":
        return pc.assume_timezone(column, "UTC")
    naive = pd.Series(column.to_numpy().astype("datetime64[us]"))
    local = naive.dt.tz_localize(ZoneInfo(zone), ambiguous=np.ones(len(naive), dtype=np.bool_), nonexistent="NaT")
    if local.isna().any():
        raise NotClean
    return pa.chunked_array([pa.array(local)])


def _header(head: bytes) -> list[str]:
    try:
        text = head.decode("utf-8").strip("\r")
    except UnicodeDecodeError:
        raise NotClean from None
    if "," not in text:
        raise NotClean
    names = text.split(",")
    return [name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name for name in names]
