"""push.send(): tell browsers what happened, from any thread or process (never from the event loop itself).

A message is numbered and kept first, then sent; a lost sending is healed by the receiver from what was kept.
"""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import redis
from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder

from realtime.rings import rings
from realtime.topics import control_group

MAX_BYTES = 65_536
SEND_SECONDS = 2.0

logger = logging.getLogger(__name__)


class _Encoder(DjangoJSONEncoder):
    """Decimals as strings without exponent and without trailing zeros; times, ids as Django writes them."""

    def default(self, o: Any) -> Any:
        if isinstance(o, Decimal):
            text = format(o, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        return super().default(o)


def send(topic: str, type: str, data: Mapping[str, Any]) -> None:
    """Send one message to everybody who listens to the topic.

    Raises ValueError when the message is over 64 KB (say what changed; pages fetch the rest). An unreachable Redis is
    logged, not raised: what is pushed is also in the database.
    """
    head = f'{{"type": {json.dumps(type)}, "seq": '
    tail = f', "data": {json.dumps(dict(data), cls=_Encoder)}}}'
    if len(head) + len(tail) > MAX_BYTES:
        raise ValueError(f"A message of {len(tail)} bytes on {topic} exceeds the {MAX_BYTES} bytes of a push.")
    try:
        ring = rings()
        seq, text = ring.append(topic, head, tail)
        if not ring.publishes:
            _broadcast(topic, {"type": "push", "seq": seq, "text": text})
    except (redis.RedisError, OSError, TimeoutError) as error:  # Redis is away: a line each, not a traceback
        logger.warning("could not push %s to %s: %s", type, topic, error)


def recheck(user_id: UUID | str) -> None:
    """Make every socket of a user check at once whether its session or token still holds (after a sign-out)."""
    try:
        _broadcast(control_group(user_id), {"type": "recheck"})
    except (redis.RedisError, OSError, TimeoutError):
        logger.warning("could not reach the sockets of user %s; they check by themselves", user_id, exc_info=True)


def _broadcast(group: str, message: dict[str, Any]) -> None:
    layer: Any = get_channel_layer()
    if hasattr(type(layer), "publish"):
        layer.publish(group, message)
        return
    sending = asyncio.run_coroutine_threadsafe(_group_send(layer, group, message), _sender.loop())
    sending.result(SEND_SECONDS)


async def _group_send(layer: Any, group: str, message: dict[str, Any]) -> None:
    await layer.group_send(group, message)


class _Sender:
    """One event loop in a thread of each process, so that the Redis layer keeps its connections between calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop of this process, started anew after a fork."""
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="push-sender", daemon=True).start()
            return self._loop


_sender = _Sender()
