"""One platform a folder: refused while another runs, not while one that was killed is still being buried."""

import fcntl
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from tradeplatform import instance

GONE = 2**22 + 1  # above the highest process number that Linux gives


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IO[str]:
    monkeypatch.setattr(instance, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(instance, "_held", [])
    handle = (tmp_path / instance.LOCK_NAME).open("a+", encoding="utf-8")
    handle.write(f'{{"pid": {GONE}, "address": "http://localhost:1/"}}')
    handle.flush()
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


@pytest.mark.serial
def test_a_running_platform_is_named_to_the_second_at_once(tmp_path: Path, held: IO[str]) -> None:
    held.truncate(0)
    held.write(f'{{"pid": {os.getpid()}, "address": "http://localhost:1/"}}')
    held.flush()
    began = time.monotonic()

    with pytest.raises(instance.AlreadyRunningError, match=f"process {os.getpid()}, http://localhost:1/"):
        instance.acquire(tmp_path)

    assert not instance.is_held() and time.monotonic() - began < instance.PATIENCE_SECONDS / 2


def test_one_whose_lock_stays_is_refused_in_the_end(tmp_path: Path, held: IO[str]) -> None:
    with pytest.raises(instance.AlreadyRunningError, match=f"process {GONE}, http://localhost:1/"):
        instance.acquire(tmp_path)


def test_a_process_on_its_way_out_lives_no_more() -> None:
    child = subprocess.Popen(["sleep", "60"])
    assert instance._lives(child.pid)

    child.kill()  # nobody has waited for it: it stays as a zombie

    until = time.monotonic() + 5
    while instance._lives(child.pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not instance._lives(child.pid) and child.returncode is None
    child.wait()
    assert not instance._lives(child.pid) and not instance._lives("unknown")


def test_a_start_right_after_a_kill_waits_until_the_lock_is_free(tmp_path: Path, held: IO[str]) -> None:
    threading.Timer(0.3, held.close).start()

    instance.acquire(tmp_path)

    assert instance.is_held()
    instance.release()
