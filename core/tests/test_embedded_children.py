"""CPU work in child processes."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from core.embedded import children


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    yield
    children.shutdown()


def test_work_runs_in_another_process_that_yields_to_this_one() -> None:
    assert children.run(os.getpid) != os.getpid()
    assert children.run(os.nice, 0) >= os.nice(0) + 10


def test_a_child_is_used_again() -> None:
    assert children.run(os.getpid) == children.run(os.getpid)


def test_what_the_work_raises_arrives() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        children.run(int, "x")


def test_canceled_work_ends_at_once_and_the_next_one_runs() -> None:
    began = time.monotonic()

    with pytest.raises(children.ChildStoppedError):
        children.run(time.sleep, 60, should_stop=lambda: time.monotonic() - began > 0.3)

    assert time.monotonic() - began < 10
    assert children.run(len, "abc") == 3


def test_a_child_that_dies_is_told_and_replaced() -> None:
    with pytest.raises(children.ChildStoppedError):
        children.run(os._exit, 3)

    assert children.run(len, "abc") == 3


def test_what_ends_because_the_platform_stops_is_told_apart() -> None:
    began = threading.Timer(0.5, children.shutdown)
    began.start()

    with pytest.raises(children.PlatformStopsError):
        children.run(time.sleep, 60)

    assert children.run(len, "abc") == 3
    with pytest.raises(children.ChildStoppedError) as died:
        children.run(os._exit, 3)
    assert not isinstance(died.value, children.PlatformStopsError)
