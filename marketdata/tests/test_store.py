"""Bars come back as they were stored; a crash, a second writer or a repeated write spoils nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from domain.bars import BarArrays, BarSource, Timeframe
from marketdata.store import BarStore

YEAR = 31_536_000
INSTRUMENT = uuid.UUID(int=7)


def make_bars(t: list[int] | np.ndarray, price: float = 100.0) -> BarArrays:
    times = np.asarray(t, dtype=np.int64)
    c = price + np.arange(len(times)) * 0.01
    return BarArrays(times, c, c + 1, c - 1, c, np.full(len(times), 10.0))


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    return BarStore(str(tmp_path / "bars"), lock_dir=tmp_path / "locks")


def write(store: BarStore, bars: BarArrays, timeframe: Timeframe = Timeframe.M1, **options):
    return store.merge(INSTRUMENT, timeframe, bars, **{"source": BarSource.IMPORTED, **options})


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_stored_bars_come_back_bit_for_bit(store: BarStore, timeframe: Timeframe) -> None:
    bars = make_bars(np.arange(1_600_000_000, 1_600_000_000 + 2000 * timeframe.seconds, timeframe.seconds), 0.1)

    result = write(store, bars, timeframe)

    assert (result.added, result.unchanged, len(result.conflicts)) == (2000, 0, 0)
    assert store.read(INSTRUMENT, timeframe).is_equal(bars)
    assert set(store.sources(INSTRUMENT, timeframe)) == {"imported"}


def test_a_range_is_read_across_files(store: BarStore) -> None:
    bars = make_bars(np.arange(0, 200 * 86_400, 3600))
    write(store, bars)

    part = store.read(INSTRUMENT, Timeframe.M1, start=40 * 86_400, end=100 * 86_400)

    assert part.is_equal(bars.between(40 * 86_400, 100 * 86_400))
    assert store.read_last(INSTRUMENT, Timeframe.M1, 1500).is_equal(bars.tail(1500))
    assert store.read_last(INSTRUMENT, Timeframe.M1, 3, before=100 * 86_400).t.tolist()[-1] == 100 * 86_400 - 3600


def test_the_same_bars_twice_change_nothing(store: BarStore) -> None:
    bars = make_bars(range(0, 6000, 60))
    write(store, bars)
    before = store.read(INSTRUMENT, Timeframe.M1)

    result = write(store, bars, source=BarSource.LIVE)

    assert (result.added, result.unchanged) == (0, 100)
    assert store.read(INSTRUMENT, Timeframe.M1).is_equal(before)
    assert set(store.sources(INSTRUMENT, Timeframe.M1)) == {"imported"}


def test_a_differing_bar_is_a_conflict_unless_it_may_replace(store: BarStore) -> None:
    write(store, make_bars([0, 60, 120]))
    changed = make_bars([60, 120, 180], 100.01)
    changed.c[1] = 100.5

    refused = write(store, changed)
    assert refused.conflicts.tolist() == [1]
    assert refused.added == 1
    assert store.read(INSTRUMENT, Timeframe.M1).c[2] == 100.02

    replaced = write(store, changed, source=BarSource.CORRECTED, replace=True)
    assert (replaced.added, replaced.replaced) == (0, 1)
    assert store.read(INSTRUMENT, Timeframe.M1).c.tolist() == [100.0, 100.01, 100.5, changed.c[2]]
    assert store.sources(INSTRUMENT, Timeframe.M1).tolist() == ["imported", "imported", "corrected", "imported"]


def test_older_bars_are_put_before_newer_ones(store: BarStore) -> None:
    write(store, make_bars([600, 660]))
    write(store, make_bars([0, 630, 720]))

    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == [0, 600, 630, 660, 720]


def test_times_that_do_not_rise_are_refused(store: BarStore) -> None:
    with pytest.raises(ValueError, match="rising"):
        write(store, make_bars([60, 60]))


def test_span_and_timeframes_tell_what_is_there(store: BarStore) -> None:
    assert store.span(INSTRUMENT, Timeframe.H1) is None
    write(store, make_bars([0, 3600, 2 * YEAR]), Timeframe.H1)

    span = store.span(INSTRUMENT, Timeframe.H1)

    assert span is not None
    assert (span.first, span.last, span.count) == (0, 2 * YEAR, 3)
    assert store.timeframes(INSTRUMENT) == [Timeframe.H1]


def test_another_process_s_write_is_seen(store: BarStore, tmp_path: Path) -> None:
    write(store, make_bars([0]))
    store.read(INSTRUMENT, Timeframe.M1)

    write(BarStore(str(tmp_path / "bars"), lock_dir=tmp_path / "locks"), make_bars([60]))

    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == [0, 60]


def test_a_file_address_works_like_a_folder(tmp_path: Path) -> None:
    store = BarStore(f"file://{tmp_path}/far", lock_dir=tmp_path / "locks")
    write(store, make_bars([0, 60]))

    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == [0, 60]


def _write_many(folder: str, offset: int) -> None:
    store = BarStore(f"{folder}/bars", lock_dir=Path(folder) / "locks")
    for i in range(20):
        write(store, make_bars([offset + i * 120]))


def test_processes_that_write_at_once_lose_nothing(store: BarStore, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(str(tmp_path), offset)) for offset in (0, 60)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == list(range(0, 2400, 60))


def test_a_crash_before_the_rename_leaves_the_old_file(store: BarStore, tmp_path: Path) -> None:
    write(store, make_bars([0, 60]))
    code = (
        "import uuid, numpy as np\nfrom pathlib import Path\n"
        "from domain.bars import *\nfrom marketdata.store import BarStore\n"
        f"s = BarStore({str(tmp_path / 'bars')!r}, lock_dir=Path({str(tmp_path / 'locks')!r}))\n"
        "c = np.array([1.0])\nb = BarArrays(np.array([120]), c, c, c, c, c)\n"
        "s.merge(uuid.UUID(int=7), Timeframe.M1, b, source=BarSource.LIVE)\n"
    )
    environment = {**os.environ, "FAULT_POINT": "store.before_rename"}

    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, cwd=Path(__file__).parents[2])

    assert done.returncode == -signal.SIGKILL
    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == [0, 60]
    write(store, make_bars([120]))
    assert store.read(INSTRUMENT, Timeframe.M1).t.tolist() == [0, 60, 120]
