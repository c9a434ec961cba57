"""Run code of others for a bounded time: what does not come back in time is left behind, and the caller goes on. Pure.

The code runs in a thread of its own. Past its time the thread is told to stop (an exception in its Python code); where
it waits inside the system or a library it ends when that returns, and until then holds nobody. It is no sandbox: only
operators install code.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from domain.errors import StrategyError

T = TypeVar("T")
LIVE_SECONDS = 10.0
CHECK_SECONDS = 30.0  # for all questions of the causality check together
LONG_SECONDS = 600.0  # a whole history at once, in a backtest
_TRIES_TO_STOP = 20
_PAUSE_SECONDS = 0.05


class _OutOfTime(BaseException):  # not an Exception: code of others catches those
    """Raised inside the code whose time is up."""


class _Call(Generic[T]):
    """One call in its thread, and what came of it."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.results: list[T] = []
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="strategy code", daemon=True)

    def _run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # exits and interrupts too: they are the strategy's, not the platform's
            self.error = error

    def stop(self) -> None:
        """Tell the thread to stop, some times over (code of others may catch it); leave it behind if it does not."""
        for _ in range(_TRIES_TO_STOP):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread.ident or 0), ctypes.py_object(_OutOfTime)
            )
            self.thread.join(_PAUSE_SECONDS)
            if not self.thread.is_alive():
                return


def within(seconds: float, call: Callable[[], T], *, what: str) -> T:
    """Return what the call returns, or raise what it raises; StrategyError (too_slow, exit) when it does neither."""
    running = _Call(call)
    running.thread.start()
    running.thread.join(seconds)
    if running.thread.is_alive():
        running.stop()
        raise StrategyError(f"{what} did not come back within {seconds:g} seconds.", code="too_slow")
    if running.results:
        return running.results[0]
    if isinstance(running.error, Exception):
        raise running.error
    raise StrategyError(f"{what} tried to end the program ({type(running.error).__name__}).", code="exit")
