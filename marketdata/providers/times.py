"""Times as files write them: the format is proven by the whole column, or the rows are refused. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.bars import Timeframe

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_NAMED = re.compile(
    r"(\d{1,2})[-/ .]([A-Za-z]{3,9})[-/ .,]+(\d{2}|\d{4})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)
_PAIRED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_EPOCH = re.compile(r"\d{9,10}|\d{12,13}", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PIVOT = 69  # POSIX: 69..99 are 1969..1999, 00..68 are 2000..2068
_PROOF = 0.99
GRID_SECONDS = 900  # sessions open at a quarter, so longer bars may begin there
OFF_GRID = "is not where"


class DateOrder(StrEnum):
    """What the first two numbers of 01/02/2017 are."""

    MONTH_DAY = "mdy"
    DAY_MONTH = "dmy"


class TimeRefused(ValueError):
    """The text is no time that we may use; the message says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """A time as it stands in the file: naive unless the text names a zone; `has_clock` when it has a time of day."""

    moment: datetime
    has_clock: bool


def prove_order(texts: Sequence[str]) -> DateOrder | None:
    """Return the order that dates such as 13/01/2017 prove; None when none does or they contradict each other."""
    n_day_first = n_month_first = 0
    for text in texts:
        found = _PAIRED.fullmatch(text.strip())
        if found:
            n_day_first += int(found[1]) > 12
            n_month_first += int(found[2]) > 12
    proofs = n_day_first + n_month_first
    if proofs == 0 or max(n_day_first, n_month_first) < _PROOF * proofs:
        return None
    return DateOrder.DAY_MONTH if n_day_first > n_month_first else DateOrder.MONTH_DAY


def read_time(text: str, order: DateOrder | None) -> Written:
    """Read one time. Raises TimeRefused with the reason."""
    text = text.strip()
    if not text:
        raise TimeRefused("the time is empty")
    try:
        return _read(text, order)
    except (ValueError, OverflowError, OSError) as error:
        if isinstance(error, TimeRefused):
            raise
        raise TimeRefused(f"{text[:40]!r} is no date that exists") from None


def to_open(written: Written, *, timeframe: Timeframe, zone: ZoneInfo, is_end: bool) -> int:
    """Return the unix second at which the bar opened.

    Daily and weekly bars are stamped 00:00Z of the written date. Raises TimeRefused for an intraday bar without a time
    of day, a local time that the zone skips, or one that is off the bar's grid.
    """
    if not timeframe.is_intraday:
        day = written.moment
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    if not written.has_clock:
        raise TimeRefused(f"{written.moment:%Y-%m-%d} has no time of day, which a {timeframe.value} bar needs")
    moment = written.moment if written.moment.tzinfo else _localized(written.moment, zone)
    if moment.microsecond or int(moment.timestamp()) % min(timeframe.seconds, GRID_SECONDS):
        raise TimeRefused(f"{written.moment:%H:%M:%S.%f} {OFF_GRID} a {timeframe.value} bar begins")
    return int(moment.timestamp()) - (timeframe.seconds if is_end else 0)


def _read(text: str, order: DateOrder | None) -> Written:
    if found := _ISO.fullmatch(text):
        moment = _moment(int(found[1]), int(found[2]), int(found[3]), found[4], found[5], found[6])
        if found[7]:
            moment += timedelta(seconds=float(found[7]))
        return Written(_with_zone(moment, found[8]), found[4] is not None)
    if _EPOCH.fullmatch(text):
        seconds = int(text) if len(text) <= 10 else int(text) / 1000
        return Written(datetime.fromtimestamp(seconds, tz=UTC), has_clock=True)
    if found := _COMPACT.fullmatch(text):
        return Written(_moment(int(found[1]), int(found[2]), int(found[3]), *found.groups()[3:]), found[4] is not None)
    if found := _NAMED.fullmatch(text):
        return Written(
            _moment(_year(found[3]), _month(found[2]), int(found[1]), *found.groups()[3:]), found[4] is not None
        )
    if found := _PAIRED.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        if order is None:
            raise TimeRefused(
                f"{text!r} is ambiguous: no row proves whether the day or the month comes first; give date_order"
            )
        month, day = (first, second) if order is DateOrder.MONTH_DAY else (second, first)
        return Written(_moment(_year(found[3]), month, day, *found.groups()[3:]), found[4] is not None)
    raise TimeRefused(f"{text[:40]!r} is not a time that can be read (2024-01-31 or 2024-01-31T15:30:00Z is best)")


def _moment(year: int, month: int, day: int, hour: str | None, minute: str | None, second: str | None) -> datetime:
    return datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0))


def _with_zone(moment: datetime, zone: str | None) -> datetime:
    if zone is None:
        return moment
    if zone.upper() in ("Z", "UTC"):
        return moment.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{moment.isoformat()}{zone[:3]}:{zone[-2:]}")


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) >= _PIVOT else 2000)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _localized(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise TimeRefused(f"{moment:%Y-%m-%d %H:%M} does not exist in {zone.key} (the clocks go forward)")
    return local
