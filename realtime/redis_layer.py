"""The channel layer on Redis: channels_redis' own, whose receiver is started again when it has ended.

Its receiver ends for good on a TimeoutError from the client library; every socket of the process would then be silent.
What is lost until it listens again, each socket asks its ring for (realtime.sockets).
"""

import asyncio
import logging
from typing import Any

from channels_redis.pubsub import (
    RedisPubSubChannelLayer,
    RedisPubSubLoopLayer,
    RedisSingleShardConnection,
)
from channels_redis.utils import _wrap_close, decode_hosts

PAUSE_SECONDS = 0.1

logger = logging.getLogger(__name__)


def group_channel(prefix: str, group: str) -> str:
    """Return the Redis channel on which a layer with this prefix listens for a group (as channels_redis names it)."""
    return f"{prefix}__group__{group}"


class _Shard(RedisSingleShardConnection):
    _receive_task: "asyncio.Future[None] | None"

    async def _do_receiving(self) -> None:
        while True:
            try:
                await super()._do_receiving()
            except TimeoutError:
                logger.warning("the receiver of the channel layer timed out; it listens again", exc_info=True)
                await asyncio.sleep(PAUSE_SECONDS)

    def _ensure_receiver(self) -> None:
        if self._receive_task is not None and self._receive_task.done():
            self._receive_task = None
        super()._ensure_receiver()


class _LoopLayer(RedisPubSubLoopLayer):
    def __init__(self, hosts: Any = None, **kwargs: Any) -> None:
        super().__init__(hosts=hosts, **kwargs)
        self._shards = [_Shard(host, self) for host in decode_hosts(hosts)]


class RedisLayer(RedisPubSubChannelLayer):
    """One layer for each event loop, as in channels_redis."""

    def _get_layer(self) -> RedisPubSubLoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = _LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        return self._layers[loop]
