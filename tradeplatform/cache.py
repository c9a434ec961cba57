"""The cache on Redis: values as JSON, so that a written cache can never run code, and no keys but its own touched."""

import json
from typing import Any

from django.core.cache.backends.redis import RedisCache
from django.core.serializers.json import DjangoJSONEncoder

_BATCH = 1_000
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "[]*?\\"})


class JsonSerializer:
    """Turn values into JSON bytes and back; whole numbers stay numbers, so that Redis can count with them."""

    def dumps(self, obj: Any) -> bytes | int:
        """Return what is stored for `obj`."""
        if type(obj) is int:
            return obj
        return json.dumps(obj, cls=DjangoJSONEncoder).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value that was stored as `data`."""
        return json.loads(data)


class OwnKeysRedisCache(RedisCache):
    """Django's cache on Redis, but clearing it removes its own keys alone.

    Django's empties the whole database, and with it the queue, the groups and the rings of the websockets.
    """

    def clear(self) -> None:
        """Remove every key of this cache."""
        client = self._cache.get_client(None, write=True)
        found = list(client.scan_iter(match=f"{self.key_prefix.translate(_SPECIAL)}:*", count=_BATCH))
        for begin in range(0, len(found), _BATCH):
            client.unlink(*found[begin : begin + _BATCH])
