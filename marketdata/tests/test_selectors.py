"""Bars are seen in ranges and never before they have closed; prices know their age."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.bars import Timeframe
from domain.errors import NotFound
from marketdata import replay_services, selectors
from marketdata.tests.factories import MONDAY, make_bars, make_instrument, make_stored, store_bars

pytestmark = pytest.mark.django_db
DAY = 86_400


def day(n: int) -> datetime:
    return datetime.fromtimestamp(MONDAY + n * DAY, tz=UTC)


def test_an_instrument_is_found_in_any_case_and_nothing_else_is() -> None:
    row = make_instrument("BTC/USDT")

    assert selectors.instrument(" btc/usdt ").pk == row.pk
    assert selectors.spec(row).tick_size == Decimal("0.01")
    with pytest.raises(NotFound, match="no instrument 'NOPE'"):
        selectors.instrument("NOPE")


def test_a_range_includes_its_start_and_excludes_its_end() -> None:
    row = make_stored(10)

    assert selectors.bar_series(row, "1d", start=day(2), end=day(5)).t.tolist() == [MONDAY + n * DAY for n in (2, 3, 4)]
    assert selectors.bar_series(row, "1d", start=day(2), limit=2).t.tolist() == [MONDAY + 2 * DAY, MONDAY + 3 * DAY]
    assert selectors.bar_series(row, "1d", limit=2).t.tolist() == [MONDAY + 8 * DAY, MONDAY + 9 * DAY]


def test_as_of_hides_what_has_not_closed() -> None:
    row = make_stored(10)

    assert len(selectors.bar_series(row, "1d", as_of=day(3))) == 3
    assert len(selectors.bar_series(row, "1d", as_of=day(3) - timedelta(seconds=1))) == 2
    assert selectors.bar_series(row, "1d", limit=1, as_of=day(3)).c.tolist() == [102]


def test_daily_bars_of_an_exchange_close_with_its_session() -> None:
    row = make_stored(5, calendar="XNYS", start=MONDAY + DAY)  # Tuesday 2 January to Saturday
    close = datetime(2024, 1, 2, 21, tzinfo=UTC)

    assert selectors.bar_close_at(row, "1d", day(1)) == close
    assert len(selectors.bar_series(row, "1d", as_of=close)) == 1
    assert len(selectors.bar_series(row, "1d", as_of=close - timedelta(seconds=1))) == 0
    assert selectors.bar_close_at(row, "1h", close) == close + timedelta(hours=1)


def test_closed_bars_are_told_by_their_close() -> None:
    row = make_stored(10)

    found = selectors.closed_bars(row, "1d", after=day(3), until=day(5))

    assert found.t.tolist() == [MONDAY + 3 * DAY, MONDAY + 4 * DAY]  # they close at 4 and 5
    assert len(selectors.closed_bars(row, "1d", after=None, until=day(5))) == 5
    assert len(selectors.closed_bars(row, "1d", after=day(5), until=day(5))) == 0


@pytest.mark.parametrize(("calendar", "start"), [("24/7", MONDAY), ("XNYS", MONDAY + DAY)])
@pytest.mark.parametrize("timeframe", ["1m", "1h", "1d"])
def test_every_bar_is_closed_exactly_once_whatever_the_cuts(calendar: str, start: int, timeframe: str) -> None:
    frame = Timeframe(timeframe)
    row = make_stored(20, timeframe=frame, calendar=calendar, start=start)
    cuts = [start + n * frame.seconds // 3 for n in range(0, 80)]

    seen: list[int] = []
    for after, until in pairwise(cuts):
        found = selectors.closed_bars(
            row, frame, after=datetime.fromtimestamp(after, tz=UTC), until=datetime.fromtimestamp(until, tz=UTC)
        )
        seen += found.t.tolist()

    assert seen == selectors.bar_series(row, frame).t.tolist()


def test_a_timeframe_without_bars_is_made_of_a_lower_one_without_its_unfinished_last_bar() -> None:
    row = make_stored(150, timeframe=Timeframe.M1)

    hours = selectors.bar_series(row, "1h")

    assert hours.t.tolist() == [MONDAY, MONDAY + 3600]
    assert hours.v.tolist() == [60_000, 60_000]
    assert selectors.next_bars(row, "1h", 1, after=MONDAY).t.tolist() == [MONDAY + 3600]
    assert len(selectors.next_bars(row, "1h", 1, after=MONDAY + 3600)) == 0
    assert len(selectors.bar_series(row, "1d")) == 0


def test_decimal_bars_are_what_the_text_said() -> None:
    row = make_stored(1)

    (bar,) = selectors.bars(row, "1d", selectors.bar_series(row, "1d"))

    assert (bar.open, bar.close, bar.close_at) == (Decimal("99.5"), Decimal("100.0"), day(1))


def test_without_a_clock_the_mark_is_the_last_bar_and_stale() -> None:
    row = make_stored(3)

    mark = selectors.mark(row)

    assert (mark.price, mark.at, mark.stale, mark.source) == (Decimal("102.0"), day(3), True, "bars")
    with pytest.raises(NotFound, match="has no price"):
        selectors.mark(make_instrument())


def test_with_a_clock_the_mark_is_fresh_in_market_time() -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=4)

    mark = selectors.mark(row)

    assert selectors.market_time(row) == day(4)
    assert (mark.price, mark.at, mark.age_seconds, mark.stale) == (Decimal("103.0"), day(4), 0, False)


def test_bars_added_later_are_seen() -> None:
    row = make_stored(3)
    selectors.bar_series(row, "1d")
    store_bars(row, make_bars(2, start=MONDAY + 3 * DAY))

    assert len(selectors.bar_series(row, "1d")) == 5
