"""Work that everybody else waits for: cancels of a kill switch before new orders.

Where one process shares SQLite among its threads, writers take turns; while somebody does urgent work, turns are his
alone (for a few seconds at most). On a database server, whoever is about to decide a new order stands back likewise.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 10.0
"""How long writers that are not urgent stand back; then they go on, whatever the urgent one does."""

_mine = threading.local()


class Overtaken(Exception):
    """Urgent work was begun since a guarded block looked: what it knew may not hold any more."""


class Turns:
    """One holder at a time, in the order of asking; while somebody urgent is at work, others wait for him to end."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._taken = False
        self._line: deque[object] = deque()  # who gives a turn back and asks again goes behind who waits
        self._n_urgent = 0
        self.n_begun = 0

    @property
    def is_taken(self) -> bool:
        """Tell whether somebody holds the turn."""
        return self._taken

    def take(self, seconds: float) -> bool:
        """Wait for the turn; tell whether it came in time. Raises Overtaken in a guarded block that was."""
        stands_back = self._n_urgent > 0
        self.stand_back(seconds)
        with self._condition:
            came = self._wait_in_line(seconds)
            guard = getattr(_mine, "guard", None)
            if guard is not None and not is_urgent() and (stands_back or guard != self.n_begun):
                self._condition.notify_all()
                raise Overtaken
            if came:
                self._taken = True
            return came

    def _wait_in_line(self, seconds: float) -> bool:
        me = object()
        (self._line.appendleft if is_urgent() else self._line.append)(me)
        try:
            return self._condition.wait_for(lambda: not self._taken and self._line[0] is me, seconds)
        finally:
            self._line.remove(me)
            self._condition.notify_all()

    def stand_back(self, seconds: float = 60.0) -> None:
        """Wait, not too long, until nobody is at urgent work any more; who does it himself goes on."""
        if self._n_urgent and not is_urgent():
            with self._condition:
                self._condition.wait_for(lambda: not self._n_urgent, min(seconds, PATIENCE_SECONDS))

    def give(self) -> None:
        """Give the turn back."""
        with self._condition:
            self._taken = False
            self._condition.notify_all()

    def begin_urgent(self) -> None:
        """From now on only urgent work takes turns."""
        with self._condition:
            self._n_urgent += 1
            self.n_begun += 1

    def end_urgent(self) -> None:
        """Everybody takes turns again."""
        with self._condition:
            self._n_urgent -= 1
            self._condition.notify_all()


turns = Turns()


@contextmanager
def urgent() -> Iterator[None]:
    """Let what this thread writes go before everything else in this process."""
    if is_urgent():
        yield
        return
    _mine.is_urgent = True
    turns.begin_urgent()
    try:
        yield
    finally:
        turns.end_urgent()
        _mine.is_urgent = False


@contextmanager
def unless_overtaken(n_begun: int) -> Iterator[None]:
    """Take no turn in this block once urgent work was begun after ``n_begun`` was read: Overtaken is raised instead."""
    _mine.guard = n_begun
    try:
        yield
    finally:
        _mine.guard = None


def is_urgent() -> bool:
    """Tell whether this thread does urgent work."""
    return getattr(_mine, "is_urgent", False)
