"""Trading sessions by exchange_calendars, as arrays of unix seconds. Pure: no clock, no database."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import exchange_calendars
import numpy as np
import numpy.typing as npt

from domain.bars import Ints, Timeframe

ALWAYS = "24/7"
WEEKDAYS = "24/5"
DAY = 86_400
_FIRST, _LAST = "1950-01-01", "2035-12-31"
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday (Monday = 0)


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """All sessions of one calendar: `dates` (00:00Z of the exchange date), `opens` and `closes`, int64 seconds."""

    dates: Ints
    opens: Ints
    closes: Ints


@lru_cache(maxsize=8)
def sessions(calendar: str) -> Sessions | None:
    """Return the sessions of an exchange's calendar; None for "24/7", "24/5" and unknown codes."""
    if calendar in (ALWAYS, WEEKDAYS) or not is_known(calendar):
        return None
    try:
        found = exchange_calendars.get_calendar(calendar, start=_FIRST, end=_LAST)
    except ValueError:  # some calendars do not reach back or ahead that far
        found = exchange_calendars.get_calendar(calendar)
    return Sessions(
        found.sessions.to_numpy().astype("datetime64[s]").astype(np.int64),
        found.opens_nanos // 1_000_000_000,
        found.closes_nanos // 1_000_000_000,
    )


@lru_cache(maxsize=1)
def known_codes() -> frozenset[str]:
    """Return every calendar code that an instrument may carry."""
    return frozenset(exchange_calendars.get_calendar_names()) | {ALWAYS, WEEKDAYS}


def is_known(calendar: str) -> bool:
    """Tell whether this is a calendar code."""
    return calendar in known_codes()


def close_times(opened: Ints, timeframe: Timeframe, calendar: str) -> Ints:
    """Return when each bar closed: the session's close for daily bars of an exchange, else open + timeframe."""
    plain = opened + timeframe.seconds
    found = sessions(calendar) if timeframe is Timeframe.D1 else None
    if found is None:
        return plain
    at = np.searchsorted(found.dates, opened)
    row = np.minimum(at, len(found.dates) - 1)
    return np.where(found.dates[row] == opened, found.closes[row], plain)


def is_trading_day(days: Ints, calendar: str) -> npt.NDArray[np.bool_]:
    """Tell for each 00:00Z day (seconds) whether the calendar trades then."""
    if calendar == ALWAYS:
        return np.ones(len(days), dtype=np.bool_)
    found = sessions(calendar)
    if found is None:
        return np.asarray((days // DAY + _EPOCH_WEEKDAY) % 7 < 5)
    return np.isin(days, found.dates)


def session_of(opened: Ints, calendar: str) -> Ints:
    """Return the row of the session that each time lies in (open <= t < close), -1 outside all sessions."""
    found = sessions(calendar)
    if found is None:
        raise ValueError(f"{calendar} has no sessions")
    row = np.searchsorted(found.opens, opened, side="right") - 1
    inside = (row >= 0) & (opened < found.closes[np.maximum(row, 0)])
    return np.where(inside, row, -1)


def session_ends(closes: Ints, timeframe: Timeframe, calendar: str) -> npt.NDArray[np.bool_]:
    """Tell for each bar close whether the trading session ends with the bar, or in it (an early close, hours from half
    past to half past): a session's close lies after its open and not after its close. 00:00Z where there are none."""
    if not timeframe.is_intraday:
        return np.ones(len(closes), dtype=np.bool_)
    found = sessions(calendar)
    if found is None:
        return np.asarray(closes % DAY == 0)
    coming = np.searchsorted(found.closes, closes - timeframe.seconds, side="right")
    is_known = coming < len(found.closes)
    return np.asarray(is_known & (found.closes[np.minimum(coming, len(found.closes) - 1)] <= closes))


def session_begins(opened: Ints, timeframe: Timeframe, calendar: str) -> npt.NDArray[np.bool_]:
    """Tell for each bar's open whether the session begins with the bar, or in it; at 00:00Z where there are none."""
    if not timeframe.is_intraday:
        return np.ones(len(opened), dtype=np.bool_)
    found = sessions(calendar)
    if found is None:
        return np.asarray(opened % DAY == 0)
    coming = np.searchsorted(found.opens, opened)
    is_known = coming < len(found.opens)
    first = found.opens[np.minimum(coming, len(found.opens) - 1)]
    return np.asarray(is_known & (first < opened + timeframe.seconds))


class Hours(StrEnum):
    """Where in its market's day a bar lies."""

    REGULAR = "regular"
    PRE_MARKET = "pre_market"
    AFTER_HOURS = "after_hours"
    CLOSED = "closed"


_EXTENDED = 6 * 3600  # US shares trade from 04:00 to 20:00, 5.5 hours before and 4 after the session


def hours(opened: int, timeframe: Timeframe, calendar: str) -> Hours:
    """Return the hours in which a bar that opened then lies; daily and longer bars are regular, as is 24/7."""
    found = sessions(calendar) if timeframe.is_intraday else None
    if found is None:
        return Hours.REGULAR
    after = int(np.searchsorted(found.opens, opened, side="right"))
    if after and opened < found.closes[after - 1]:
        return Hours.REGULAR
    if after < len(found.opens) and found.opens[after] - opened <= _EXTENDED:
        return Hours.PRE_MARKET
    if after and opened - found.closes[after - 1] < _EXTENDED:
        return Hours.AFTER_HOURS
    return Hours.CLOSED
