"""Which socket address leads to which consumer."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from realtime import consumers

ADDRESSES: tuple[tuple[str, Any], ...] = (
    ("ws/notifications/", consumers.notifications),
    ("ws/bars/", consumers.bars),
    ("ws/account/<uuid:id>/", consumers.account),
    ("ws/backtests/<uuid:id>/", consumers.backtest),
)
_ANYTHING_ELSE: Any = consumers.nowhere

websocket_application = URLRouter(
    [*(path(address, consumer) for address, consumer in ADDRESSES), re_path(r"", _ANYTHING_ELSE)]
)
