"""Run code of others for a bounded time: what does not come back in time is left behind, and the caller goes on. Pure.

The code runs in a thread that waits for calls, one at a time (a thread of its own for each call costs six times as
much); callers at once have one each. Every call begins with fresh context variables, so what code of others sets for
itself (the precision of decimals, say) does not reach the next call. Past its time the thread is told to stop (an
exception in its Python code) and is never used again; where it waits inside the system or a library it ends when that
returns, and until then holds nobody. It is no sandbox: only operators install code.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from domain.errors import StrategyError

T = TypeVar("T")
LIVE_SECONDS = 10.0
CHECK_SECONDS = 30.0  # for all questions of the causality check together
LONG_SECONDS = 600.0  # a whole history at once, in a backtest
LEFT_BEHIND = "strategy code, left behind"
_KEPT = 4  # threads that wait for the next call
_TRIES_TO_STOP = 20
_PAUSE_SECONDS = 0.05


class _OutOfTime(BaseException):  # not an Exception: code of others catches those
    """Raised inside the code whose time is up."""


class _Said(NamedTuple):
    """What came of a call."""

    result: Any
    error: BaseException | None


class _Worker:
    """A thread that runs calls, one after another, until it is told None or is left behind."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self.said: SimpleQueue[_Said] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="strategy code", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            while (call := self.calls.get()) is not None:
                self.said.put(_outcome(call))
                del call  # what it holds may be a whole history
        except _OutOfTime:
            return  # told to stop in the moment after its call had ended

    def stop(self) -> None:
        """Tell the thread to stop, some times over (code of others may catch it); leave it behind if it does not."""
        self.thread.name = LEFT_BEHIND
        self.calls.put(None)
        for _ in range(_TRIES_TO_STOP):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread.ident or 0), ctypes.py_object(_OutOfTime)
            )
            self.thread.join(_PAUSE_SECONDS)
            if not self.thread.is_alive():
                return


def _outcome(call: Callable[[], Any]) -> _Said:
    try:
        return _Said(Context().run(call), None)
    except BaseException as error:  # exits and interrupts too: they are the strategy's, not the platform's
        return _Said(None, error)


_waiting: list[_Worker] = []  # its append and pop are atomic
os.register_at_fork(after_in_child=_waiting.clear)  # threads do not cross a fork


def _worker() -> _Worker:
    try:
        return _waiting.pop()
    except IndexError:
        return _Worker()


def within(seconds: float, call: Callable[[], T], *, what: str) -> T:
    """Return what the call returns, or raise what it raises; StrategyError (too_slow, exit) when it does neither."""
    worker = _worker()
    worker.calls.put(call)
    try:
        said = worker.said.get(timeout=seconds)
    except Empty:
        worker.stop()
        raise StrategyError(f"{what} did not come back within {seconds:g} seconds.", code="too_slow") from None
    except BaseException:  # the caller itself is stopped while it waits
        worker.stop()
        raise
    if len(_waiting) < _KEPT:
        _waiting.append(worker)
    else:
        worker.calls.put(None)
    if said.error is None:
        return said.result  # type: ignore[no-any-return]  # the queue carries results of every kind
    if isinstance(said.error, Exception):
        raise said.error
    raise StrategyError(f"{what} tried to end the program ({type(said.error).__name__}).", code="exit")
