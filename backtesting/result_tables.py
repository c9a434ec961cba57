"""A result as files: the engine's columns become Parquet, and pages are read from it. Pure.

The same result gives the same bytes. Columns named `..._at` are unix seconds, 0 where something has not happened; words
are written as dictionaries; a missing number is NaN.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtesting.tables import Result, Table
from domain.bars import Floats

TABLES = ("trades", "orders", "fills", "signals")


@dataclass(frozen=True, slots=True)
class ResultTable:
    """One table of a result as it is stored."""

    name: str
    n_rows: int
    data: bytes


def written(name: str, columns: Mapping[str, Any]) -> ResultTable:
    """Return columns (arrays or lists of equal length) as a compressed file."""
    table = pa.table(dict(columns))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=3)
    return ResultTable(name, table.num_rows, sink.getvalue())


def read(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a stored table, or some of its columns."""
    file = pq.ParquetFile(pa.BufferReader(bytes(data)))  # `read_table` would look for data sets first
    return file.read(columns=list(columns) if columns is not None else None, use_threads=False)


def arrays(data: bytes, *names: str) -> dict[str, Any]:
    """Return columns of a stored table as numpy arrays."""
    table = read(data, names or None)
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def rows(data: bytes, *, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return some rows of a stored table, in their order; NaN becomes None."""
    found = read(data).slice(offset, limit).to_pylist()
    return [{name: None if value != value else value for name, value in row.items()} for row in found]


def tables_of(result: Result, *, benchmark: Floats | None = None) -> tuple[ResultTable, ...]:
    """Return every table of one run: equity, trades, orders, fills, signals."""
    return (
        equity_table(result, benchmark=benchmark),
        *(written(name, arrow_columns(getattr(result, name))) for name in TABLES),
    )


def equity_table(result: Result, *, benchmark: Floats | None = None) -> ResultTable:
    """Return equity, cash, exposure (fractions of equity) and the benchmark at every close."""
    nothing = np.full(len(result.t), np.nan)
    columns = {
        "t": np.asarray(result.t, dtype=np.int64),
        "equity": np.asarray(result.equity, dtype=np.float64),
        "cash": np.asarray(result.cash, dtype=np.float64),
        "exposure": share_of(result.exposure, result.equity),
        "benchmark": nothing if benchmark is None else np.asarray(benchmark, dtype=np.float64),
    }
    return written("equity", columns)


def share_of(value: Floats, equity: Floats, *, lost: float = 0.0) -> Floats:
    """Return a value as a fraction of equity; 0 for nothing, ``lost`` where there is a value but no equity left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        none_left = np.where(value == 0, 0.0, lost)
        return np.asarray(np.where(equity > 0, value / equity, none_left), dtype=np.float64)


def held_share(result: Result) -> Floats:
    """Return what a run held by its equity, as figures take it: NaN where it held something with no equity left."""
    return share_of(result.exposure, result.equity, lost=np.nan)


def arrow_columns(table: Table) -> dict[str, Any]:
    """Return an engine's table as Arrow columns; words as dictionaries."""
    return {name: _arrow(table, name) for name in table.names}


def _arrow(table: Table, name: str) -> Any:
    codes, words = table.codes(name), table.words(name)
    if words:
        return _dictionary(codes, words)
    if codes.dtype.kind in "OU":
        return pa.array([str(value) for value in codes.tolist()], type=pa.string()).dictionary_encode()
    return pa.array(codes)


def _dictionary(codes: Any, words: Sequence[str]) -> Any:
    """Return words as a dictionary in the order of their first appearance: however they were kept, the bytes agree."""
    used, first = np.unique(np.asarray(codes, dtype=np.int64), return_index=True)
    new: dict[str, int] = {}
    place = np.zeros(int(used.max()) + 1 if len(used) else 1, dtype=np.int32)
    for row in np.argsort(first, kind="stable").tolist():
        code = int(used[row])
        place[code] = new.setdefault(str(words[code]), len(new))
    indices = pa.array(place[np.asarray(codes, dtype=np.int64)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(new), type=pa.string()))
