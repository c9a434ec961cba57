"""What a client of the websockets sees."""

import asyncio
import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from apikeys.services import make_token
from marketdata.tests.factories import make_instrument
from realtime import outbox, push, sockets
from realtime import rings as ring_store
from realtime.routing import websocket_application
from realtime.tests.communicator import SocketClient
from realtime.topics import account_topic, bars_topic, user_topic
from users.models import User

HOST = (b"host", b"localhost")
NOTIFICATIONS = "/ws/notifications/"


def socket(cookie: bytes = b"", *, path: str = NOTIFICATIONS, origin: bytes = b"") -> SocketClient:
    headers = [HOST]
    if cookie:
        headers.append((b"cookie", cookie))
    if origin:
        headers.append((b"origin", origin))
    communicator = SocketClient(websocket_application, path, headers=headers)
    return communicator


async def connected(cookie: bytes, **kwargs: Any) -> tuple[SocketClient, dict[str, Any]]:
    communicator = socket(cookie, **kwargs)
    accepted, _ = await communicator.connect()
    assert accepted
    return communicator, await communicator.receive_json_from()


async def close_code(communicator: SocketClient, timeout: float = 2) -> int:
    event = await communicator.receive_output(timeout)
    assert event["type"] == "websocket.close", event
    return int(event["code"])


def say(topic: str, number: int) -> None:
    push.send(topic, "OrderFilled", {"n": number})


send = sync_to_async(say, thread_sensitive=False)


async def numbers(communicator: SocketClient, count: int) -> list[int]:
    """Return the numbers of the next messages; the server's own notices (pings) may come between them."""
    found: list[int] = []
    while len(found) < count:
        data = (await communicator.receive_json_from(timeout=10)).get("data") or {}
        if "n" in data:
            found.append(data["n"])
    return found


async def test_a_signed_in_user_gets_own_messages_in_order_without_gaps(person: User, cookie: bytes) -> None:
    communicator, ready = await connected(cookie)

    for n in range(20):
        await send(user_topic(person.pk), n)
    messages = [await communicator.receive_json_from(timeout=10) for _ in range(20)]

    assert ready["type"] == "ready"
    assert [m["data"]["n"] for m in messages] == list(range(20))
    assert [m["seq"] for m in messages] == list(range(ready["seq"] + 1, ready["seq"] + 21))
    await communicator.disconnect()


async def test_another_users_messages_are_not_delivered(person: User, cookie: bytes) -> None:
    communicator, _ = await connected(cookie)

    await send(user_topic(uuid4()), 1)

    assert await communicator.receive_nothing(timeout=0.6)
    await communicator.disconnect()


async def test_a_cut_connection_catches_up_from_the_number_it_names(person: User, cookie: bytes) -> None:
    communicator, ready = await connected(cookie)
    await send(user_topic(person.pk), 0)
    await communicator.receive_json_from()
    await communicator.disconnect()
    for n in range(1, 6):
        await send(user_topic(person.pk), n)

    again, _ = await connected(cookie)
    await again.send_json_to({"resume_from": ready["seq"] + 1})
    await send(user_topic(person.pk), 6)

    assert await numbers(again, 6) == [1, 2, 3, 4, 5, 6]
    await again.disconnect()


async def test_a_token_may_bring_the_number_to_go_on_from(person: User, cookie: bytes) -> None:
    communicator, ready = await connected(cookie)
    await communicator.disconnect()
    for n in range(1, 4):
        await send(user_topic(person.pk), n)
    _, token = await sync_to_async(make_token)(person, scopes=["read"], name="socket")

    again = socket()
    await again.connect()
    await again.send_json_to({"token": token, "resume_from": ready["seq"]})

    assert (await again.receive_json_from())["type"] == "ready"
    assert await numbers(again, 3) == [1, 2, 3]
    await again.disconnect()


@pytest.mark.parametrize("seq", [0, 2**52])
async def test_a_number_that_is_gone_or_was_never_given_is_answered_by_reset(
    person: User, cookie: bytes, seq: int
) -> None:
    await send(user_topic(person.pk), 0)
    communicator, ready = await connected(cookie)

    await communicator.send_json_to({"resume_from": seq})
    reset = await communicator.receive_json_from()
    await send(user_topic(person.pk), 7)

    assert (reset["type"], reset["seq"]) == ("reset", ready["seq"])
    assert await numbers(communicator, 1) == [7]
    await communicator.disconnect()


