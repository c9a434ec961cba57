"""How the tests of imports load files."""

from datetime import UTC, datetime

from domain.bars import BarArrays
from marketdata import selectors
from marketdata.bar_imports import ImportRequest, ImportResult, import_bars

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HEAD = "timestamp,open,high,low,close,volume\n"


def load(content: bytes | str, *, symbol: str = "X", timeframe: str = "1d", **options) -> ImportResult:
    raw = content.encode() if isinstance(content, str) else content
    return import_bars(raw, ImportRequest(symbol=symbol, timeframe=timeframe, **options), at=NOW)


def stored(symbol: str = "X", timeframe: str = "1d") -> BarArrays:
    return selectors.bar_series(selectors.instrument(symbol), timeframe)


def day_rows(n: int = 5, **changes: str) -> str:
    rows = {str(i): f"2024-01-{i + 1:02d},10.5,11,10,10.5,100" for i in range(n)} | changes
    return HEAD + "\n".join(rows.values()) + "\n"
