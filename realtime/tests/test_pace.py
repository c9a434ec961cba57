"""A page gets live bars as often as its user wants, and none while they are switched off; other topics never wait."""

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async

from core.testing import api_client, changes
from marketdata.tests.factories import make_instrument
from realtime.tests.test_sockets import NOTIFICATIONS, connected, numbers, send
from realtime.topics import bars_topic, user_topic
from users.models import User

BARS = "/ws/bars/?symbol=AAPL&timeframe=1d"


@pytest.fixture(autouse=True)
def _apple(transactional_db: None) -> None:
    make_instrument("AAPL")


TOPIC = bars_topic("AAPL", "1d")


async def wish(person: User, **values: object) -> None:
    """Change market data preferences through the API; the facts that follow reach the open sockets."""
    put = sync_to_async(api_client(person).put, thread_sensitive=False)
    answer = await put("/api/v1/preferences/market-data/", values)
    assert answer.status_code == 200, answer.content


@pytest.mark.serial
@changes("market_data.refresh_interval_seconds")
async def test_bars_come_in_batches_at_the_wanted_interval_and_none_is_lost(person: User, cookie: bytes) -> None:
    await wish(person, refresh_interval_seconds=2)
    page, _ = await connected(cookie, path=BARS)
    await send(TOPIC, 1)
    assert await numbers(page, 1) == [1]
    start = time.monotonic()
    for number in (2, 3, 4):
        await send(TOPIC, number)

    assert await numbers(page, 3) == [2, 3, 4]

    assert 1.0 < time.monotonic() - start < 3.0
    await page.disconnect()


async def test_a_changed_interval_reaches_an_open_page_at_once(person: User, cookie: bytes) -> None:
    await wish(person, refresh_interval_seconds=600)
    page, _ = await connected(cookie, path=BARS)
    await send(TOPIC, 1)
    assert await numbers(page, 1) == [1]
    await send(TOPIC, 2)
    await asyncio.sleep(0.1)

    await wish(person, refresh_interval_seconds=1)

    assert await numbers(page, 1) == [2]
    await page.disconnect()


@changes("market_data.realtime_enabled")
async def test_switched_off_a_page_gets_no_bars_and_reads_anew_when_they_come_back(person: User, cookie: bytes) -> None:
    page, _ = await connected(cookie, path=BARS)
    told, _ = await connected(cookie, path=NOTIFICATIONS)
    await wish(person, realtime_enabled=False)
    await asyncio.sleep(0.1)
    await send(TOPIC, 1)
    await send(user_topic(person.pk), 7)
    assert await page.receive_nothing(0.4)
    while (message := await told.receive_json_from())["data"].get("n") != 7:
        assert message["type"] == "preference.changed"

    await wish(person, realtime_enabled=True)

    assert (await page.receive_json_from())["type"] == "reset"
    await send(TOPIC, 2)
    assert await numbers(page, 1) == [2]
    await page.disconnect()
    await told.disconnect()
