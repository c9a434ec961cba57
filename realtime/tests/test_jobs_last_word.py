"""A job's progress is told from its last word on: a client may come after the end."""

from uuid import uuid4

import pytest

from realtime.tests.test_sockets import connected, numbers, send
from realtime.topics import backtest_topic
from users.models import User


async def test_who_comes_after_a_jobs_end_is_told_it(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.consumers.may_listen", lambda *_: True)
    job = uuid4()
    for n in (1, 2):
        await send(backtest_topic(job), n)

    late, ready = await connected(cookie, path=f"/ws/backtests/{job}/")
    await send(backtest_topic(job), 3)
    told = [await late.receive_json_from() for _ in range(2)]

    assert [each["data"]["n"] for each in told] == [2, 3]
    assert [each["seq"] for each in told] == [ready["seq"] + 1, ready["seq"] + 2]
    await late.disconnect()


async def test_a_job_that_has_told_nothing_yet_begins_with_nothing(
    person: User, cookie: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.consumers.may_listen", lambda *_: True)
    job = uuid4()

    early, _ = await connected(cookie, path=f"/ws/backtests/{job}/")
    await send(backtest_topic(job), 1)

    assert await numbers(early, 1) == [1]
    await early.disconnect()
