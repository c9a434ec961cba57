"""kombu's memory transport, made to block on a condition: the stock one polls (16 tasks/s, 950 ms late)."""

import threading
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import memory, virtual

_changed = threading.Condition()
_state = {"changes": 0, "interrupted": False}


def _notify() -> None:
    with _changed:
        _state["changes"] += 1
        _changed.notify_all()


def _wait_for_change(*, since: int, timeout: float | None) -> None:
    with _changed:
        _changed.wait_for(lambda: _state["changes"] != since, timeout=timeout)


def interrupt() -> None:
    """Make every blocked `drain_events` return now, and later ones not block: the worker is stopping."""
    _state["interrupted"] = True
    _notify()


def reset() -> None:
    """Let consumers block again and forget what is queued (a new worker in the same process)."""
    _state["interrupted"] = False
    for queue in list(Channel.queues.values()):
        with queue.mutex:
            queue.queue.clear()
    _notify()


def queued() -> int:
    """Return how many messages wait in all queues of this process."""
    return sum(queue.qsize() for queue in list(Channel.queues.values()))


class Channel(memory.Channel):
    """A memory channel that wakes waiting consumers whenever something they may wait for has changed.

    Acknowledging, rejecting and a new prefetch size count too: a consumer may be blocked on exactly that.
    """

    queues: dict[str, Any] = {}  # noqa: RUF012 - kombu's memory transport shares queues between connections by class

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        _notify()

    def _put_fanout(self, *args: Any, **kwargs: Any) -> None:
        super()._put_fanout(*args, **kwargs)
        _notify()

    def basic_ack(self, *args: Any, **kwargs: Any) -> None:
        super().basic_ack(*args, **kwargs)
        _notify()

    def basic_reject(self, *args: Any, **kwargs: Any) -> None:
        super().basic_reject(*args, **kwargs)
        _notify()

    def basic_qos(self, *args: Any, **kwargs: Any) -> None:
        super().basic_qos(*args, **kwargs)
        _notify()


class Transport(memory.Transport):
    """The transport behind `inproc://`."""

    Channel = Channel
    global_state = virtual.BrokerState()
    driver_type = driver_name = "inproc"

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Deliver one message; block until there is one, `timeout` seconds have passed, or `interrupt` was called."""
        cycle: Any = self.cycle
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            seen = _state["changes"]
            try:
                return cycle.get(self._deliver, timeout=timeout)
            except Empty:
                left = None if deadline is None else deadline - monotonic()
                if _state["interrupted"] or (left is not None and left <= 0):
                    raise TimeoutError from None
                _wait_for_change(since=seen, timeout=left)
