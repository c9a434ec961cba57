"""One open websocket: from server to browser only. Every message of its topic, once, in order, or a close with a code.

The client may say `{"token": …}` (first), `{"resume_from": seq}` and `{"ping": …}`; nothing else.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from realtime import credentials
from realtime.credentials import Credential
from realtime.outbox import SlowReaderError, SocketOutbox
from realtime.rings import Rings, rings
from realtime.topics import control_group

BAD_REQUEST, NOT_SIGNED_IN, NOT_FOUND, SLOW_READER, TOO_MANY = 4400, 4401, 4404, 4408, 4429
TOKEN_SECONDS = 10.0
GRACE_SECONDS = 0.25  # a client that wants to resume says so at once; live messages wait for it that long
BURST = 20  # as many may wait before the writer gets its turn
PING_SECONDS = 20.0
HEAL_SECONDS = 2.5  # what a shared layer lost is asked for this often, though nothing newer comes that shows the gap
CLOSE_SECONDS = 20.0  # a client that starts to read again within this time still gets the code
MAX_CLIENT_CHARS = 4096
MAX_CLIENT_MESSAGES, CLIENT_WINDOW = 30, 10.0

logger = logging.getLogger(__name__)

TopicFinder = Callable[[Any], Awaitable[str | None]]


class Closing(Exception):
    """End the socket; `code` 0 means that the client has gone already."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """The life of one connection: admit, announce, deliver, close."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._layer: Any = get_channel_layer()
        self._rings: Rings = rings()
        self._recent: deque[float] = deque(maxlen=MAX_CLIENT_MESSAGES)
        self._may_send, self._has_mail = asyncio.Event(), asyncio.Event()
        self._opening: dict[str, Any] = {}  # what came with the token
        self._kind, self._tells_last = "", False
        self._pace: float | None = 0.0  # seconds between batches (0: as they come), None: nothing now
        self._pace_changed = asyncio.Event()
        self._order = asyncio.Lock()  # what is asked of the ring and then taken in must not be overtaken

    async def run(self, find_topic: TopicFinder, *, kind: str = "", tells_last: bool = False) -> None:
        """Serve the connection until it ends.

        ``kind`` names what paces it (credentials.pace_of); ``tells_last``: the newest message, which came before the
        connection, is told first.
        """
        self._kind, self._tells_last = kind, tells_last
        if not await self._admit():
            return
        try:
            self._credential = await self._sign_in()
            topic = await find_topic(self._credential.user)
            if topic is None:
                raise Closing(NOT_FOUND)
            await self._serve(topic)
        except Closing as end:
            await self._close(end.code)
        except SlowReaderError:
            await self._close(SLOW_READER)

    async def _admit(self) -> bool:
        opening = await self._receive()
        if opening["type"] != "websocket.connect":
            return False
        if not credentials.is_own_origin(self._scope):
            await self._send({"type": "websocket.close", "code": 4403})  # before the accept: becomes HTTP 403
            return False
        await self._send({"type": "websocket.accept"})
        return True

    async def _sign_in(self) -> Credential:
        find = database_sync_to_async(credentials.from_session)
        credential = await find(credentials.session_key_of(self._scope))
        if credential is None:
            credential = await self._token_credential()
        if credential is None:
            raise Closing(NOT_SIGNED_IN)
        return credential

    async def _token_credential(self) -> Credential | None:
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                said = await self._client_message()
        except TimeoutError:
            return None
        self._opening, token = said, said.get("token")
        if not isinstance(token, str) or not token:
            return None
        find = database_sync_to_async(credentials.from_token)
        return await find(token, address=credentials.address_of(self._scope))

    async def _serve(self, topic: str) -> None:
        channel = await self._layer.new_channel()
        groups = (topic, control_group(self._credential.user.pk))
        for group in groups:
            await self._layer.group_add(group, channel)
        listener = asyncio.ensure_future(self._listen(channel, topic, started := asyncio.Event()))
        try:
            await self._begin(topic)
            started.set()
            await self._until_one_ends(listener, self._read(topic), self._write(), self._watch(topic))
        finally:
            listener.cancel()
            for group in groups:
                with contextlib.suppress(Exception):
                    await self._layer.group_discard(group, channel)

    async def _begin(self, topic: str) -> None:
        newest = await self._ask(self._rings.current, topic)
        told = (await self._ask(self._rings.since, topic, newest - 1) or []) if self._tells_last else []
        self._outbox = SocketOutbox(newest - 1 if told else newest)
        await self._find_pace()
        await self._send_text(self._notice("ready"))
        for seq, text in told:
            self._outbox.put(seq, text)
            self._has_mail.set()

    async def _until_one_ends(self, listener: "asyncio.Future[None]", *others: Awaitable[None]) -> None:
        tasks = [listener, *(asyncio.ensure_future(other) for other in others)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    # The four things that go on at once ---------------------------------------------------------------------

    async def _listen(self, channel: str, topic: str, started: asyncio.Event) -> None:
        await started.wait()
        while True:
            message = await self._layer.receive(channel)
            if message["type"] == "recheck":
                await self._check_credential()
                await self._change_pace(topic)
            else:
                await self._take_in(topic, message["seq"], message["text"])
            if len(self._outbox) > BURST:
                self._may_send.set()
                await asyncio.sleep(0)  # let the writer work before more is taken in: a burst is no slow reader

    async def _read(self, topic: str) -> None:
        if "resume_from" in self._opening:
            await self._resume(topic, self._opening["resume_from"])
            self._may_send.set()
        while True:
            said = await self._client_message()
            if "resume_from" in said:
                await self._resume(topic, said["resume_from"])
            elif "ping" in said:
                self._queue(self._notice("pong"))
            elif "token" not in said:
                raise Closing(BAD_REQUEST)
            self._may_send.set()

    async def _write(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):  # wait_for of 3.11 can swallow a cancellation
                await self._may_send.wait()
        while True:
            await self._has_mail.wait()
            while len(self._outbox):
                await self._send_text(self._outbox.take())
            self._has_mail.clear()
            if self._pace:
                await self._rest(self._pace)

    async def _watch(self, topic: str) -> None:
        pause = min(HEAL_SECONDS, PING_SECONDS) if self._rings.waits else PING_SECONDS
        pinged_at = time.monotonic()
        while True:
            await asyncio.sleep(pause)
            async with self._order:
                if self._pace is not None:
                    await self._heal(topic)
            if time.monotonic() - pinged_at >= PING_SECONDS - pause / 2:
                pinged_at = time.monotonic()
                await self._check_credential()
                self._queue(self._notice("ping"))

    # The pace that the user wants ---------------------------------------------------------------------------

    async def _find_pace(self) -> None:
        self._pace = await database_sync_to_async(credentials.pace_of)(self._kind, self._credential.user)

    async def _change_pace(self, topic: str) -> None:
        was_silent = self._pace is None
        await self._find_pace()
        self._pace_changed.set()
        if was_silent and self._pace is not None:
            async with self._order:
                await self._reset(topic)

    async def _rest(self, seconds: float) -> None:
        """Let messages gather; a changed pace ends the rest."""
        self._pace_changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._pace_changed.wait()

    # Pieces -------------------------------------------------------------------------------------------------

    async def _take_in(self, topic: str, seq: int, text: str) -> None:
        async with self._order:
            if self._pace is None:
                self._outbox.last = max(self._outbox.last, seq)  # not wanted now; a reset follows when it is again
            elif self._pace and self._outbox.is_full:
                await self._reset(topic)  # more than a batch holds: the page reads the state again
            elif self._outbox.is_next(seq):
                self._outbox.put(seq, text)
                self._has_mail.set()
            elif not self._outbox.is_known(seq):
                await self._heal(topic)

    async def _resume(self, topic: str, seq: Any) -> None:
        if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < 2**53:
            raise Closing(BAD_REQUEST)
        async with self._order:
            missed = await self._ask(self._rings.since, topic, seq)
            if missed is None:
                await self._reset(topic)
                return
            self._outbox.replay(missed)
            self._has_mail.set()

    async def _heal(self, topic: str) -> None:
        missed = await self._ask(self._rings.since, topic, self._outbox.last)
        if missed is None:
            await self._reset(topic)
            return
        for seq, text in missed:
            self._outbox.put(seq, text)
        if missed:
            self._has_mail.set()

    async def _reset(self, topic: str) -> None:
        self._outbox.clear()
        self._outbox.last = await self._ask(self._rings.current, topic)
        self._queue(self._notice("reset"))

    async def _check_credential(self) -> None:
        if not await database_sync_to_async(credentials.still_holds)(self._credential):
            raise Closing(NOT_SIGNED_IN)

    async def _client_message(self) -> dict[str, Any]:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Closing(0)
        now = time.monotonic()
        if len(self._recent) == MAX_CLIENT_MESSAGES and now - self._recent[0] < CLIENT_WINDOW:
            raise Closing(TOO_MANY)
        self._recent.append(now)
        text = event.get("text") or ""
        try:
            said = json.loads(text) if len(text) <= MAX_CLIENT_CHARS else None
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise Closing(BAD_REQUEST)
        return said

    async def _ask(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.to_thread(call, *args) if self._rings.waits else call(*args)

    def _notice(self, type: str) -> str:
        return f'{{"type": "{type}", "seq": {self._outbox.last}, "data": {{}}}}'

    def _queue(self, text: str) -> None:
        self._outbox.put_text(text)
        self._has_mail.set()

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        if code:
            with contextlib.suppress(Exception):  # the client may be gone, or never read again
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._send({"type": "websocket.close", "code": code})
