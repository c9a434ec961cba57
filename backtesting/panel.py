"""A run's bars as one block of arrays: what every instrument showed at every moment, closes and sessions beside it.

Making a panel is preparation (once for many runs); the compiled kernel reads nothing else. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from domain.bars import BarArrays, Floats, Ints, Timeframe
from domain.instruments import InstrumentSpec
from marketdata.calendars import close_times, session_ends, session_of

_DAY = 86_400


@dataclass(frozen=True, eq=False)
class Panel:
    """Bars of several instruments on common times, oldest first; row = bar, column = instrument by symbol.

    t : int64[n_bars], unix seconds at which each bar opened
    closes : int64[n_bars], unix seconds at which each bar closed
    ends_session : bool[n_bars], does the trading session end with the bar?
    o, h, l, c, v : float64[n_bars, n_instruments], C order; prices in the quote currency, units traded
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe
    calendar: str
    t: Ints
    closes: Ints
    ends_session: npt.NDArray[np.bool_]
    o: Floats
    h: Floats
    l: Floats  # noqa: E741  the trade's own letter for the low
    c: Floats
    v: Floats

    @cached_property
    def in_session(self) -> npt.NDArray[np.bool_]:
        """Tell for each bar whether it opened inside one of the calendar's sessions."""
        return session_of(self.t, self.calendar) >= 0

    @property
    def n_bars(self) -> int:
        """How many moments there are."""
        return len(self.t)

    @property
    def n_instruments(self) -> int:
        """How many instruments there are."""
        return len(self.symbols)

    def bars(self, symbol: str) -> BarArrays:
        """Return one instrument's bars."""
        k = self.symbols.index(symbol)
        blocks = (self.o, self.h, self.l, self.c, self.v)
        return BarArrays(self.t, *(np.ascontiguousarray(block[:, k]) for block in blocks))


def panel_of(
    instruments: Sequence[InstrumentSpec], timeframe: Timeframe, bars: Mapping[str, BarArrays]
) -> Panel | None:
    """Return the panel of these instruments' bars; None where their times or calendars differ.

    Raises KeyError for an instrument without bars. Of one instrument the columns are views; only columns that may not
    be written to are copied, since the kernel would be compiled once more for them.
    """
    ordered = sorted(instruments, key=lambda each: each.symbol)
    series = [bars[each.symbol] for each in ordered]
    first = series[0]
    calendars = {each.calendar for each in ordered}
    if len(calendars) > 1 or any(not np.array_equal(first.t, other.t) for other in series[1:]):
        return None
    calendar = ordered[0].calendar
    closes = close_times(first.t, timeframe, calendar)
    blocks = [_block([each.columns[k] for each in series]) for k in range(1, 6)]
    return Panel(
        tuple(each.symbol for each in ordered),
        timeframe,
        calendar,
        first.t,
        closes,
        session_ends(closes, timeframe, calendar),
        *blocks,
    )


def _block(columns: Sequence[npt.NDArray[np.float64 | np.int64]]) -> Floats:
    if len(columns) == 1:
        return np.require(columns[0], np.float64, ["C", "W"]).reshape(-1, 1)
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float64)


@lru_cache(maxsize=16)
def zone_offsets(zone: str) -> tuple[Ints, Ints]:
    """Return when a zone's offset from UTC changes and to how many seconds (1970 to 2037)."""
    named = ZoneInfo(zone)

    def offset(at: int) -> int:
        away = datetime.fromtimestamp(at, tz=named).utcoffset()
        return int(away.total_seconds()) if away is not None else 0

    days = np.arange(0, 68 * 365, dtype=np.int64) * _DAY
    daily = np.array([offset(int(day)) for day in days], dtype=np.int64)
    starts, offsets = [int(days[0])], [int(daily[0])]
    for row in np.flatnonzero(np.diff(daily)):
        low, high = int(days[row]), int(days[row + 1])
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == daily[row] else (low, middle)
        starts.append(high)
        offsets.append(int(daily[row + 1]))
    return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)
