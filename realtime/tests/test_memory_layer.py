"""The in-memory layer between threads."""

import asyncio
import threading
import time

import pytest
from channels.exceptions import ChannelFull

from realtime.memory_layer import ThreadSafeMemoryLayer
from realtime.topics import bars_topic


@pytest.mark.serial
async def test_a_message_from_a_thread_wakes_an_idle_loop_at_once() -> None:
    layer = ThreadSafeMemoryLayer()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    sent: list[float] = []

    def later() -> None:
        time.sleep(0.2)
        sent.append(time.monotonic())
        assert layer.publish("g", {"type": "push"})

    threading.Thread(target=later).start()
    async with asyncio.timeout(3):
        message = await layer.receive(channel)

    assert message == {"type": "push"}
    assert time.monotonic() - sent[0] < 0.1  # the stock layer: when the loop next wakes for another reason


async def test_threads_lose_nothing_and_keep_their_own_order() -> None:
    layer = ThreadSafeMemoryLayer(capacity=10_000)
    channel = await layer.new_channel()
    await layer.group_add("g", channel)

    def send(who: int) -> None:
        for n in range(500):
            layer.publish("g", {"type": "push", "who": who, "n": n})

    threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    async with asyncio.timeout(10):
        got = [await layer.receive(channel) for _ in range(2000)]

    for who in range(4):
        assert [m["n"] for m in got if m["who"] == who] == list(range(500))


async def test_async_sending_from_another_loop_arrives() -> None:
    layer = ThreadSafeMemoryLayer()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)

    await asyncio.to_thread(lambda: asyncio.run(layer.group_send("g", {"type": "push"})))

    async with asyncio.timeout(3):
        assert await layer.receive(channel) == {"type": "push"}


async def test_a_full_channel_says_so_and_counts_what_a_group_missed() -> None:
    layer = ThreadSafeMemoryLayer(capacity=1)
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await layer.send(channel, {"type": "push"})

    with pytest.raises(ChannelFull):
        await layer.send(channel, {"type": "push"})
    await layer.group_send("g", {"type": "push"})

    assert layer.dropped == 2


async def test_a_channel_without_groups_is_forgotten() -> None:
    layer = ThreadSafeMemoryLayer()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)

    await layer.group_discard("g", channel)

    assert not layer._boxes and not layer._groups


def test_nobody_listens_before_a_loop_has_bound() -> None:
    assert ThreadSafeMemoryLayer().publish("g", {"type": "push"}) is False


def test_different_symbols_never_share_a_topic_and_every_topic_is_a_group_name() -> None:
    symbols = ["BTC/USDT", "BTC_USDT", "BTC-USDT", "BTCUSDT", "^GSPC", "BRK.B", "btcusdt", "É" * 90, "é" * 90]

    topics = [bars_topic(symbol, "1d") for symbol in symbols]

    assert len(set(topics)) == len(symbols)
    assert all(ThreadSafeMemoryLayer().require_valid_group_name(topic) for topic in topics)
