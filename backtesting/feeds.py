"""A run's bars by instrument, with what the strategy says at each, and the moments at which they close. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import numpy.typing as npt

from backtesting.spec import RunSpec
from domain.bars import BarArrays, Ints, Timeframe
from domain.instruments import InstrumentSpec
from domain.matching import BarPrices
from marketdata.calendars import Hours, close_times, hours, session_begins, session_ends
from risk.market_inputs import DAYS_NEEDED
from strategies.evaluate import Answer, answer, warmup_of


@dataclass(frozen=True, slots=True, eq=False)
class RunFeed:
    """Bars of one instrument: when each closed, whether it begins or ends a session, what the strategy says at it."""

    instrument: InstrumentSpec
    timeframe: Timeframe
    bars: BarArrays
    closes: Ints
    begins_session: npt.NDArray[np.bool_]
    ends_session: npt.NDArray[np.bool_]
    answer: Answer
    first_decision: int

    def prices(self, i: int) -> BarPrices:
        """Return the prices of bar `i`; each is exactly the shortest decimal of its float."""
        bars = self.bars
        opened, high, low, close, volume = (
            Decimal(repr(float(column[i]))) for column in (bars.o, bars.h, bars.l, bars.c, bars.v)
        )
        return BarPrices(
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            begins_session=bool(self.begins_session[i]),
            ends_session=bool(self.ends_session[i]),
        )

    def hours(self, i: int) -> Hours:
        """Return where in its market's day bar `i` lies."""
        return hours(int(self.bars.t[i]), self.timeframe, self.instrument.calendar)


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """Bar `i` of a feed."""

    feed: RunFeed
    i: int


def feeds_of(spec: RunSpec, bars: Mapping[str, BarArrays]) -> list[RunFeed]:
    """Return the feeds of a run by symbol. Raises KeyError for an instrument without bars, StrategyError."""
    warmup = warmup_of(spec.strategy, spec.params)
    first = spec.first_decision or {}
    feeds = []
    for instrument in sorted(spec.instruments, key=lambda each: each.symbol):
        series = bars[instrument.symbol]
        closes = close_times(series.t, spec.timeframe, instrument.calendar)
        feeds.append(
            RunFeed(
                instrument=instrument,
                timeframe=spec.timeframe,
                bars=series,
                closes=closes,
                begins_session=session_begins(series.t, spec.timeframe, instrument.calendar),
                ends_session=session_ends(closes, spec.timeframe, instrument.calendar),
                answer=answer(spec.strategy, spec.params, series),
                first_decision=max(warmup, first.get(instrument.symbol, warmup)),
            )
        )
    return feeds


def history_of(feeds: Sequence[RunFeed]) -> Callable[[UUID, datetime], BarArrays]:
    """Return a function that gives an instrument's daily bars that had closed by a moment (of days alone: none else).

    A run on intraday bars knows no daily ones, so that rules on daily returns deny there.
    """
    by_instrument = {feed.instrument.id: feed for feed in feeds if feed.timeframe is Timeframe.D1}

    def history(instrument_id: UUID, at: datetime) -> BarArrays:
        feed = by_instrument.get(instrument_id)
        if feed is None:
            return BarArrays.empty()
        return feed.bars.head(int(np.searchsorted(feed.closes, at.timestamp(), side="right"))).tail(DAYS_NEEDED)

    return history


def moments(feeds: Sequence[RunFeed]) -> Iterator[tuple[datetime, list[ClosedBar]]]:
    """Yield every moment at which a bar closes after the warm-up began, with its bars in the order of the symbols.

    Bars before a feed's first decision are left out: nothing can be held or work then.
    """
    if len(feeds) == 1:
        feed = feeds[0]
        for i in range(feed.first_decision, len(feed.bars)):
            yield moment(feed.closes[i]), [ClosedBar(feed, i)]
        return
    times = np.concatenate([feed.closes[feed.first_decision :] for feed in feeds])
    owner = np.concatenate([np.full(len(f.bars) - min(f.first_decision, len(f.bars)), k) for k, f in enumerate(feeds)])
    rows = np.concatenate([np.arange(min(f.first_decision, len(f.bars)), len(f.bars)) for f in feeds])
    order = np.lexsort((owner, times))
    at, closed = None, []
    for position in order:
        if at is not None and times[position] != at:
            yield moment(at), closed
            closed = []
        at = times[position]
        closed.append(ClosedBar(feeds[int(owner[position])], int(rows[position])))
    if at is not None:
        yield moment(at), closed


def moment(seconds: np.int64) -> datetime:
    """Return seconds since 1970 as a time."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)
