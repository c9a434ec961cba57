"""What one socket still has to send: bounded, in order of the numbers, without gaps. Knows no network."""

from collections import deque

MAX_MESSAGES = 1000
MAX_CHARS = 262_144

Numbered = tuple[int, str]


class SlowReaderError(Exception):
    """The client reads more slowly than messages come."""


class SocketOutbox:
    """Messages that wait for one client, and the number of the last one taken in."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._waiting: deque[str] = deque()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Tell whether half of what may wait does wait already."""
        return len(self._waiting) >= MAX_MESSAGES // 2 or self._chars >= MAX_CHARS // 2

    def is_next(self, seq: int) -> bool:
        """Tell whether a message follows the last one without a gap."""
        return seq == self.last + 1

    def is_known(self, seq: int) -> bool:
        """Tell whether a message was taken in already."""
        return seq <= self.last

    def put(self, seq: int, text: str) -> None:
        """Take in the next numbered message; raises SlowReaderError when too much waits."""
        self.put_text(text)
        self.last = seq

    def put_text(self, text: str) -> None:
        """Take in a message without a number of its own (ready, reset, ping)."""
        if len(self._waiting) >= MAX_MESSAGES or self._chars + len(text) > MAX_CHARS:
            raise SlowReaderError
        self._waiting.append(text)
        self._chars += len(text)

    def replay(self, messages: list[Numbered]) -> None:
        """Replace what waits by these messages: the client asked to go on from an earlier number."""
        self.clear()
        for seq, text in messages:
            self.put(max(seq, self.last), text)

    def take(self) -> str:
        """Hand out the oldest message."""
        text = self._waiting.popleft()
        self._chars -= len(text)
        return text

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._chars = 0
