"""Code of others that sleeps, spins, exits or recurses: the caller goes on, and is told in plain words."""

import gc
import os
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from decimal import getcontext

import pytest

from domain.errors import StrategyError
from strategies.bounded import LEFT_BEHIND, within


def spin() -> None:
    while True:
        pass


def spin_and_catch() -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            spin()
        except Exception:  # what a careless author writes
            continue


@pytest.mark.serial
@pytest.mark.parametrize("call", [spin, spin_and_catch, lambda: time.sleep(2)])
def test_code_that_does_not_come_back_is_left_behind(call) -> None:
    began = time.monotonic()

    with pytest.raises(StrategyError, match=r"signals\(\) did not come back within 0.1 seconds") as refused:
        within(0.1, call, what="signals()")

    assert refused.value.code == "too_slow"
    assert time.monotonic() - began < 1.8


def test_code_that_spins_is_stopped_and_eats_no_more_time() -> None:
    with pytest.raises(StrategyError):
        within(0.05, spin, what="signals()")

    assert _ends_soon()


def _ends_soon() -> bool:
    until = time.monotonic() + 3
    while time.monotonic() < until:
        if all(thread.name != LEFT_BEHIND for thread in threading.enumerate()):
            return True
        time.sleep(0.05)
    return False


def leave() -> None:
    sys.exit(3)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", [leave, interrupt])
def test_code_that_wants_to_end_the_program_only_fails_itself(call) -> None:
    with pytest.raises(StrategyError, match="tried to end the program") as refused:
        within(5, call, what="signals()")

    assert refused.value.code == "exit"


def test_results_and_errors_come_through_unchanged() -> None:
    assert within(5, lambda: 42, what="x") == 42
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0, what="x")


def test_the_thread_is_kept_for_the_next_call_and_what_the_code_set_is_not() -> None:
    def coarse() -> int:
        getcontext().prec = 3
        return threading.get_ident()

    first = within(5, coarse, what="x")

    assert within(5, lambda: (threading.get_ident(), getcontext().prec), what="x") == (first, 28)


def test_a_thread_that_was_left_behind_is_never_used_again() -> None:
    seen: list[threading.Thread] = []

    def late() -> None:
        seen.append(threading.current_thread())
        time.sleep(0.3)

    with pytest.raises(StrategyError):
        within(0.05, late, what="signals()")

    for _ in range(20):
        assert within(5, threading.current_thread, what="x") is not seen[0]
        time.sleep(0.02)


def test_callers_at_once_have_a_thread_each_and_only_some_are_kept() -> None:
    meeting = threading.Barrier(12, timeout=5)

    def meet(number: int) -> tuple[int, int]:
        meeting.wait()
        return number, threading.get_ident()

    with ThreadPoolExecutor(12) as pool:
        met = list(pool.map(lambda n: within(10, lambda: meet(n), what="x"), range(12)))

    assert [number for number, _ in met] == list(range(12))
    assert len({thread for _, thread in met}) == 12
    until = time.monotonic() + 3
    while (left := _strategy_threads()) > 8 and time.monotonic() < until:
        time.sleep(0.02)
    assert left <= 8  # the kept ones, and those that other callers put back in the same moment


def _strategy_threads() -> int:
    return sum(thread.name == "strategy code" for thread in threading.enumerate())


def test_nothing_of_a_call_is_held_after_it() -> None:
    class Bars:
        pass

    bars = Bars()
    held = weakref.ref(bars)

    assert within(5, lambda bars=bars: bars is not None, what="x")

    del bars
    until = time.monotonic() + 2
    while held() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    assert held() is None


def test_a_forked_process_makes_threads_of_its_own() -> None:
    within(5, lambda: 1, what="x")

    child = os.fork()
    if child == 0:  # in the child: no exception may leave this block
        try:
            os._exit(0 if within(2, lambda: 42, what="x") == 42 else 1)
        except BaseException:
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
