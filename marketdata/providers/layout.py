"""Which column of a file is what. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import ValidationFailed

_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-]{0,14}", re.ASCII)
OHLC = ("open", "high", "low", "close")
ROLES = ("time", "clock", *OHLC, "volume")
_ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "date_time", "open_time", "date", "day", "t", "time"),
    "clock": ("time",),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "last", "close_last", "close_price"),
    "volume": ("volume", "vol", "v", "base_volume"),
}
_TICK_COLUMNS = ({"price"}, {"bid", "ask"})


class PriceSide(StrEnum):
    """Which price a file of bid and ask bars is read as."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Layout:
    """Column numbers by role. `quotes` holds those of bid_open … ask_close; `symbols` those of a wide file of closes.

    `clock` is a time of day beside the date; `n_fields` is how many fields a row must have.
    """

    time: int
    n_fields: int
    clock: int | None = None
    ohlc: tuple[int, ...] = ()
    volume: int | None = None
    quotes: tuple[int, ...] = ()
    symbols: tuple[tuple[str, int], ...] = ()

    @property
    def numeric(self) -> tuple[int, ...]:
        """Return the numbers of all columns that hold numbers we read."""
        wide = tuple(column for _, column in self.symbols)
        return (*self.ohlc, *self.quotes, *wide, *(() if self.volume is None else (self.volume,)))


def find_layout(header: Sequence[str], *, column_map: Mapping[str, str] | None = None) -> Layout:
    """Return the layout that a header tells, `column_map` ({"close": "Adj Close"}) going before the usual names.

    Raises ValidationFailed for trades or quotes tick by tick, a header without what a bar needs, or a bad map.
    """
    names = [_plain(name) for name in header]
    mapped = _mapped(header, column_map or {})
    places = {role: mapped.get(role, _first(names, role)) for role in ROLES}
    quotes = tuple(_index(names, f"{side}_{part}") for side in ("bid", "ask") for part in OHLC)
    time = places["time"]
    if time is None:
        raise _bad_header(header, "no time column (timestamp, date, datetime)")
    clock = None if places["clock"] == time else places["clock"]
    if all(places[part] is not None for part in OHLC):
        ohlc = tuple(place for part in OHLC if (place := places[part]) is not None)
        return Layout(time, len(header), clock=clock, ohlc=ohlc, volume=places["volume"])
    if all(place is not None for place in quotes):
        return Layout(time, len(header), clock=clock, quotes=tuple(place for place in quotes if place is not None))
    if "close" in mapped and not any(part in mapped for part in ("open", "high", "low")):
        close = mapped["close"]
        return Layout(time, len(header), clock=clock, ohlc=(close,) * 4, volume=mapped.get("volume"))
    _refuse_ticks(names, header)
    return _wide(header, time, missing=[part for part in OHLC if places[part] is None])


def _wide(header: Sequence[str], time: int, *, missing: list[str]) -> Layout:
    others = [(name.strip(), column) for column, name in enumerate(header) if column != time]
    if len(missing) < len(OHLC) or len(others) < 2 or not all(_SYMBOL.fullmatch(name) for name, _ in others):
        raise _bad_header(header, f"no column {', '.join(missing)}")
    return Layout(time, len(header), symbols=tuple(others))


def _refuse_ticks(names: list[str], header: Sequence[str]) -> None:
    for ticks in _TICK_COLUMNS:
        if ticks <= set(names):
            kind = "trades" if "price" in ticks else "quotes"
            message = (
                f"This is a file of single {kind} (columns {_shown(header)}), not of bars; "
                "make bars of it first: open, high, low, close and volume for each time"
            )
            raise ValidationFailed(message, field="file", code="tick_file")


def _mapped(header: Sequence[str], column_map: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for role, name in column_map.items():
        if role not in ROLES:
            message = f"The column map knows {', '.join(ROLES)}, not {role[:40]!r}"
            raise ValidationFailed(message, field="column_map", code="unknown_field")
        place = _index([column.strip().lower() for column in header], name.strip().lower())
        if place is None:
            message = f"The file has no column {name[:40]!r}; it has {_shown(header)}"
            raise ValidationFailed(message, field="column_map", code="unknown_column")
        found[role] = place
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _first(names: list[str], role: str) -> int | None:
    return next((place for alias in _ALIASES[role] if (place := _index(names, alias)) is not None), None)


def _index(names: list[str], name: str) -> int | None:
    return names.index(name) if name in names else None


def _shown(header: Sequence[str]) -> str:
    return ", ".join(name.strip()[:24] for name in header[:30])


def _bad_header(header: Sequence[str], why: str) -> ValidationFailed:
    message = f"The header has {why}; it names: {_shown(header)}. Give `column_map` to say which column is what"
    return ValidationFailed(message, field="file", code="bad_header")
