"""How cached values are written to Redis: as JSON, so that a written cache can never run code."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


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
