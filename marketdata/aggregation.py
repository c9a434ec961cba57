"""Higher timeframes from lower ones, aligned to the sessions of the instrument's calendar. Pure."""

import numpy as np

from domain.bars import BarArrays, Ints, Timeframe
from marketdata.calendars import DAY, sessions

_OUTSIDE = np.iinfo(np.int64).min
_MONDAY = 4 * DAY  # 1970-01-05
_WEEK = Timeframe.W1.seconds


def can_aggregate(source: Timeframe, target: Timeframe) -> bool:
    """Tell whether bars of `target` can be made of bars of `source`."""
    return source.seconds < target.seconds and target.seconds % source.seconds == 0


def aggregate(bars: BarArrays, source: Timeframe, target: Timeframe, *, calendar: str) -> BarArrays:
    """Return bars of a higher timeframe: first open, highest high, lowest low, last close, summed volume.

    With a session calendar, intraday bars start at the session's open (09:30, 10:30 … in New York), never mix regular
    and extended hours, and a daily bar holds the regular session alone, stamped 00:00Z of the exchange date. Without
    one, bars start at multiples of the timeframe in UTC. Weekly bars start on Monday 00:00Z. Raises ValueError when
    `target` is no multiple of `source`.
    """
    if not can_aggregate(source, target):
        raise ValueError(f"{target.value} bars cannot be made of {source.value} bars")
    starts = bucket_starts(bars.t, source, target, calendar=calendar)
    used = starts != _OUTSIDE
    if not used.all():
        bars, starts = bars.take(used), starts[used]
    if len(bars) == 0:
        return BarArrays.empty()
    first = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    last = np.append(first[1:], len(starts)) - 1
    return BarArrays(
        starts[first],
        bars.o[first],
        np.maximum.reduceat(bars.h, first),
        np.minimum.reduceat(bars.l, first),
        bars.c[last],
        np.add.reduceat(bars.v, first),
    )


def bucket_starts(t: Ints, source: Timeframe, target: Timeframe, *, calendar: str) -> Ints:
    """Return for each lower bar the open time of the higher bar that it belongs to."""
    if not source.is_intraday:
        return _weeks(t)
    found = sessions(calendar)
    if found is None:
        return _weeks(t) if target is Timeframe.W1 else t - t % target.seconds
    row = np.searchsorted(found.closes, t, side="right")  # the session that is open now, or opens next
    row = np.minimum(row, len(found.opens) - 1)
    regular = (t >= found.opens[row]) & (t < found.closes[row])
    if not target.is_intraday:
        days = found.dates[row]
        return np.where(regular, _weeks(days) if target is Timeframe.W1 else days, _OUTSIDE)
    opens, closed = found.opens[row], found.closes[np.maximum(row - 1, 0)]
    is_after = ~regular & (t - closed < opens - t)  # nearer to the last close than to the next open
    anchor = np.where(is_after, closed, opens)
    return np.asarray(anchor + (t - anchor) // target.seconds * target.seconds)


def _weeks(t: Ints) -> Ints:
    return np.asarray((t - _MONDAY) // _WEEK * _WEEK + _MONDAY)
