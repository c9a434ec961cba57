"""One process plays, at the speed that was asked for; another takes over; a stop is quick."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from marketdata import replay_services, stream
from marketdata.models import Instrument, Replay, StreamLease
from marketdata.tests.factories import MONDAY, make_stored

DAY = 86_400
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def played(row: Instrument) -> int:
    clock = Replay.objects.get(instruments=row.pk)
    return (int(clock.market_time.timestamp()) - MONDAY) // DAY


@pytest.mark.django_db
def test_only_one_holder_has_the_lease_until_it_runs_out() -> None:
    assert stream.take_lease("a", at=NOW)
    assert not stream.take_lease("b", at=NOW + timedelta(seconds=9))
    assert stream.take_lease("a", at=NOW + timedelta(seconds=9))
    assert not stream.take_lease("b", at=NOW + timedelta(seconds=18))
    assert stream.take_lease("b", at=NOW + timedelta(seconds=20))
    assert StreamLease.objects.get().fence == 2
    assert not stream.take_lease("a", at=NOW + timedelta(seconds=21))


@pytest.mark.django_db
def test_a_lease_given_back_is_free_at_once() -> None:
    stream.take_lease("a", at=NOW)
    stream.give_lease_back("a")
    StreamLease.objects.update(expires_at=NOW)
    assert stream.take_lease("b", at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(("speed", "seconds", "steps"), [(1, 10, 10), (0.5, 10, 5), (10, 3, 30), (200, 1, 200)])
def test_a_clock_keeps_its_speed(speed: float, seconds: int, steps: int) -> None:
    row = make_stored(500)
    replay_services.open_feed(row, "1d", warmup_bars=1, speed=speed)
    player = stream.Player()

    ticks = int(seconds / stream.TICK_SECONDS)
    total = sum(player.turn(1000 + n * stream.TICK_SECONDS) for n in range(ticks + 2))

    assert total == pytest.approx(steps, abs=max(2, steps * 0.03))
    assert played(row) == 1 + total


@pytest.mark.django_db
def test_a_clock_that_was_held_up_does_not_run_faster_afterwards() -> None:
    row = make_stored(500)
    replay_services.open_feed(row, "1d", warmup_bars=1, speed=10)
    player = stream.Player()
    player.turn(1000)
    player.turn(1060)

    assert player.turn(1060.02) <= 1
    assert played(row) <= 1 + stream.MAX_STEPS + 2


@pytest.mark.django_db
def test_a_feed_that_nobody_needs_is_not_played() -> None:
    row = make_stored(50)
    replay_services.open_feed(row, "1d", warmup_bars=1)
    replay_services.close_feed(row, "1d")
    player = stream.Player()

    assert sum(player.turn(1000 + n) for n in range(5)) == 0
    assert player.pause(1004) > 0


@pytest.mark.django_db(transaction=True)
def test_run_plays_until_it_is_stopped_and_gives_the_lease_back() -> None:
    row = make_stored(2000)
    replay_services.open_feed(row, "1d", warmup_bars=1, speed=100)
    stop = threading.Event()
    thread = threading.Thread(target=stream.run, args=(stop,), kwargs={"holder": "t"})

    thread.start()
    deadline = time.monotonic() + 10
    while played(row) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join(timeout=3)

    assert not thread.is_alive()
    assert played(row) >= 20
    assert StreamLease.objects.get().expires_at <= datetime.now(tz=UTC)
