"""Numbers without gaps, kept messages, and the same answers in memory and on Redis."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from realtime.rings import MemoryRings, RedisRings, Rings

pytestmark = pytest.mark.both_ways


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[Rings]:
    if request.param == "memory":
        yield MemoryRings(keep=5)
        return
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set")
    client = redis.Redis.from_url(settings.REDIS_URL)
    prefix = f"rings-test-{uuid4()}:"
    yield RedisRings(client, prefix=prefix, groups=f"{prefix}groups:", keep=5)
    for key in client.scan_iter(f"{prefix}*"):
        client.delete(key)


def test_numbers_follow_each_other_from_the_present_millisecond(store: Rings) -> None:
    now = int(time.time() * 1000)

    first, text = store.append("t", "<", ">")
    second, _ = store.append("t", "<", ">")

    assert first > now - 5 and second == first + 1
    assert text == f"<{first}>"
    assert store.current("t") == second


def test_what_was_missed_is_given_in_order(store: Rings) -> None:
    start = store.current("t")
    sent = [store.append("t", f"{n}:", "") for n in range(4)]

    assert store.since("t", start) == sent
    assert store.since("t", start + 3) == sent[3:]
    assert store.since("t", start + 4) == []


def test_what_is_gone_or_never_was_is_none(store: Rings) -> None:
    start = store.current("t")
    for n in range(7):
        store.append("t", f"{n}:", "")

    assert store.since("t", start + 1) is None
    assert len(store.since("t", start + 2) or ()) == 5
    assert store.since("t", start + 8) is None


def test_topics_are_numbered_apart(store: Rings) -> None:
    store.append("a", "", "")
    before = store.current("b")

    store.append("a", "", "")

    assert store.current("b") == before


def test_many_threads_never_share_or_skip_a_number(store: Rings) -> None:
    got: list[int] = []
    start = store.current("t")

    def work() -> None:
        got.extend(store.append("t", "", "")[0] for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == list(range(start + 1, start + 401))


def test_memory_forgets_the_topics_unused_for_longest() -> None:
    store = MemoryRings(max_topics=2)
    first, _ = store.append("a", "", "")
    store.append("b", "", "")

    store.append("c", "", "")

    assert store.since("a", first - 1) is None
