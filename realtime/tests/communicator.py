"""A websocket client for tests, straight on the application (channels' own one wants a server that we do not use)."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator


class SocketClient(ApplicationCommunicator):
    """Connects to one path with given headers, sends and receives."""

    def __init__(self, application: Any, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        address, _, query = path.partition("?")
        super().__init__(
            application,
            {
                "type": "websocket",
                "path": address,
                "query_string": query.encode(),
                "headers": headers,
                "client": ["127.0.0.1", 5000],
            },
        )

    async def connect(self, timeout: float = 10) -> tuple[bool, int]:
        """Open; return whether it was accepted, else the code of the close."""
        await self.send_input({"type": "websocket.connect"})
        event = await self.receive_output(timeout)
        return event["type"] == "websocket.accept", event.get("code", 0)

    async def send_json_to(self, data: Any) -> None:
        """Send JSON."""
        await self.send_to(text_data=json.dumps(data))

    async def send_to(self, *, text_data: str) -> None:
        """Send text."""
        await self.send_input({"type": "websocket.receive", "text": text_data})

    async def receive_from(self, timeout: float = 10) -> str:
        """Receive text."""
        event = await self.receive_output(timeout)
        assert event["type"] == "websocket.send", event
        return str(event["text"])

    async def receive_json_from(self, timeout: float = 10) -> Any:
        """Receive JSON."""
        return json.loads(await self.receive_from(timeout))

    async def disconnect(self) -> None:
        """Close from the client's side and wait until the application has ended."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(10)
