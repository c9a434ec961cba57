"""The engine is compiled once, in a process of its own that ends with its parent; who waits for it is told."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from backtesting import engine, warming
from backtesting.kernel.play import play
from backtesting.services import preparing, submitting, working
from backtesting.tests.jobs import in_place, request, stored_walk
from backtesting.tests.scene import spec_of
from backtesting.tests.test_kernel_equals_exact import walk
from core.testing import make_user, page_client
from strategies.library.sma_cross import SmaCross, SmaCrossParams

pytestmark = [pytest.mark.both_ways, pytest.mark.timeout(900)]  # the first one may have to compile the kernel
WORDS = "The engine is being prepared"


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that nothing is compiled yet."""
    path = tmp_path / "compiled"
    monkeypatch.setattr(warming, "_mark", lambda: path)
    cache.delete("backtests:preparing")
    cache.delete("pace:backtests:preparing")
    return path


def test_the_first_one_compiles_apart_and_later_ones_load(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, commands = subprocess.Popen, []

    def noted(command: Any, **options: Any) -> Any:
        commands.append(command)
        return real(command, **options)

    monkeypatch.setattr(warming.subprocess, "Popen", noted)

    n_orders = [warming.load.__wrapped__() for _ in range(2)]

    assert commands == [[sys.executable, "-m", "backtesting.warming"]] and mark.exists()
    assert n_orders[0] == n_orders[1] > 2


def test_where_no_process_can_compile_it_the_engine_is_loaded_all_the_same(
    mark: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warming.sys, "executable", "/bin/false")

    assert warming.load.__wrapped__() > 2

    assert mark.exists() and "could not be compiled in a process of its own" in caplog.text


def test_the_process_that_compiles_ends_with_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # empty: it would take minutes

    command = [sys.executable, "-m", "backtesting.warming"]
    root = Path(warming.__file__).parents[1]
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, timeout=60, check=False)

    assert done.returncode == 1


@pytest.mark.django_db
def test_whoever_waits_for_the_first_compilation_is_told_and_nobody_later(mark: Path) -> None:
    stored_walk()
    user = make_user()
    job = submitting.submit_backtest(user, request())
    page = page_client(user)
    address = f"/backtests/{job.pk}/"
    before = page.get(address).content.decode()
    seen = []

    def calculate(function: Any, *args: Any, should_stop: Any) -> Any:
        assert should_stop() is False
        seen.append(page.get(address).content.decode())
        mark.touch()
        cache.delete("backtests:preparing")  # it is said again every second, and is no longer true after four
        assert should_stop() is False
        seen.append(page.get(address).content.decode())
        return 0

    working.warm_up(calculate)

    assert [WORDS in each for each in (before, *seen)] == [False, True, False]
    working.work_all(in_place)
    assert not preparing.is_preparing() and WORDS not in page.get(address).content.decode()


def test_bars_that_may_not_be_written_to_need_no_compilation_of_their_own() -> None:
    """Columns of a data frame are such bars."""
    bars = walk(np.random.default_rng(1), 200, step=86_400, start=0)
    spec = spec_of(SmaCross(), params=SmaCrossParams(fast=2, slow=5))
    before = engine.run(spec, {"AAA": bars})
    n_compiled = len(play.signatures)

    for column in bars.columns:
        column.flags.writeable = False
    again = engine.run(spec, {"AAA": bars})

    assert len(play.signatures) == n_compiled
    assert again.equity.tolist() == before.equity.tolist() and len(again.trades) > 5
