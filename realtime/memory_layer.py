"""In-memory channel layer for one process; its state is touched on the server's event loop only, from any thread.

The stock in-memory layer, called from a worker thread, resolves the server's futures without waking its loop: messages
come late (measured: 3.8 s on an idle server) or, in debug mode, never.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer


class _Box:
    """What waits for one channel, and who waits for it."""

    __slots__ = ("items", "waiter")

    def __init__(self) -> None:
        self.items: deque[dict[str, Any]] = deque()
        self.waiter: asyncio.Future[None] | None = None


class ThreadSafeMemoryLayer(BaseChannelLayer):
    """Channels and groups of this process. `publish` is the way in for worker threads."""

    extensions = ("groups", "flush")

    def __init__(self, expiry: int = 60, capacity: int = 1000, channel_capacity: Any = None) -> None:
        super().__init__(expiry=expiry, capacity=capacity, channel_capacity=channel_capacity)
        self._home: asyncio.AbstractEventLoop | None = None
        self._boxes: dict[str, _Box] = {}
        self._groups: dict[str, dict[str, bool]] = {}
        self.dropped = 0  # messages that found a full box; receivers heal the gap from their ring

    def publish(self, group: str, message: dict[str, Any]) -> bool:
        """Send to a group from any thread without waiting; False when nobody can be listening in this process."""
        home = self._home
        if home is None or home.is_closed():
            return False
        try:
            home.call_soon_threadsafe(self._fan_out, group, message)
        except RuntimeError:  # the loop closed between the check and the call
            return False
        return True

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return a new channel's name; the loop that asks first becomes the layer's home."""
        self._bind()
        return f"{prefix}.inmemory!{secrets.token_hex(8)}"

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the channel's next message."""
        self._bind()
        box = self._boxes.setdefault(channel, _Box())
        while not box.items:
            box.waiter = asyncio.get_running_loop().create_future()
            try:
                await box.waiter
            finally:
                box.waiter = None
        return dict(box.items.popleft())

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel; raises ChannelFull."""
        self.require_valid_channel_name(channel)
        await self._on_home(self._push, channel, message)

    async def group_add(self, group: str, channel: str) -> None:
        """Put a channel into a group."""
        self.require_valid_group_name(group)
        self._bind()
        self._boxes.setdefault(channel, _Box())
        self._groups.setdefault(group, {})[channel] = True

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; a channel that is in no group any more is forgotten."""
        members = self._groups.get(group, {})
        members.pop(channel, None)
        if not members:
            self._groups.pop(group, None)
        if not any(channel in others for others in self._groups.values()):
            self._boxes.pop(channel, None)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to every channel of a group; a full one misses the message."""
        self.require_valid_group_name(group)
        await self._on_home(self._fan_out, group, message)

    async def flush(self) -> None:
        """Forget everything."""
        self._boxes, self._groups = {}, {}

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        if self._home is None or self._home.is_closed():
            self._home, self._boxes, self._groups = loop, {}, {}

    async def _on_home(self, call: Callable[..., None], *args: Any) -> None:
        home = self._home
        if home is None or home.is_closed() or home is asyncio.get_running_loop():
            call(*args)
            return

        async def there() -> None:
            call(*args)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), home))

    def _push(self, channel: str, message: dict[str, Any]) -> None:
        box = self._boxes.setdefault(channel, _Box())
        if len(box.items) >= self.get_capacity(channel):
            self.dropped += 1
            raise ChannelFull(channel)
        box.items.append(message)
        if box.waiter and not box.waiter.done():
            box.waiter.set_result(None)

    def _fan_out(self, group: str, message: dict[str, Any]) -> None:
        for channel in list(self._groups.get(group, ())):
            try:
                self._push(channel, message)
            except ChannelFull:
                continue
