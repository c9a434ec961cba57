"""The past driver in plain Python: over every moment at which bars closed, match, mark, decide, submit.

As trading.pipeline does live, with the same functions and exact decimals: the reference that the compiled kernel is
tested against, and the path of runs with features that the kernel does not know. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from backtesting.books import Books
from backtesting.desk import Desk
from backtesting.feeds import ClosedBar, feeds_of, moments
from backtesting.results import RunResult
from backtesting.spec import RunSpec
from backtesting.venue import Venue
from domain.bars import BarArrays
from domain.matching import BarPrices

ZERO = Decimal(0)
Progress = Callable[[datetime], None]


def run_exact(spec: RunSpec, bars: Mapping[str, BarArrays], *, progress: Progress | None = None) -> RunResult:
    """Run a strategy over bars (by symbol, oldest first) and return everything that it did.

    The first bar with a decision is never traded in: a signal at a bar's close fills at the next bar's open at the
    earliest. ``progress`` is called with the time of every moment; what it raises ends the run. Raises KeyError for an
    instrument without bars and StrategyError when the strategy's code fails.
    """
    books = Books(spec)
    venue = Venue(spec, books)
    feeds = feeds_of(spec, bars)
    desk = Desk(spec, books, venue, feeds)
    for at, closed in moments(feeds):
        _play(books, venue, desk, at, closed)
        if progress is not None:
            progress(at)
    return RunResult(
        orders=tuple(venue.orders),
        fills=tuple(books.fills),
        fill_orders=tuple(venue.fill_orders),
        trades=books.all_trades(),
        signals=tuple(desk.signals),
        positions=books.positions(),
        curve=books.curve(),
        cash=books.cash,
        equity=books.equity,
        peak_equity=books.peak_equity,
        fees_paid=sum((fill.fee for fill in books.fills), ZERO),
        financing=books.financing,
        dividends=books.dividends,
    )


def _play(books: Books, venue: Venue, desk: Desk, at: datetime, closed: Sequence[ClosedBar]) -> None:
    """Do the four steps for the bars that closed at one moment."""
    books.accrue(at)
    if books.begin_moment(at):
        desk.begin_session()
    prices: dict[UUID, BarPrices] = {}
    for bar in closed:
        instrument = bar.feed.instrument
        books.pay_dividends(instrument, int(bar.feed.bars.t[bar.i]))
        prices[instrument.id] = bar.feed.prices(bar.i)
        venue.match(instrument, prices[instrument.id], at=at, ends_session=bool(bar.feed.ends_session[bar.i]))
    books.mark(at, prices)
    desk.watch(at)
    for bar in closed:
        desk.decide(bar.feed, bar.i, at, prices[bar.feed.instrument.id].close)
    desk.place_scripted(at)
