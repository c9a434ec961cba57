"""The last messages of every topic, numbered without a gap, so that a cut connection can catch up.

A sequence starts at the present millisecond and therefore never goes back over a restart.
"""

import functools
import threading
import time
from collections import OrderedDict, deque
from typing import Any, Protocol

import redis
from django.conf import settings

from realtime.redis_layer import group_channel

KEEP = 1000
MAX_TOPICS = 2000
EXPIRE_SECONDS = 172_800

Numbered = tuple[int, str]


class Rings(Protocol):
    """What a store of rings does; every call is atomic."""

    waits: bool  # a call waits for the network, so it must not be made on an event loop
    publishes: bool  # what is appended goes to the listeners with it

    def append(self, topic: str, head: str, tail: str) -> Numbered:
        """Store `head + number + tail` under the topic's next number; return both."""

    def current(self, topic: str) -> int:
        """Return the topic's newest number, starting the topic if need be."""

    def since(self, topic: str, seq: int) -> list[Numbered] | None:
        """Return every message after `seq`, or None when some of them are gone (or never were)."""


class MemoryRings:
    """Rings of this process, for the embedded way to run; the topics unused for longest are forgotten first."""

    waits = False
    publishes = False

    def __init__(self, *, keep: int = KEEP, max_topics: int = MAX_TOPICS) -> None:
        self._keep, self._max_topics = keep, max_topics
        self._lock = threading.Lock()
        self._rings: OrderedDict[str, tuple[list[int], deque[str]]] = OrderedDict()
        self._forgotten = 0  # the highest number of any forgotten topic: a topic that comes back starts above it

    def append(self, topic: str, head: str, tail: str) -> Numbered:
        """Store `head + number + tail` under the topic's next number; return both."""
        with self._lock:
            newest, texts = self._ring(topic)
            newest[0] += 1
            texts.append(f"{head}{newest[0]}{tail}")
            return newest[0], texts[-1]

    def current(self, topic: str) -> int:
        """Return the topic's newest number."""
        with self._lock:
            return self._ring(topic)[0][0]

    def since(self, topic: str, seq: int) -> list[Numbered] | None:
        """Return every message after `seq`, or None when some of them are gone."""
        with self._lock:
            newest, texts = self._ring(topic)
            return _numbered(newest[0], list(texts)[len(texts) - max(newest[0] - seq, 0) :], seq, len(texts))

    def _ring(self, topic: str) -> tuple[list[int], deque[str]]:
        if topic not in self._rings:
            start = max(time.time_ns() // 1_000_000, self._forgotten + 1)
            self._rings[topic] = ([start], deque(maxlen=self._keep))
            if len(self._rings) > self._max_topics:
                _, (newest, _) = self._rings.popitem(last=False)
                self._forgotten = max(self._forgotten, newest[0])
        self._rings.move_to_end(topic)
        return self._rings[topic]


_START = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1]); redis.call('DEL', KEYS[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[2]); redis.call('EXPIRE', KEYS[2], ARGV[2])
"""
_APPEND = (
    _START
    + """
local seq = redis.call('INCR', KEYS[1])
local text = ARGV[3] .. string.format('%.0f', seq) .. ARGV[4]
redis.call('RPUSH', KEYS[2], text); redis.call('LTRIM', KEYS[2], -tonumber(ARGV[5]), -1)
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[6], cmsgpack.pack({type = 'push', seq = seq, text = text}))
return {seq, text}
"""
)
_CURRENT = _START + "return tonumber(redis.call('GET', KEYS[1]))"
_SINCE = (
    _START
    + """
local newest, kept = tonumber(redis.call('GET', KEYS[1])), redis.call('LLEN', KEYS[2])
local missed = newest - tonumber(ARGV[3])
if missed <= 0 or missed > kept then return {newest, kept} end
return {newest, kept, unpack(redis.call('LRANGE', KEYS[2], -missed, -1))}
"""
)


class RedisRings:
    """Rings on Redis, shared by every process; each call is one script, so that numbers and texts never part."""

    waits = True
    publishes = True

    def __init__(self, client: "redis.Redis", *, prefix: str, groups: str, keep: int = KEEP) -> None:
        """``groups`` and a topic's name are the Redis channel on which the channel layer listens for it."""
        self._prefix, self._groups, self._keep = prefix, groups, keep
        self._append = client.register_script(_APPEND)
        self._current = client.register_script(_CURRENT)
        self._since = client.register_script(_SINCE)

    def append(self, topic: str, head: str, tail: str) -> Numbered:
        """Store `head + number + tail` under the topic's next number and send it to who listens; return both."""
        args = [*_start_args(), head, tail, self._keep, f"{self._groups}{topic}"]
        seq, text = self._append(keys=self._keys(topic), args=args)
        return int(seq), text.decode()

    def current(self, topic: str) -> int:
        """Return the topic's newest number."""
        return int(self._current(keys=self._keys(topic), args=_start_args()))

    def since(self, topic: str, seq: int) -> list[Numbered] | None:
        """Return every message after `seq`, or None when some of them are gone."""
        newest, kept, *texts = self._since(keys=self._keys(topic), args=[*_start_args(), seq])
        return _numbered(int(newest), [text.decode() for text in texts], seq, int(kept))

    def _keys(self, topic: str) -> list[str]:
        return [f"{self._prefix}seq:{topic}", f"{self._prefix}ring:{topic}"]


def _start_args() -> list[Any]:
    return [time.time_ns() // 1_000_000, EXPIRE_SECONDS]


def _numbered(newest: int, texts: list[str], seq: int, kept: int) -> list[Numbered] | None:
    if seq > newest or newest - seq > kept:
        return None
    return list(zip(range(seq + 1, newest + 1), texts, strict=True)) if newest > seq else []


@functools.cache
def rings() -> Rings:
    """Return the rings of the configured way to run."""
    if not settings.REDIS_URL:
        return MemoryRings()
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    groups = group_channel(settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"], "")
    return RedisRings(client, prefix=f"{settings.KEY_PREFIX}rings:", groups=groups)