async def test_a_message_that_the_layer_lost_is_healed_from_the_ring(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    communicator, _ = await connected(cookie)
    broadcast = push._broadcast
    monkeypatch.setattr(push, "_broadcast", lambda group, message: None)
    await send(user_topic(person.pk), 1)
    await send(user_topic(person.pk), 2)
    monkeypatch.setattr(push, "_broadcast", broadcast)

    await send(user_topic(person.pk), 3)

    assert await numbers(communicator, 3) == [1, 2, 3]
    await communicator.disconnect()


async def test_the_last_lost_message_is_healed_at_the_next_ping(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.3)
    communicator, ready = await connected(cookie)
    monkeypatch.setattr(push, "_broadcast", lambda group, message: None)

    await send(user_topic(person.pk), 1)

    assert await numbers(communicator, 1) == [1]
    assert (await communicator.receive_json_from())["seq"] == ready["seq"] + 1
    await communicator.disconnect()


async def test_nobody_is_told_anything_without_signing_in(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "TOKEN_SECONDS", 0.2)
    silent, wrong = socket(), socket()
    await silent.connect()
    await wrong.connect()

    await wrong.send_json_to({"token": "not-a-token"})

    assert await close_code(wrong) == sockets.NOT_SIGNED_IN
    assert await close_code(silent) == sockets.NOT_SIGNED_IN


@pytest.mark.parametrize("origin", [b"https://evil.example", b"http://localhost.evil.example", b"null"])
async def test_another_sites_origin_is_refused_before_the_accept(person: User, cookie: bytes, origin: bytes) -> None:
    accepted, code = await socket(cookie, origin=origin).connect()

    assert (accepted, code) == (False, 4403)


async def test_the_own_origin_is_accepted(person: User, cookie: bytes) -> None:
    communicator, ready = await connected(cookie, origin=b"http://localhost")

    assert ready["type"] == "ready"
    await communicator.disconnect()


async def test_a_host_that_is_not_ours_is_refused(person: User, cookie: bytes) -> None:
    communicator = socket(cookie, origin=b"http://rebound.example")
    communicator.scope["headers"][0] = (b"host", b"rebound.example")

    accepted, _ = await communicator.connect()

    assert not accepted


async def test_a_foreign_account_closes_like_an_unknown_one(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = uuid4()
    monkeypatch.setattr("realtime.consumers.may_listen", lambda kind, user, key: key == str(own))
    communicator, _ = await connected(cookie, path=f"/ws/account/{own}/")
    await send(account_topic(own), 4)
    assert await numbers(communicator, 1) == [4]
    await communicator.disconnect()

    foreign = socket(cookie, path=f"/ws/account/{uuid4()}/")
    await foreign.connect()

    assert await close_code(foreign) == sockets.NOT_FOUND


@pytest.mark.parametrize(
    "query",
    ["", "symbol=AAPL", "symbol=AAPL&timeframe=7x", "symbol=%E2%80%AEA&timeframe=1d", "symbol=NOPE&timeframe=1d"],
)
async def test_bars_without_a_sensible_symbol_and_timeframe_close_as_not_found(
    person: User, cookie: bytes, query: str
) -> None:
    communicator = socket(cookie, path=f"/ws/bars/?{query}")
    await communicator.connect()

    assert await close_code(communicator) == sockets.NOT_FOUND


async def test_bars_reach_those_who_asked_for_this_symbol_and_timeframe(person: User, cookie: bytes) -> None:
    await sync_to_async(make_instrument)("BTC/USDT")
    communicator, _ = await connected(cookie, path="/ws/bars/?symbol=BTC/USDT&timeframe=1m")

    await send(bars_topic("BTC/USDT", "5m"), 1)
    await send(bars_topic("BTC/USDT", "1m"), 2)

    assert await numbers(communicator, 1) == [2]
    await communicator.disconnect()


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"buy": 1}', '{"resume_from": "1"}', '{"resume_from": -1}', "[" * 4000, "x" * 5000]
)
async def test_nonsense_from_the_client_closes_the_socket(person: User, cookie: bytes, text: str) -> None:
    communicator, _ = await connected(cookie)

    await communicator.send_to(text_data=text)

    assert await close_code(communicator) == sockets.BAD_REQUEST


