"""The rows of a file as arrays, in the file's order, each with its line. Pure."""

from dataclasses import dataclass, field

import numpy as np

from domain.bars import BarArrays, Floats, Ints
from marketdata.providers.layout import PriceSide


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a file is to be read; see `services.import_bars`."""

    timeframe: str
    timezone: str = "UTC"
    price: PriceSide = PriceSide.MID
    is_end: bool = False
    date_order: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class RawBars:
    """Bars of one symbol ("" when the file names none) in the file's order, and the line of each."""

    symbol: str
    bars: BarArrays
    lines: Ints


@dataclass(frozen=True, slots=True)
class FileBars:
    """What a file holds: series, refused lines with the reason, and what was noticed about the whole."""

    rows_read: int
    series: tuple[RawBars, ...]
    rejected: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


def mid_of(quotes: list[Floats], side: PriceSide) -> list[Floats]:
    """Return open, high, low, close from bid_open … ask_close; mids are rounded to 10 places, as decimals would be."""
    bids, asks = quotes[:4], quotes[4:]
    if side is PriceSide.BID:
        return bids
    if side is PriceSide.ASK:
        return asks
    return [np.round((bid + ask) / 2, 10) for bid, ask in zip(bids, asks, strict=True)]


def crossed(quotes: list[Floats]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which rows have a bid above its ask at the open or the close."""
    return np.asarray((quotes[0] > quotes[4]) | (quotes[3] > quotes[7]))
