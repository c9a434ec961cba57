"""The names of what a browser can listen to. A name is also a channel-layer group, so it holds safe characters only."""

import hashlib
import string
from uuid import UUID

SAFE = frozenset(string.ascii_letters + string.digits + ".")
MAX_SYMBOL = 60  # group names end at 100 characters


def user_topic(user_id: UUID | str) -> str:
    """Return the topic of one user's private facts."""
    return f"user-{user_id}"


def account_topic(account_id: UUID | str) -> str:
    """Return the topic of one account: orders, fills, positions, equity, trading state."""
    return f"account-{account_id}"


def backtest_topic(backtest_id: UUID | str) -> str:
    """Return the topic of one backtest's progress."""
    return f"backtest-{backtest_id}"


def bars_topic(symbol: str, timeframe: str) -> str:
    """Return the topic of one instrument's bars. Different symbols never share a name (`BTC/USDT`, `BTC_USDT`)."""
    return f"bars-{_safe(symbol)}-{_safe(str(timeframe))}"


def control_group(user_id: UUID | str) -> str:
    """Return the group that tells one user's sockets to look again whether they may still be open."""
    return f"control-{user_id}"


def _safe(text: str) -> str:
    name = "".join(char if char in SAFE else f"_{ord(char):x}_" for char in text)
    return name if len(name) <= MAX_SYMBOL else f"_sha_{hashlib.sha256(text.encode()).hexdigest()[:40]}"
