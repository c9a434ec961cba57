"""Urgent work goes first: others stand back, not for ever, and never he who does it himself."""

import threading
import time

from core import urgency
from core.urgency import Overtaken, Turns, unless_overtaken, urgent


def test_others_wait_until_the_urgent_one_has_ended(monkeypatch) -> None:
    turns = Turns()
    monkeypatch.setattr(urgency, "turns", turns)
    told: list[str] = []

    def other() -> None:
        assert turns.take(5)
        told.append("other")
        turns.give()

    with urgent():
        thread = threading.Thread(target=other)
        thread.start()
        for _ in range(3):  # turn after turn, none of which the other one gets
            assert turns.take(1)
            time.sleep(0.02)
            turns.give()
        told.append("urgent")
    thread.join()

    assert told == ["urgent", "other"] and not turns.is_taken


def test_patience_ends(monkeypatch) -> None:
    turns = Turns()
    monkeypatch.setattr(urgency, "turns", turns)
    monkeypatch.setattr(urgency, "PATIENCE_SECONDS", 0.05)
    came: list[bool] = []

    with urgent():
        thread = threading.Thread(target=lambda: came.append(turns.take(5)))
        thread.start()
        thread.join(2)

    assert came == [True]


def test_a_block_within_a_block_ends_with_the_outer_one(monkeypatch) -> None:
    turns = Turns()
    monkeypatch.setattr(urgency, "turns", turns)

    with urgent():
        with urgent():
            assert urgency.is_urgent()
        assert urgency.is_urgent()

    assert not urgency.is_urgent()
    turns.stand_back(0.1)  # nobody to wait for


def test_a_turn_that_does_not_come_in_time_is_told() -> None:
    turns = Turns()
    assert turns.take(1)

    assert not turns.take(0.05)


def test_who_waited_through_urgent_work_is_told_that_he_was_overtaken(monkeypatch) -> None:
    turns = Turns()
    monkeypatch.setattr(urgency, "turns", turns)
    told: list[str] = []
    looked = turns.n_begun

    def other() -> None:
        try:
            with unless_overtaken(looked):
                turns.take(5)
        except Overtaken:
            told.append("overtaken")
        with unless_overtaken(turns.n_begun):
            assert turns.take(5)
            turns.give()
        told.append("again")

    with urgent():
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.05)
    thread.join()

    assert told == ["overtaken", "again"]


def test_who_gives_a_turn_back_goes_behind_who_waits() -> None:
    turns = urgency.Turns()
    order: list[str] = []
    assert turns.take(1)

    def wait() -> None:
        assert turns.take(5)
        order.append("the one who waited")
        turns.give()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not turns._line:
        time.sleep(0.001)
    turns.give()
    assert turns.take(5)
    order.append("the one who had it")
    turns.give()
    waiting.join(5)

    assert order == ["the one who waited", "the one who had it"]
