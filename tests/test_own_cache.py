"""Clearing the cache leaves what others keep in the same Redis: here a ring of messages, as the websockets do."""

from uuid import uuid4

import pytest
from django.core.cache import cache

from realtime import push
from realtime.rings import rings
from realtime.topics import user_topic

pytestmark = pytest.mark.both_ways


def test_clearing_removes_the_caches_own_keys_alone() -> None:
    topic = user_topic(uuid4())
    push.send(topic, "OrderFilled", {"n": 1})
    newest = rings().current(topic)
    cache.set("mine", 1)
    cache.set_many({f"many-{n}": n for n in range(250)})

    cache.clear()

    assert cache.get("mine") is None and cache.get("many-249") is None
    assert rings().current(topic) == newest
    assert len(rings().since(topic, newest - 1) or ()) == 1
