"""Code of others that sleeps, spins, exits or recurses: the caller goes on, and is told in plain words."""

import sys
import threading
import time

import pytest

from domain.errors import StrategyError
from strategies.bounded import within


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
        if all(thread.name != "strategy code" for thread in threading.enumerate()):
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
