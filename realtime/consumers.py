"""The websocket addresses: which topic each one listens to, and who may."""

import re
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async

from domain.bars import Timeframe
from realtime.credentials import may_listen
from realtime.sockets import Socket, TopicFinder
from realtime.topics import account_topic, backtest_topic, bars_topic, user_topic

SYMBOL = re.compile(r"[A-Za-z0-9.^=/_:-]{1,32}", re.ASCII)


async def notifications(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/ws/notifications/: the user's own facts."""

    async def topic(user: Any) -> str | None:
        return user_topic(user.pk)

    await Socket(scope, receive, send).run(topic)


async def bars(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/ws/bars/?symbol&timeframe: bars of one instrument, for anybody who is signed in."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    symbol, timeframe = query.get("symbol", [""])[0], query.get("timeframe", [""])[0]

    async def topic(user: Any) -> str | None:
        if not SYMBOL.fullmatch(symbol) or timeframe not in set(Timeframe):
            return None
        is_there = await database_sync_to_async(may_listen)("bars", user, symbol)
        return bars_topic(symbol, timeframe) if is_there else None

    await Socket(scope, receive, send).run(topic, kind="bars")


async def account(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/ws/account/{id}/: orders, fills, positions, equity and trading state of an own account."""
    await Socket(scope, receive, send).run(_owned(scope, "account", account_topic))


async def backtest(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/ws/backtests/{id}/: progress of an own backtest, from the last that was told: it may have ended already."""
    await Socket(scope, receive, send).run(_owned(scope, "backtest", backtest_topic), tells_last=True)


async def nowhere(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Any other address: the same close as something that is not yours."""

    async def topic(user: Any) -> str | None:
        return None

    await Socket(scope, receive, send).run(topic)


def _owned(scope: dict[str, Any], kind: str, name: Any) -> TopicFinder:
    key = str(scope["url_route"]["kwargs"]["id"])

    async def topic(user: Any) -> str | None:
        return name(key) if await database_sync_to_async(may_listen)(kind, user, key) else None

    return topic
