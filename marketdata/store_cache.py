"""The content of one bar file in memory, and a small cache of such files."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.bars import BarArrays, BarSource, Ints

SOURCES: tuple[str, ...] = tuple(source.value for source in BarSource)
_COLUMNS = ("t", "o", "h", "l", "c", "v")
MAX_CACHED_BARS = 3_000_000  # about 150 MB


@dataclass(frozen=True, slots=True)
class FileMerge:
    """What one file's merge changed; `conflicts` are rows of the new bars."""

    added: int
    replaced: int
    unchanged: int
    conflicts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class StoredBars:
    """The bars of one file with the code (index in SOURCES) of where each came from."""

    bars: BarArrays
    source: npt.NDArray[np.int8]

    @classmethod
    def empty(cls) -> "StoredBars":
        """Return a file of no bars."""
        return cls(BarArrays.empty(), np.empty(0, dtype=np.int8))

    def source_names(self) -> npt.NDArray[np.str_]:
        """Return where each bar came from, as words."""
        return np.array(SOURCES)[self.source]

    def merged(self, new: BarArrays, *, source: BarSource, replace: bool) -> tuple["StoredBars", FileMerge]:
        """Return the union; on equal times the stored bar wins unless `replace`."""
        at = np.searchsorted(self.bars.t, new.t)
        known = np.zeros(len(new), dtype=np.bool_)
        inside = at < len(self.bars)
        known[inside] = self.bars.t[at[inside]] == new.t[inside]
        differs = np.zeros(len(new), dtype=np.bool_)
        differs[known] = _rows_differ(self.bars.take(at[known]), new.take(known))
        written = ~known | differs if replace else ~known
        kept = np.ones(len(self.bars), dtype=np.bool_)
        if replace:
            kept[at[differs]] = False
        result = FileMerge(
            added=int((~known).sum()),
            replaced=int(differs.sum()) if replace else 0,
            unchanged=int((known & ~differs).sum()),
            conflicts=np.empty(0, dtype=np.int64) if replace else np.flatnonzero(differs),
        )
        return self._union(kept, new.take(written), source), result

    def _union(self, kept: npt.NDArray[np.bool_], new: BarArrays, source: BarSource) -> "StoredBars":
        both = BarArrays.join([self.bars.take(kept), new])
        codes = np.concatenate((self.source[kept], np.full(len(new), SOURCES.index(source.value), dtype=np.int8)))
        if len(both) > 1 and not bool((np.diff(both.t) > 0).all()):
            order = np.argsort(both.t, kind="stable")
            return StoredBars(both.take(order), codes[order])
        return StoredBars(both, codes)

    def to_table(self) -> pa.Table:
        """Return the columns t, o, h, l, c, v, source as an Arrow table."""
        words = pa.DictionaryArray.from_arrays(pa.array(self.source), pa.array(SOURCES))
        return pa.table([*(pa.array(column) for column in self.bars.columns), words], names=[*_COLUMNS, "source"])

    @classmethod
    def from_table(cls, table: pa.Table) -> "StoredBars":
        """Read what `to_table` wrote."""
        bars = BarArrays(*(table.column(name).to_numpy() for name in _COLUMNS))
        words = table.column("source").combine_chunks().dictionary_encode()
        words = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
        codes = np.array([SOURCES.index(word) for word in words.dictionary.to_pylist()], dtype=np.int8)
        rows = words.indices.to_numpy()
        return cls(bars, codes[rows] if len(codes) else np.empty(0, dtype=np.int8))


def _rows_differ(a: BarArrays, b: BarArrays) -> npt.NDArray[np.bool_]:
    return np.asarray((a.o != b.o) | (a.h != b.h) | (a.l != b.l) | (a.c != b.c) | (a.v != b.v))


class FileCache:
    """Files by path and version (modification time and size); the least recently used go first."""

    def __init__(self, max_bars: int = MAX_CACHED_BARS) -> None:
        self._max_bars = max_bars
        self._n_bars = 0
        self._lock = threading.Lock()
        self._files: OrderedDict[str, tuple[tuple[int | None, int | None], StoredBars]] = OrderedDict()

    def get(self, path: str, version: tuple[int | None, int | None], load: Callable[[], StoredBars]) -> StoredBars:
        """Return the file's bars, loading them when the file has changed."""
        with self._lock:
            found = self._files.get(path)
            if found and found[0] == version:
                self._files.move_to_end(path)
                return found[1]
        loaded = load()
        for column in (*loaded.bars.columns, loaded.source):
            column.flags.writeable = False  # shared between threads
        with self._lock:
            self._put(path, version, loaded)
        return loaded

    def _put(self, path: str, version: tuple[int | None, int | None], loaded: StoredBars) -> None:
        old = self._files.pop(path, None)
        self._n_bars -= len(old[1].bars) if old else 0
        self._files[path] = (version, loaded)
        self._n_bars += len(loaded.bars)
        while self._n_bars > self._max_bars and len(self._files) > 1:
            _, (_, dropped) = self._files.popitem(last=False)
            self._n_bars -= len(dropped.bars)
