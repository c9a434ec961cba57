"""CPU work leaves the process: niced child processes, started when first needed, used again, killed on cancel.

One CPU-bound thread beside the web server makes its answers 20 times slower; a niced child does not.
"""

import multiprocessing
import multiprocessing.process
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

Result = TypeVar("Result")
POLL_SECONDS = 0.2


class ChildStoppedError(Exception):
    """The child was killed before it had a result: canceled, out of memory, or the platform stops."""


class PlatformStopsError(ChildStoppedError):
    """The child was killed because the platform stops: no fault of the work, which goes on at the next start."""


class _Slot:
    """One child process, which does one job at a time."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self.is_shut_down = False

    def submit(self, function: Callable[..., Result], args: tuple[Any, ...]) -> "Future[Result]":
        with self._lock:
            if self._pool is None:
                _allow_children()
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_prepare)
                self.is_shut_down = False
            return self._pool.submit(function, *args)

    def kill(self, *, shuts_down: bool = False) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
            self.is_shut_down = self.is_shut_down or shuts_down
        if pool is None:
            return
        for process in list((pool._processes or {}).values()):  # the pool offers no public way to kill (3.11)
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


N_SLOTS = max(1, (os.cpu_count() or 2) - 1)  # children at a time; one core stays free for everything else
_slots = [_Slot() for _ in range(N_SLOTS)]
_free: "queue.SimpleQueue[_Slot]" = queue.SimpleQueue()
for _slot in _slots:
    _free.put(_slot)


def run(
    function: Callable[..., Result],
    *args: Any,
    should_stop: Callable[[], bool] = lambda: False,
) -> Result:
    """Run a module-level function with picklable arguments in a child, and wait for its result.

    `should_stop` is asked several times a second; when it says yes the child is killed. Raises ChildStoppedError when
    there is no result, and whatever the function raises.
    """
    slot = _wait_for_slot(should_stop)
    try:
        return _wait_for_result(slot, slot.submit(function, args), should_stop)
    finally:
        _free.put(slot)


def shutdown() -> None:
    """Kill every child."""
    for slot in _slots:
        slot.kill(shuts_down=True)


def _wait_for_slot(should_stop: Callable[[], bool]) -> _Slot:
    while True:
        try:
            return _free.get(timeout=POLL_SECONDS)
        except queue.Empty:
            if should_stop():
                raise ChildStoppedError("canceled before it began") from None


def _wait_for_result(slot: _Slot, future: "Future[Result]", should_stop: Callable[[], bool]) -> Result:
    while True:
        try:
            return future.result(POLL_SECONDS)
        except BrokenProcessPool as error:
            slot.kill()
            if slot.is_shut_down:
                raise PlatformStopsError("the platform stops") from error
            raise ChildStoppedError("the calculating process ended without a result") from error
        except FutureTimeoutError:
            if future.done():  # the function itself raised a TimeoutError
                raise
        if should_stop():
            slot.kill()
            raise ChildStoppedError("canceled")


def _allow_children() -> None:
    """Let a prefork process of Celery have children of the standard library's kind.

    It is daemonic, which forbids them lest they outlive it (ours end with their parent by themselves), and its key is
    of billiard's own class, which only billiard can hand on. There is no public way to say so.
    """
    configuration: dict[str, Any] = getattr(multiprocessing.current_process(), "_config", {})
    configuration["daemon"] = False
    if "authkey" in configuration:
        key_of = vars(multiprocessing.process)["AuthenticationString"]  # not in the type stubs
        configuration["authkey"] = key_of(bytes(configuration["authkey"]))


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which decides
    os.nice(10)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
