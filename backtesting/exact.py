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
from backtesting.feeds import ClosedBar, RunFeed, feeds_of, moment, moments
from backtesting.quiet import Quiet
from backtesting.results import RunResult
from backtesting.spec import RUN_STRATEGY, RunSpec
from backtesting.venue import Venue
from domain.bars import BarArrays
from domain.matching import BarPrices

ZERO = Decimal(0)
Progress = Callable[[datetime], None]


def run_exact(spec: RunSpec, bars: Mapping[str, BarArrays], *, progress: Progress | None = None) -> RunResult:
    """Run a strategy over bars (by symbol, oldest first) and return everything that it did.

    The first bar with a decision is never traded in: a signal at a bar's close fills at the next bar's open at the
    earliest. ``progress`` is called with times of moments, at least one a loss session; what it raises ends the run.
    Raises KeyError for an instrument without bars and StrategyError when the strategy's code fails.
    """
    books = Books(spec)
    venue = Venue(spec, books)
    feeds = feeds_of(spec, bars)
    desk = Desk(spec, books, venue, feeds)
    tell = progress or _nobody
    if len(feeds) == 1:
        _play_one(spec, books, venue, desk, feeds[0], tell)
    else:
        for at, closed in moments(feeds):
            _play(books, venue, desk, at, closed)
            tell(at)
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


def _nobody(at: datetime) -> None:
    """Nobody wants to know how far the run is."""


def _play_one(spec: RunSpec, books: Books, venue: Venue, desk: Desk, feed: RunFeed, tell: Progress) -> None:
    """Play the bars of the only instrument; where nothing can happen they are marked together."""
    instrument, quiet, i = feed.instrument, Quiet(spec, feed), feed.first_decision
    while i < len(feed.bars):
        stop = quiet.until(i, books.quantity(instrument, RUN_STRATEGY), venue.open(instrument.id))
        at = moment(feed.closes[max(i, stop - 1)])
        if stop > i:
            if books.begin_moment(moment(feed.closes[i])):
                desk.begin_session()
            books.mark_alone(feed, i, stop)
        else:
            _play(books, venue, desk, at, [ClosedBar(feed, i)])
        tell(at)
        i = max(stop, i + 1)


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
