"""How far a job is: what is told of it never runs backwards, whatever becomes of its workers."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from backtesting import selectors
from backtesting.models import Chunk, Job
from backtesting.services import leases, recovering, settling, working
from backtesting.services.leases import Hold
from backtesting.services.searching import SearchRequest, submit_sweep
from backtesting.tests.jobs import request, stored_walk
from core.testing import make_user
from domain.errors import IllegalState

pytestmark = pytest.mark.django_db


def a_sweep() -> Job:
    stored_walk()
    space = {"fast": {"min": 2, "max": 9}, "slow": [20, 30]}
    return submit_sweep(make_user(), SearchRequest(run=request(), space=space))


def taken() -> Hold:
    hold = leases.take()
    assert hold is not None
    return hold


def told(hold: Hold, share: float, tmp_path: Any) -> float:
    """Let a chunk's worker say how far it is; return what the job shows then."""
    leases.extend(hold, progress=share, at=timezone.now())
    cache.clear()  # the pace of a second
    working._Watch(hold, Job.objects.get(pk=hold.job_id), str(tmp_path / "progress"))._tell()
    return Job.objects.get(pk=hold.job_id).progress


def test_a_lost_worker_does_not_turn_the_progress_back(tmp_path: Any) -> None:
    job = a_sweep()
    before = told(taken(), 0.9, tmp_path)
    recovering.recover(at=timezone.now() + timedelta(minutes=1))

    again = taken()
    after = told(again, 0.1, tmp_path)

    assert 0.5 < before == after
    assert Chunk.objects.get(pk=again.chunk_id).attempts == 2
    assert told(again, 0.95, tmp_path) > before
    assert Job.objects.get(pk=job.pk).progress <= 1.0


def test_a_part_that_is_given_back_leaves_the_progress_where_it_was(tmp_path: Any) -> None:
    a_sweep()
    hold = taken()
    before = told(hold, 0.6, tmp_path)

    leases.give_back(hold)
    leases.raise_progress(hold.job_id)

    assert Job.objects.get(pk=hold.job_id).progress == before > 0


def test_nothing_is_told_of_a_job_that_was_canceled_meanwhile(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_sweep()
    facts: list[Any] = []
    hold = taken()
    watch = working._Watch(hold, Job.objects.get(pk=job.pk), str(tmp_path / "progress"))
    monkeypatch.setattr(working, "publish", facts.append)

    settling.cancel(job, at=timezone.now())
    cache.clear()
    watch._tell()

    assert facts == []


def test_what_is_asked_of_a_failed_job_is_answered_in_one_sentence() -> None:
    job = a_sweep()
    settling.fail(job.pk, message="No combination met the requirements.", code="nothing", at=timezone.now())

    with pytest.raises(IllegalState) as caught:
        selectors.check_completed(Job.objects.get(pk=job.pk))

    assert caught.value.message == "It failed: No combination met the requirements; there is no result."
