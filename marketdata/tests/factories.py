"""Real rows for tests: instruments with stored bars."""

import uuid
from decimal import Decimal

import numpy as np

from domain.bars import BarArrays, BarSource, Timeframe
from domain.instruments import AssetClass
from marketdata import services
from marketdata.bar_files import bar_store
from marketdata.models import Instrument

MONDAY = 1_704_067_200  # 2024-01-01T00:00:00Z


def make_instrument(symbol: str = "", **changes: object) -> Instrument:
    """Add an instrument that trades round the clock, unless told otherwise."""
    facts = {
        "venue": "TEST",
        "asset_class": AssetClass.CRYPTO,
        "currency": "USD",
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
        "calendar": "24/7",
        **changes,
    }
    return services.create_instrument(symbol or f"T{uuid.uuid4().hex[:10].upper()}", **facts)  # type: ignore[arg-type]  # any fact


def make_bars(n: int, *, timeframe: Timeframe = Timeframe.D1, start: int = MONDAY, price: float = 100.0) -> BarArrays:
    """Return rising bars: close = price + row."""
    t = start + np.arange(n, dtype=np.int64) * timeframe.seconds
    c = price + np.arange(n, dtype=np.float64)
    return BarArrays(t, c - 0.5, c + 1, c - 1, c, np.full(n, 1000.0))


def make_stored(
    n: int = 10, *, timeframe: Timeframe = Timeframe.D1, start: int = MONDAY, **changes: object
) -> Instrument:
    """Add an instrument with `n` stored bars."""
    row = make_instrument(**changes)  # type: ignore[arg-type]  # any fact
    store_bars(row, make_bars(n, timeframe=timeframe, start=start), timeframe)
    return row


def store_bars(row: Instrument, bars: BarArrays, timeframe: Timeframe = Timeframe.D1) -> None:
    """Put bars into the store as imported ones."""
    bar_store().merge(row.pk, timeframe, bars, source=BarSource.IMPORTED)
