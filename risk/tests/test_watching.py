"""What watching keeps and tells again: escalation, samples of headroom, thinning; the clock of flat_by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from core.models import OutboxEvent
from marketdata.models import Instrument, Replay
from marketdata.tests.factories import make_instrument
from portfolio import selectors as portfolio
from portfolio.models import Account, Position
from portfolio.tests.factories import START, at_day, make_account
from risk import selectors
from risk.clocks import seconds_after
from risk.escalation import is_critical, next_at
from risk.headroom import Headroom
from risk.histories import thinned, to_drop
from risk.models import HeadroomSample, RiskBreach
from risk.services.breaches import acknowledge
from risk.services.escalating import escalate_due
from risk.services.monitoring import monitor
from risk.services.rules import create_rule
from risk.services.sampling import MOST, sample_headroom

D = Decimal
MINUTE = timedelta(minutes=1)


def breach_of(account: Account, **more: object) -> RiskBreach:
    values = {"name": "Fall", "type": "max_drawdown", "limit": D(2), "parameters": {}, **more}
    create_rule(account.user, values, at=START)
    look(account, 97_500)
    return RiskBreach.objects.get(account=account, type="max_drawdown", level="breach")


def look(account: Account, equity: int, day: int = 0) -> None:
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        snapshot = portfolio.snapshot(locked, marks={}, working=(), n_session_trades=0, at=START)
        monitor(locked, replace(snapshot, equity=D(equity)), at=at_day(day))


def told() -> list[tuple[int, bool]]:
    rows = OutboxEvent.objects.filter(name="risk.breach_escalated").order_by("seq")
    return [(row["n_told_again"], row["is_critical"]) for row in rows.values_list("payload", flat=True)]


def test_a_breach_is_told_again_after_two_five_and_ten_minutes_and_every_ten_from_then_on() -> None:
    broken = datetime(2024, 1, 1, tzinfo=UTC)

    assert [(next_at(broken, n) - broken) // MINUTE for n in range(6)] == [2, 5, 10, 20, 30, 40]
    assert [is_critical(n) for n in range(4)] == [False, False, True, True]


@pytest.mark.django_db
def test_what_nobody_has_seen_is_told_again_more_urgently_each_time() -> None:
    breach_of(make_account())
    now = timezone.now()

    counts = [escalate_due(now + after * MINUTE) for after in (1, 2.1, 2.2, 5.1, 10.1, 19, 20.1)]

    assert counts == [0, 1, 0, 1, 1, 0, 1]
    assert told() == [(1, False), (2, True), (3, True), (4, True)]


@pytest.mark.django_db
def test_a_breach_that_was_acknowledged_or_has_recovered_is_not_told_again() -> None:
    first, second = make_account(), make_account()
    acknowledge(breach_of(first), by=first.user, at=START)
    breach_of(second)
    look(second, 100_000, day=1)

    assert escalate_due(timezone.now() + 60 * MINUTE) == 0


@pytest.mark.django_db
def test_a_latch_that_nobody_released_is_told_again_though_the_limit_holds() -> None:
    account = make_account()
    breach_of(account, latched=True)
    look(account, 100_000, day=1)

    assert escalate_due(timezone.now() + 3 * MINUTE) == 1


@pytest.mark.django_db
def test_a_rule_that_only_warns_does_not_escalate() -> None:
    breach_of(make_account(), action="warn")

    assert escalate_due(timezone.now() + 60 * MINUTE) == 0


@pytest.mark.parametrize(
    ("clock", "parameters", "seconds"),
    [
        ("20:00", {"time": "21:00"}, -3600),
        ("21:00", {"time": "21:00"}, 0),
        ("21:00:30", {"time": "21:00"}, 30),
        ("00:00", {"time": "21:00"}, -21 * 3600),  # midnight: until the next one
        ("02:00", {"time": "21:00", "until": "06:00"}, 5 * 3600),
        ("06:00", {"time": "21:00", "until": "06:00"}, -15 * 3600),
        ("14:00", {"time": "09:00", "timezone": "America/New_York"}, 0),
        ("12:00", {"time": "09:00", "until": "10:00"}, -21 * 3600),
    ],
)
def test_the_clock_of_flat_by(clock: str, parameters: dict[str, str], seconds: int) -> None:
    at = datetime.fromisoformat(f"2024-01-02T{clock}+00:00")

    assert seconds_after(parameters, at) == seconds


def headroom(value: str, key: str = "preferences:max_leverage") -> Headroom:
    return Headroom(
        key=key, name="x", value=D(value), limit=D(1), warning_at=D("0.8"), unit="", where=""
    )  # fmt: skip


@pytest.mark.django_db
def test_samples_are_kept_when_something_moved_or_a_minute_has_passed() -> None:
    account, now = make_account(), timezone.now()
    moments = [
        (0, "0.10", 0),
        (1, "0.10", 5),  # nothing moved within the minute
        (2, "0.12", 10),  # a hundredth and more
        (2, "0.12", 90),  # market time stands still
        (3, "0.12", 95),
    ]

    kept = [
        sample_headroom(account, [headroom(value)], at=at_day(day), now=now + timedelta(seconds=seconds))
        for day, value, seconds in moments
    ]

    assert kept == [True, False, True, False, True]
    (series,) = selectors.headroom_history(account)
    assert (series.name, [point.used for point in series.points]) == ("Largest leverage", [0.1, 0.12, 0.12])
    assert selectors.headroom_history(account, key="none") == []
    assert len(selectors.headroom_history(account, start=at_day(2))[0].points) == 2


@pytest.mark.django_db
def test_history_leaves_out_what_was_measured_before_the_replay_gave_the_time() -> None:
    account, now = make_account(), timezone.now()
    sample_headroom(account, [headroom("0.10")], at=now, now=now)
    for day in (1, 2):
        sample_headroom(account, [headroom(f"0.{day}5")], at=at_day(day), now=now + timedelta(minutes=day))

    (series,) = selectors.headroom_history(account)

    assert [point.at for point in series.points] == [at_day(1), at_day(2)]


@pytest.mark.django_db
def test_history_is_on_the_wall_clock_alone_once_no_replay_gives_the_time() -> None:
    account, now = make_account(), timezone.now()
    for day in (1, 2):
        sample_headroom(account, [headroom(f"0.{day}5")], at=at_day(day), now=now + timedelta(minutes=day))
    later = now + timedelta(minutes=3)
    sample_headroom(account, [headroom("0")], at=later, now=later)

    (series,) = selectors.headroom_history(account)

    assert [point.at for point in series.points] == [now + timedelta(minutes=n) for n in (1, 2, 3)]
    assert [point.used for point in series.points] == [0.15, 0.25, 0.0]


@pytest.mark.django_db
def test_an_account_that_holds_nothing_stays_at_the_market_time_of_its_replay() -> None:
    account, now = make_account(), timezone.now()
    replay = Replay.objects.create(market_time=at_day(2), start_time=at_day(0))
    instrument = make_instrument("AAPL")
    Instrument.objects.filter(pk=instrument.pk).update(replay=replay)
    Position.objects.create(user=account.user, account=account, instrument=instrument)
    for day in (1, 2):
        sample_headroom(account, [headroom(f"0.{day}5")], at=at_day(day), now=now + timedelta(minutes=day))
    later = now + timedelta(minutes=3)
    sample_headroom(account, [headroom("0")], at=later, now=later)

    (series,) = selectors.headroom_history(account)

    assert [point.at for point in series.points] == [at_day(1), at_day(2), at_day(2)]
    assert series.last.used == 0.0


@pytest.mark.django_db
def test_the_history_of_an_account_never_grows_beyond_its_most() -> None:
    account = make_account()
    rows = [
        HeadroomSample(
            user_id=account.user_id,
            account=account,
            at=START + i * MINUTE,
            sampled_at=START,
            nearest=0.1,
            limits={"preferences:max_leverage": ["0.1", "1", 0.1]},
        )
        for i in range(MOST)
    ]
    HeadroomSample.objects.bulk_create(rows)

    sample_headroom(account, [headroom("0.5")], at=at_day(9), now=timezone.now())

    left = list(HeadroomSample.objects.order_by("seq").values_list("at", flat=True))
    assert MOST * 0.7 < len(left) < MOST * 0.8
    assert left[0] == START and left[-1] == at_day(9)
    assert len(selectors.headroom_history(account, max_points=50)[0].points) == 50


def test_thinning_keeps_the_ends() -> None:
    assert thinned(list(range(100)), 5) == [0, 25, 50, 74, 99]
    assert to_drop(list(range(10)), 10) == []
    assert to_drop(list(range(12)), 10) == [1, 3, 5]
