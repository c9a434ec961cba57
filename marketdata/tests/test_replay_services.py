"""A market clock plays stored bars in order, once each, for everybody alike."""

from datetime import UTC, datetime

import pytest

from core import facts
from domain.bars import Timeframe
from domain.errors import Conflict, ValidationFailed
from marketdata import replay_services, selectors, services
from marketdata.models import Feed, Instrument, Replay, ReplayState
from marketdata.tests.factories import MONDAY, make_bars, make_instrument, make_stored, store_bars

pytestmark = pytest.mark.django_db
DAY = 86_400


def day(n: float) -> datetime:
    return datetime.fromtimestamp(MONDAY + n * DAY, tz=UTC)


def clock(row: Instrument) -> Replay:
    found = Instrument.objects.get(pk=row.pk).replay
    assert found is not None
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks):
    """Collect the facts that are handed on."""
    seen: list[facts.Fact] = []
    monkeypatch.setattr("core.bus.hand_on", seen.append)
    return seen


def play(row: Instrument, capture, steps: int = 1) -> int:
    with capture(execute=True):
        return replay_services.play(clock(row), steps=steps)


def test_a_strategy_s_clock_has_shown_its_warm_up() -> None:
    row = make_stored(10)

    feed = replay_services.open_feed(row, "1d", warmup_bars=4)

    assert clock(row).market_time == day(4)
    assert feed.cursor_at == day(3)


@pytest.mark.parametrize(("n", "shown"), [(1000, 250), (10, 5)])
def test_a_bare_order_s_clock_has_shown_250_bars_or_half(n: int, shown: int) -> None:
    row = make_stored(n)
    replay_services.open_feed(row, "1d")
    assert clock(row).market_time == day(shown)


def test_a_warm_up_longer_than_the_history_leaves_one_bar_to_play() -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=500)
    assert clock(row).market_time == day(9)


def test_without_warm_up_the_clock_stands_before_the_first_bar() -> None:
    row = make_stored(3)

    feed = replay_services.open_feed(row, "1d", warmup_bars=0)

    assert clock(row).market_time == day(0)
    assert feed.cursor_at is None
    assert len(selectors.bar_series(row, "1d", as_of=clock(row).market_time)) == 0


def test_an_instrument_without_bars_can_not_be_played() -> None:
    with pytest.raises(ValidationFailed, match="no 1d bars"):
        replay_services.open_feed(make_instrument(), "1d")


def test_opening_twice_changes_nothing() -> None:
    row = make_stored(10)
    first = replay_services.open_feed(row, "1d", warmup_bars=2)
    again = replay_services.open_feed(row, "1d", warmup_bars=7)

    assert again.pk == first.pk
    assert clock(row).market_time == day(2)


def test_instruments_of_one_strategy_share_a_clock_that_all_can_decide_on() -> None:
    old, young = make_stored(20), make_stored(10, start=MONDAY + 8 * DAY)

    replay_services.open_feed(old, "1d", warmup_bars=3, with_instruments=[young])

    assert clock(old).pk == clock(young).pk
    assert clock(old).market_time == day(11)


def test_a_clock_of_the_same_owner_is_joined_only_within_the_own_bars() -> None:
    first, within, after = make_stored(20), make_stored(20), make_stored(20, start=MONDAY + 100 * DAY)
    replay_services.open_feed(first, "1d", warmup_bars=5, owner="account-1")

    replay_services.open_feed(within, "1d", warmup_bars=9, owner="account-1")
    replay_services.open_feed(after, "1d", warmup_bars=9, owner="account-1")

    assert clock(within).pk == clock(first).pk
    assert clock(after).pk != clock(first).pk


def test_a_step_moves_clock_cursor_and_mark_and_tells_it(told, django_capture_on_commit_callbacks) -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=4)

    assert play(row, django_capture_on_commit_callbacks) == 1

    assert clock(row).market_time == day(5)
    assert Feed.objects.get(instrument=row).cursor_at == day(4)
    assert selectors.mark(row).at == day(5)
    assert [(fact.name, fact.at, fact.data["items"]) for fact in told] == [
        ("bar.closed", day(5), [[str(row.pk), "1d"]])
    ]


