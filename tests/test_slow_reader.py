"""A client that stops reading, on the real server: closed with a code, others unharmed, memory bounded."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from django.conf import settings
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from realtime import push, rings
from realtime.topics import user_topic
from tests.test_runtime import free_port
from tradeplatform.asgi import application
from users.models import User

MESSAGES = 8000
pytestmark = [pytest.mark.serial, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def port() -> Iterator[int]:
    rings.rings.cache_clear()
    port = free_port()
    config = uvicorn.Config(application, port=port, lifespan="off", log_config=None, ws_ping_interval=None)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # the signals are pytest's
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(10)
    rings.rings.cache_clear()


async def test_a_client_that_stops_reading_is_closed_with_4408_and_the_other_gets_everything(port: int) -> None:
    person, cookie = await asyncio.to_thread(_signed_in)
    address, headers = f"ws://127.0.0.1:{port}/ws/notifications/", {"Cookie": cookie}
    async with (
        connect(address, additional_headers=headers, max_queue=2, compression=None, sock=_small_socket(port)) as stuck,
        connect(address, additional_headers=headers, max_queue=None) as reader,
    ):
        await reader.recv()
        sender = threading.Thread(target=_send_all, args=(user_topic(person.pk),))
        sender.start()

        async with asyncio.timeout(40):
            got = [json.loads(await reader.recv())["data"]["n"] for _ in range(MESSAGES)]
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await stuck.recv()
        sender.join()

    assert got == list(range(MESSAGES))
    # A client that reads again too late may find the connection gone before it comes to the close frame.
    assert closed.value.rcvd is None or closed.value.rcvd.code == 4408


def _small_socket(port: int) -> socket.socket:
    """A connection whose receive buffer the system does not grow to megabytes."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
    small.connect(("127.0.0.1", port))
    return small


def _signed_in() -> tuple[User, str]:
    person = User.objects.create_user("reader", password="x")
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return person, f"{name}={client.cookies[name].value}"


def _send_all(topic: str) -> None:
    for n in range(MESSAGES):
        push.send(topic, "Noise", {"n": n, "text": "x" * 2000})
        if n % 10 == 9:
            time.sleep(0.01)  # 1,000 a second: what a reader can keep up with
