"""Bars in Parquet files: the only door to them. One folder per instrument and timeframe, one file per period.

A file is written beside the old one and renamed over it, so a reader sees the old or the new file, and a crash leaves
the old one. Writers of one series take turns by a file lock (and the caller by a database lock between machines).
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from core import faults
from domain.bars import BarArrays, BarSource, Ints, Timeframe
from marketdata.store_cache import FileCache, StoredBars

# A file holds as much as can be rewritten in a few milliseconds when a live bar is added.
_PERIOD: dict[Timeframe, str] = {
    Timeframe.M1: "M",
    Timeframe.M5: "Y",
    Timeframe.M15: "Y",
    Timeframe.M30: "Y",
    Timeframe.H1: "Y",
    Timeframe.H4: "Y",
}
_WHOLE = "all"  # daily and weekly bars: one file for the whole history


@dataclass(frozen=True, slots=True)
class Merge:
    """What a write changed. `conflicts` are the rows whose time is stored with other values."""

    added: int
    replaced: int
    unchanged: int
    conflicts: Ints


@dataclass(frozen=True, slots=True)
class Span:
    """The first and last open time (unix seconds) and the number of stored bars."""

    first: int
    last: int
    count: int


class BarStore:
    """Reads and writes bars under `url` (a folder, or an address that pyarrow.fs knows); locks live in `lock_dir`."""

    def __init__(self, url: str, *, lock_dir: Path) -> None:
        if "://" in url:
            self._fs, self._root = pafs.FileSystem.from_uri(url)
        else:
            self._fs, self._root = pafs.LocalFileSystem(), str(Path(url).absolute())
        self._is_local = isinstance(self._fs, pafs.LocalFileSystem)
        self._lock_dir = lock_dir
        self._cache = FileCache()

    def read(
        self, instrument_id: uuid.UUID, timeframe: Timeframe, *, start: int | None = None, end: int | None = None
    ) -> BarArrays:
        """Return the stored bars that open at `start <= t < end` (unix seconds)."""
        names = [name for name in self._names(instrument_id, timeframe) if _overlaps(name, start, end)]
        parts = [self._load(instrument_id, timeframe, name).bars for name in names]
        return BarArrays.join(parts).between(start, end)

    def read_last(
        self, instrument_id: uuid.UUID, timeframe: Timeframe, n: int, *, before: int | None = None
    ) -> BarArrays:
        """Return the last `n` bars that open before `before`; opens no more files than it needs."""
        parts: list[BarArrays] = []
        missing = n
        for name in reversed(self._names(instrument_id, timeframe)):
            if missing <= 0:
                break
            if not _overlaps(name, None, before):
                continue
            part = self._load(instrument_id, timeframe, name).bars.between(None, before).tail(missing)
            missing -= len(part)
            parts.append(part)
        return BarArrays.join(parts[::-1])

    def read_next(self, instrument_id: uuid.UUID, timeframe: Timeframe, n: int, *, start: int | None) -> BarArrays:
        """Return the first `n` bars that open at `start` or later; opens no more files than it needs."""
        parts: list[BarArrays] = []
        missing = n
        for name in self._names(instrument_id, timeframe):
            if missing <= 0:
                break
            if _overlaps(name, start, None):
                part = self._load(instrument_id, timeframe, name).bars.between(start, None).head(missing)
                missing -= len(part)
                parts.append(part)
        return BarArrays.join(parts)

    def sources(self, instrument_id: uuid.UUID, timeframe: Timeframe) -> npt.NDArray[np.str_]:
        """Return where each stored bar came from, oldest first."""
        names = self._names(instrument_id, timeframe)
        parts = [self._load(instrument_id, timeframe, name).source_names() for name in names]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.str_)

    def span(self, instrument_id: uuid.UUID, timeframe: Timeframe) -> Span | None:
        """Return what is stored, None when nothing is."""
        names = self._names(instrument_id, timeframe)
        if not names:
            return None
        loaded = [self._load(instrument_id, timeframe, name).bars for name in names]
        return Span(int(loaded[0].t[0]), int(loaded[-1].t[-1]), sum(len(bars) for bars in loaded))

    def has(self, instrument_id: uuid.UUID, timeframe: Timeframe) -> bool:
        """Tell whether any bars are stored; opens no file."""
        return bool(self._names(instrument_id, timeframe))

    def timeframes(self, instrument_id: uuid.UUID) -> list[Timeframe]:
        """Return the timeframes that have bars, shortest first."""
        return [timeframe for timeframe in Timeframe if self._names(instrument_id, timeframe)]

    def merge(
        self,
        instrument_id: uuid.UUID,
        timeframe: Timeframe,
        bars: BarArrays,
        *,
        source: BarSource,
        replace: bool = False,
    ) -> Merge:
        """Add bars (times strictly rising). A stored bar stays as it is unless `replace`."""
        if len(bars) > 1 and not bool((np.diff(bars.t) > 0).all()):
            raise ValueError("bars to be stored must have rising times")
        results: list[Merge] = []
        with self._lock(instrument_id, timeframe):
            for name, first, last in _partitions(bars.t, timeframe):
                part = self._merge_file(instrument_id, timeframe, name, bars.slice(first, last), source, replace)
                results.append(
                    Merge(part.added, part.replaced, part.unchanged, np.asarray(part.conflicts + first, dtype=np.int64))
                )
        none = np.empty(0, dtype=np.int64)
        return Merge(
            sum(r.added for r in results),
            sum(r.replaced for r in results),
            sum(r.unchanged for r in results),
            np.concatenate([none, *(r.conflicts for r in results)]),
        )

    # -- files ---------------------------------------------------------------------------------------------------

    def _merge_file(
        self,
        instrument_id: uuid.UUID,
        timeframe: Timeframe,
        name: str,
        new: BarArrays,
        source: BarSource,
        replace: bool,
    ) -> Merge:
        path = self._path(instrument_id, timeframe, name)
        exists = self._fs.get_file_info(path).type == pafs.FileType.File
        old = self._load(instrument_id, timeframe, name) if exists else StoredBars.empty()
        merged, result = old.merged(new, source=source, replace=replace)
        if result.added or result.replaced:
            self._write(path, merged)
        return Merge(result.added, result.replaced, result.unchanged, result.conflicts)

    def _write(self, path: str, stored: StoredBars) -> None:
        table = stored.to_table()
        options = {"compression": "zstd", "compression_level": 1, "use_dictionary": ["source"]}
        if not self._is_local:
            pq.write_table(table, path, filesystem=self._fs, **options)  # one PUT: whole or not at all
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex}")
        try:
            pq.write_table(table, beside, **options)
            _fsync(beside)
            faults.point("store.before_rename")
            beside.replace(target)
            _fsync(target.parent)
        finally:
            beside.unlink(missing_ok=True)

    def _load(self, instrument_id: uuid.UUID, timeframe: Timeframe, name: str) -> StoredBars:
        path = self._path(instrument_id, timeframe, name)
        info = self._fs.get_file_info(path)
        return self._cache.get(path, (info.mtime_ns, info.size), lambda: self._parse(path))

    def _parse(self, path: str) -> StoredBars:
        return StoredBars.from_table(pq.read_table(path, filesystem=self._fs, use_threads=False))

    def _names(self, instrument_id: uuid.UUID, timeframe: Timeframe) -> list[str]:
        folder = f"{self._root}/{instrument_id}/{timeframe.value}"
        found = self._fs.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        files = (info.base_name for info in found if info.type == pafs.FileType.File)
        return sorted(
            name.removesuffix(".parquet") for name in files if name.endswith(".parquet") and not name.startswith(".")
        )

    def _path(self, instrument_id: uuid.UUID, timeframe: Timeframe, name: str) -> str:
        return f"{self._root}/{instrument_id}/{timeframe.value}/{name}.parquet"

    @contextmanager
    def _lock(self, instrument_id: uuid.UUID, timeframe: Timeframe) -> Iterator[None]:
        self._lock_dir.mkdir(parents=True, exist_ok=True)
        with (self._lock_dir / f"{instrument_id}-{timeframe.value}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _partitions(t: Ints, timeframe: Timeframe) -> list[tuple[str, int, int]]:
    """Return (file name, first row, end row) of each period in rising times."""
    if len(t) == 0:
        return []
    unit = _PERIOD.get(timeframe)
    if unit is None:
        return [(_WHOLE, 0, len(t))]
    periods = t.astype("datetime64[s]").astype(f"datetime64[{unit}]")
    starts = np.flatnonzero(np.concatenate(([True], periods[1:] != periods[:-1])))
    ends = [*starts[1:].tolist(), len(t)]
    return [(str(periods[first]), int(first), int(end)) for first, end in zip(starts, ends, strict=True)]


def _overlaps(name: str, start: int | None, end: int | None) -> bool:
    if name == _WHOLE:
        return True
    first = np.datetime64(name)
    begins = int(first.astype("datetime64[s]").astype(np.int64))
    ends = int((first + 1).astype("datetime64[s]").astype(np.int64))
    return (end is None or begins < end) and (start is None or ends > start)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