def test_bars_that_close_together_are_told_together(told, django_capture_on_commit_callbacks) -> None:
    row, other = make_stored(3), make_stored(3)
    hourly = make_bars(72, timeframe=Timeframe.H1)
    store_bars(row, hourly, Timeframe.H1)
    replay_services.open_feed(row, "1d", warmup_bars=1, with_instruments=[other])
    replay_services.open_feed(row, "1h")

    assert play(row, django_capture_on_commit_callbacks, 24) == 24

    assert [len(fact.data["items"]) for fact in told] == [1] * 23 + [3]
    assert told[-1].at == clock(row).market_time == day(2)


def test_every_bar_is_played_once_in_order_and_the_end_is_told(told, django_capture_on_commit_callbacks) -> None:
    row, other = make_stored(9), make_stored(7, start=MONDAY + 5 * DAY)
    replay_services.open_feed(row, "1d", warmup_bars=0)
    replay_services.open_feed(other, "1d", warmup_bars=0, owner="x")
    Instrument.objects.filter(pk=other.pk).update(replay=clock(row))

    while play(row, django_capture_on_commit_callbacks, 2):
        pass

    assert [fact.at for fact in told] == [day(n) for n in range(1, 13)]
    assert sum(len(fact.data["items"]) for fact in told) == 16
    assert clock(row).state == ReplayState.ENDED


def test_new_bars_wake_a_replay_that_had_ended(told, django_capture_on_commit_callbacks) -> None:
    row = make_stored(3)
    replay_services.open_feed(row, "1d", warmup_bars=2)
    assert play(row, django_capture_on_commit_callbacks, 5) == 1
    assert play(row, django_capture_on_commit_callbacks) == 0
    assert clock(row).state == ReplayState.ENDED

    services.record_bars(row, "1d", make_bars(2, start=MONDAY + 3 * DAY), services.BarSource.IMPORTED, at=day(9))

    assert clock(row).state == ReplayState.RUNNING
    assert play(row, django_capture_on_commit_callbacks, 5) == 2


def test_bars_imported_behind_the_clock_are_history_and_not_played(told, django_capture_on_commit_callbacks) -> None:
    row = make_stored(4, start=MONDAY + 10 * DAY)
    replay_services.open_feed(row, "1d", warmup_bars=0)
    store_bars(row, make_bars(10))

    while play(row, django_capture_on_commit_callbacks, 3):
        pass

    assert [fact.at for fact in told] == [day(11), day(12), day(13), day(14)]


def test_a_paused_replay_stands_still(django_capture_on_commit_callbacks) -> None:
    row = make_stored(5)
    replay_services.open_feed(row, "1d", warmup_bars=1)
    replay_services.change_replay(clock(row), state="paused")

    assert play(row, django_capture_on_commit_callbacks) == 0
    replay_services.change_replay(clock(row), state="running", speed=1000)
    assert play(row, django_capture_on_commit_callbacks) == 1


@pytest.mark.parametrize("speed", [0, 0.05, 1001, float("nan"), float("inf")])
def test_a_speed_out_of_bounds_is_refused(speed: float) -> None:
    row = make_stored(5)
    replay_services.open_feed(row, "1d")
    with pytest.raises(ValidationFailed, match="outside"):
        replay_services.change_replay(clock(row), speed=speed)


def test_a_replay_does_not_restart_under_a_position() -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=3)
    services.subscribe("position", "p1", row, "1d", label="10 shares")
    with pytest.raises(Conflict, match="position stands on this replay"):
        replay_services.restart_replay(clock(row))


def test_a_restart_goes_back_to_the_start(django_capture_on_commit_callbacks) -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=3)
    play(row, django_capture_on_commit_callbacks, 4)
    services.subscribe("page", "c1", row, "1d")

    replay_services.restart_replay(clock(row))

    assert clock(row).market_time == selectors.mark(row).at == day(3)
    assert Feed.objects.get(instrument=row).cursor_at == day(2)


def test_a_feed_that_somebody_needs_is_not_closed() -> None:
    row = make_stored(10)
    replay_services.open_feed(row, "1d", warmup_bars=3)
    services.subscribe("strategy", "s1", row, "1d")

    assert replay_services.close_feed(row, "1d") is False
    services.unsubscribe("strategy", "s1")
    assert replay_services.close_feed(row, "1d") is True
    assert list(replay_services.running()) == []
