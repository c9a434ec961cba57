"""Facts: stored with what they tell, delivered after commit, again after a crash; a bad handler stops no other."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core import facts, outbox
from core.bus import publish
from core.models import FailedDelivery, OutboxEvent
from domain.events import AccountMarked, StrategyPaused, StrategyStarted

pytestmark = pytest.mark.django_db(transaction=True)

HEARD: list[tuple[str, str]] = []
BROKEN = {"is": False}


def first(fact: facts.Fact) -> None:
    HEARD.append(("first", fact.name))
    if BROKEN["is"]:
        raise ValueError("out of order")


def second(fact: facts.Fact) -> None:
    HEARD.append(("second", fact.name))


@pytest.fixture(autouse=True)
def wired(monkeypatch):
    table = {
        "strategy.started": (("tests.first", first), ("tests.second", second)),
        "account.marked": (("tests.second", second),),
    }
    monkeypatch.setattr(facts, "_table", lambda: table)
    HEARD.clear()
    BROKEN["is"] = False


def started(**more):
    return StrategyStarted(at=timezone.now(), strategy_id=uuid.uuid4(), strategy="Trend", **more)


def test_a_durable_fact_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="inside a transaction"):
        publish(started())


def test_a_fact_is_heard_after_the_commit_and_not_before():
    with transaction.atomic():
        publish(started())
        assert HEARD == []

    assert HEARD == [("first", "strategy.started"), ("second", "strategy.started")]
    assert OutboxEvent.objects.get().delivered_at is not None


def test_a_rolled_back_fact_leaves_nothing():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(started())
        raise ZeroDivisionError

    assert HEARD == []
    assert not OutboxEvent.objects.exists()


def test_a_rolled_back_savepoint_drops_its_facts_and_no_others():
    with transaction.atomic():
        publish(started())
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(StrategyPaused(at=timezone.now(), strategy_id=uuid.uuid4(), strategy="Trend"))
            raise ZeroDivisionError
        publish(started())

    assert [name for _, name in HEARD] == ["strategy.started"] * 4
    assert not OutboxEvent.objects.filter(delivered_at=None).exists()


def test_a_savepoint_rolled_back_first_does_not_swallow_what_follows():
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(started())
            raise ZeroDivisionError
        publish(started())

    assert len(HEARD) == 2


def test_a_handler_that_fails_does_not_stop_the_next_and_is_tried_again_alone():
    BROKEN["is"] = True
    with transaction.atomic():
        publish(started())
    assert ("second", "strategy.started") in HEARD
    failure = FailedDelivery.objects.get()
    HEARD.clear()

    BROKEN["is"] = False
    outbox.sweep(at=timezone.now() + timedelta(hours=1))

    failure.refresh_from_db()
    assert HEARD == [("first", "strategy.started")]
    assert failure.resolved_at is not None


def test_a_handler_that_never_works_becomes_a_dead_letter_that_can_be_sent_again():
    BROKEN["is"] = True
    with transaction.atomic():
        publish(started())
    for n in range(outbox.MAX_ATTEMPTS):
        outbox.sweep(at=timezone.now() + timedelta(hours=n + 1))
    failure = FailedDelivery.objects.get()
    assert failure.dead

    BROKEN["is"] = False
    outbox.send_again(failure, at=timezone.now())
    outbox.sweep(at=timezone.now() + timedelta(seconds=1))

    failure.refresh_from_db()
    assert failure.resolved_at is not None


def test_the_sweep_delivers_what_a_crash_left_and_leaves_what_is_still_under_way():
    now = timezone.now()
    OutboxEvent.objects.create(event_id=uuid.uuid4(), name="strategy.started", payload={}, at=now)

    assert outbox.sweep(at=now) == 0
    assert outbox.sweep(at=now + timedelta(minutes=1)) == 1
    assert len(HEARD) == 2
    assert outbox.sweep(at=now + timedelta(minutes=2)) == 0


def test_a_transient_fact_is_heard_after_the_commit_and_never_stored():
    with transaction.atomic():
        publish(AccountMarked(at=timezone.now(), equity=0, cash=0))
        assert HEARD == []

    assert HEARD == [("second", "account.marked")]
    assert not OutboxEvent.objects.exists()
