"""The server's application: HTTP on a2wsgi's persistent threads (database connections live on), sockets on the loop."""

import os
from typing import Any

from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

from tradeplatform.wsgi import application as http_application  # noqa: I001 - sets Django up before the rest
from realtime.routing import websocket_application

_wsgi: Any = http_application
_http: Any = WSGIMiddleware(_wsgi, workers=8)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand a connection to the HTTP or the websocket side."""
    if scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["type"] == "websocket":
        await websocket_application(scope, receive, send)