async def test_a_client_that_asks_without_end_is_closed(person: User, cookie: bytes) -> None:
    communicator, _ = await connected(cookie)

    for _ in range(sockets.MAX_CLIENT_MESSAGES + 1):
        await communicator.send_json_to({"ping": 1})
    events = [await communicator.receive_output(2)]
    while events[-1]["type"] != "websocket.close":
        events.append(await communicator.receive_output(2))

    assert events[-1]["code"] == sockets.TOO_MANY


async def test_signing_out_closes_the_sockets_of_that_session(person: User, cookie: bytes) -> None:
    communicator, _ = await connected(cookie)
    key = cookie.decode().removeprefix(f"{settings.SESSION_COOKIE_NAME}=")
    await sync_to_async(SessionStore(key).flush)()

    await sync_to_async(push.recheck, thread_sensitive=False)(person.pk)

    assert await close_code(communicator, timeout=5) == sockets.NOT_SIGNED_IN


async def test_a_client_that_does_not_read_is_closed_with_a_code_and_slows_nobody(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_MESSAGES", 50)
    reader, _ = await connected(cookie)
    blocked, sent = asyncio.Event(), []

    async def app_send(event: dict[str, Any]) -> None:
        sent.append(event)
        if event["type"] == "websocket.send" and "ready" not in event["text"]:
            await blocked.wait()  # a full network buffer: nothing goes out any more

    stuck = asyncio.ensure_future(_run_raw(cookie, app_send))
    await asyncio.sleep(sockets.GRACE_SECONDS + 0.1)

    for first in range(0, 120, 20):  # one after the other, so that a busy machine makes no slow reader of the other
        for n in range(first, first + 20):
            await send(user_topic(person.pk), n)
        assert await numbers(reader, 20) == list(range(first, first + 20))

    await asyncio.wait_for(stuck, 10)
    assert sent[-1] == {"type": "websocket.close", "code": sockets.SLOW_READER}
    await reader.disconnect()


async def _run_raw(cookie: bytes, app_send: Any) -> None:
    opening = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        if opening:
            return opening.pop()
        await asyncio.Event().wait()
        raise AssertionError("never")

    scope = {
        "type": "websocket",
        "path": NOTIFICATIONS,
        "query_string": b"",
        "headers": [HOST, (b"cookie", cookie)],
        "client": ["127.0.0.1", 5001],
    }
    await websocket_application(scope, receive, app_send)


def test_a_message_over_64_kb_is_a_mistake_of_the_sender() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        push.send("user-x", "Big", {"text": "x" * 70_000})


@pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set")
async def test_what_the_layer_lost_comes_though_nothing_newer_shows_the_gap(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HEAL_SECONDS", 0.2)
    communicator, _ = await connected(cookie)
    ring: Any = ring_store.rings()
    groups, ring._groups = ring._groups, "nobody listens here"

    await send(user_topic(person.pk), 1)
    ring._groups = groups

    assert await numbers(communicator, 1) == [1]
    await communicator.disconnect()


@pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set")
async def test_a_receiver_that_timed_out_listens_again(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    communicator, _ = await connected(cookie)
    shard = get_channel_layer()._get_layer()._shards[0]

    async def fails_once(**_: Any) -> None:
        monkeypatch.undo()
        raise TimeoutError

    monkeypatch.setattr(shard._pubsub, "get_message", fails_once)
    monkeypatch.setattr(sockets, "HEAL_SECONDS", 60)
    await asyncio.sleep(0.5)
    await send(user_topic(person.pk), 1)

    assert await numbers(communicator, 1) == [1]
    await communicator.disconnect()


async def test_decimals_travel_as_plain_strings(person: User, cookie: bytes) -> None:
    communicator, _ = await connected(cookie)
    await sync_to_async(push.send, thread_sensitive=False)(
        user_topic(person.pk), "Priced", {"price": Decimal("1E+3"), "size": Decimal("0.500")}
    )

    message = json.loads(await communicator.receive_from(timeout=10))

    assert message["data"] == {"price": "1000", "size": "0.5"}
    await communicator.disconnect()
