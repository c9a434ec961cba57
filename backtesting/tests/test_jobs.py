"""Jobs from submission to their end: what is refused, what is stored, what happens when something goes wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from backtesting import result_tables
from backtesting.models import Chunk, ChunkStatus, Job, JobStatus, ResultFile
from backtesting.services import leases, recovering, settling, submitting, working
from backtesting.tests.jobs import done, in_place, request, stored_walk
from core.embedded.children import ChildStoppedError, PlatformStopsError
from core.models import OutboxEvent
from core.testing import make_user
from domain.errors import IllegalState, RateLimited, ValidationFailed

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def test_a_run_is_queued_done_and_stored_with_its_figures_and_tables() -> None:
    stored_walk()
    user = make_user()

    job = done(user)

    assert (job.status, job.error, job.progress) == (JobStatus.COMPLETED, "", 1.0)
    assert job.metrics["final_equity"] > 0 and job.metrics["trades"] > 3
    assert set(job.files.values_list("name", flat=True)) == {"equity", "trades", "orders", "fills", "signals"}
    curve = result_tables.arrays(ResultFile.objects.get(job=job, name="equity").data, "t", "equity")
    assert curve["equity"][-1] == job.metrics["final_equity"]
    assert OutboxEvent.objects.filter(name="backtest.settled", user_id=user.pk).count() == 1
    assert job.summary["causality"]["is_causal"] and job.summary["warmup_bars"] == job.settings["warmup"]


def test_the_same_run_again_gives_the_same_fingerprint_and_the_same_bytes() -> None:
    stored_walk()
    user = make_user()

    first, second, other = done(user), done(user), done(user, request(parameters={"fast": 6, "slow": 20}))

    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.digest == second.digest != other.digest
    mine = [dict(job.files.values_list("name", "data")) for job in (first, second)]
    assert {k: bytes(v) for k, v in mine[0].items()} == {k: bytes(v) for k, v in mine[1].items()}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"type": "no_such_type"}, "type", "unknown_type"),
        ({"parameters": {"fast": 0, "slow": 20}}, "parameters.fast", "invalid"),
        ({"parameters": {"quick": 5}}, "parameters.quick", "unknown_field"),
        ({"symbols": ("NOPE",)}, "symbols", "unknown_symbol"),
        ({"symbols": ()}, "symbols", "count"),
        ({"start": datetime(1990, 1, 1, tzinfo=UTC), "end": datetime(1990, 2, 1, tzinfo=UTC)}, "start", "no_bars"),
        ({"end": datetime(2024, 1, 10, tzinfo=UTC)}, "start", "not_enough_bars"),
        ({"start": datetime(2024, 3, 1, tzinfo=UTC), "end": datetime(2024, 2, 1, tzinfo=UTC)}, "end", "bound"),
        ({"starting_cash": Decimal(0)}, "starting_cash", "out_of_range"),
        ({"fees": {"percent": Decimal(11)}}, "fees.percent", "out_of_range"),
        ({"fees": {"tea": Decimal(1)}}, "fees.tea", "unknown_field"),
        ({"sizing_value": Decimal(2000)}, "sizing.value", "out_of_bounds"),
        ({"benchmark": "NOPE"}, "benchmark", "unknown_symbol"),
        ({"risk_rules": "hers"}, "risk_rules", "invalid_choice"),
        ({"risk_rules": [{"type": "nonsense", "limit": Decimal(1)}]}, "risk_rules.0.type", "invalid_choice"),
    ],
)
def test_a_bad_request_names_field_and_bound_and_queues_nothing(changes: dict, field: str, code: str) -> None:
    stored_walk()

    with pytest.raises(ValidationFailed) as caught:
        submitting.submit_backtest(make_user(), replace(request(), **changes))

    assert (field, code) in [(fault.field, fault.code) for fault in caught.value.errors]
    assert Job.objects.count() == Chunk.objects.count() == 0


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ValidationFailed) as caught:
        submitting.submit_backtest(make_user(), request("NOPE", type="none", seed=-1, fees={"x": Decimal(1)}))

    assert {"type", "symbols", "seed", "fees.x"} <= {fault.field for fault in caught.value.errors}


@override_settings(BACKTEST_OPEN_JOBS=2)
def test_more_than_the_quota_is_429_with_a_time_to_come_back() -> None:
    stored_walk()
    user = make_user()
    for _ in range(2):
        submitting.submit_backtest(user, request())

    with pytest.raises(RateLimited) as caught:
        submitting.submit_backtest(user, request())

    assert caught.value.retry_after >= 5 and caught.value.code == "quota_jobs"
    submitting.submit_backtest(make_user(), request())  # others are not concerned


def test_a_strategy_that_looks_ahead_fails_with_the_reason_and_has_no_result(tmp_path) -> None:
    stored_walk()
    (tmp_path / "peeking.py").write_text(PEEKING)

    with override_settings(STRATEGIES_DIR=str(tmp_path)):
        job = done(make_user(), request(type="peeking", parameters={}))

    assert job.status == JobStatus.FAILED and job.error_code == "not_causal"
    assert job.error.startswith("The strategy looks ahead on WALK: ")
    assert not job.files.exists() and job.metrics == {}


def test_a_strategy_whose_code_fails_is_not_said_to_look_ahead(tmp_path) -> None:
    stored_walk()
    (tmp_path / "dividing.py").write_text(DIVIDING)

    with override_settings(STRATEGIES_DIR=str(tmp_path)):
        job = done(make_user(), request(type="dividing", parameters={}))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "exception")
    assert (
        job.error
        == "The strategy failed on WALK: signals() raised ZeroDivisionError: integer division or modulo by zero"
    )


PEEKING = '''
import numpy as np
from strategies.base import Params, Signals, Strategy


class Peeking(Strategy):
    """Buys before a rise."""

    name = "peeking"
    title = description = "peeks"

    def warmup(self, params):
        return 1

    def signals(self, bars, params):
        rises = np.append(bars.c[1:] > bars.c[:-1], False)
        return Signals(entry=rises, exit=~rises)
'''
DIVIDING = PEEKING.replace("rises = ", "1 // 0; rises = ").replace("Peeking", "Dividing").replace("peeking", "dividing")


def test_a_canceled_job_is_canceled_at_once_and_what_was_calculated_counts_for_nothing() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())

    def canceled_meanwhile(function, *args, should_stop):
        assert should_stop() is False
        settling.cancel(job, at=timezone.now())
        return function(*args)  # a result that comes too late

    working.work_once(canceled_meanwhile)
    job.refresh_from_db()

    assert job.status == JobStatus.CANCELED and not job.files.exists() and job.metrics == {}
    assert settling.cancel(job, at=timezone.now()).status == JobStatus.CANCELED


def test_whoever_waits_for_a_child_is_told_to_stop_within_the_look_time() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())
    seen = []

    def asked(function, *args, should_stop):
        seen.append(should_stop())
        settling.cancel(job, at=timezone.now())
        deadline = timezone.now() + timedelta(seconds=2)
        while not should_stop() and timezone.now() < deadline:
            pass
        seen.append(timezone.now() < deadline)
        raise ChildStoppedError("canceled")

    working.work_once(asked)

    assert seen == [False, True]


def test_a_completed_job_can_not_be_canceled() -> None:
    stored_walk()
    job = done(make_user())

    with pytest.raises(IllegalState):
        settling.cancel(job, at=timezone.now())


def test_the_chunk_of_a_dead_worker_is_given_out_again_and_its_late_answer_is_not_stored() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())
    dead = leases.take()
    assert dead is not None and leases.take() is None

    waiting = recovering.recover(at=timezone.now() + leases.LEASE + timedelta(seconds=1))
    second = leases.take()

    assert waiting == 1 and second is not None and second.fence == dead.fence + 1
    assert settling.store_answer(dead, b"late", seconds=1.0) is False
    assert leases.extend(dead, progress=0.5, at=timezone.now()) is False
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_a_job_whose_workers_die_again_and_again_fails_and_does_not_run_for_ever() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())
    at = timezone.now()

    for _ in range(leases.MAX_ATTEMPTS):
        assert leases.take() is not None
        at += leases.LEASE + timedelta(seconds=1)
        Chunk.objects.update(lease_until=at - timedelta(seconds=1))
        recovering.recover(at=at)
    job.refresh_from_db()

    assert (job.status, job.error_code) == (JobStatus.FAILED, "worker_lost") and leases.take() is None


def test_a_child_that_is_killed_is_tried_again() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())
    calls = []

    def killed_once(function, *args, should_stop):
        calls.append(1)
        if len(calls) == 1:
            raise ChildStoppedError("the calculating process ended without a result")
        return function(*args)

    working.work_all(killed_once)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED and len(calls) == 2


def test_orderly_stops_of_the_platform_are_no_failed_attempts() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())

    def stopped(function, *args, should_stop):
        raise PlatformStopsError("the platform stops")

    for _ in range(leases.MAX_ATTEMPTS + 2):
        assert working.work_once(stopped)
    assert set(Chunk.objects.values_list("attempts", "status")) == {(0, ChunkStatus.QUEUED)}
    working.work_all(in_place)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED


def test_an_error_of_the_code_fails_the_job_with_its_words() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())

    def broken(function, *args, should_stop):
        raise ZeroDivisionError("no equity left")

    working.work_all(broken)
    job.refresh_from_db()

    assert job.status == JobStatus.FAILED and "no equity left" in job.error
    assert Chunk.objects.exclude(status=ChunkStatus.COMPLETED).exists()


def test_single_runs_go_before_chunks_of_large_jobs() -> None:
    stored_walk()
    user = make_user()
    large = submitting.submit_backtest(user, request())
    Job.objects.filter(pk=large.pk).update(kind="sweep")
    small = submitting.submit_backtest(user, request())

    hold = leases.take()

    assert hold is not None and hold.job_id == small.pk


def test_a_chunk_waits_for_those_of_earlier_stages_and_the_final_one_for_all() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())
    Chunk.objects.filter(job=job).update(number=2, stage=9)
    first = Chunk.objects.create(job=job, number=0, stage=0)
    second = Chunk.objects.create(job=job, number=1, stage=1)
    order = []

    while (hold := leases.take()) is not None:
        order.append(hold.chunk_id)
        Chunk.objects.filter(pk=hold.chunk_id).update(status=ChunkStatus.COMPLETED)

    assert order == [first.pk, second.pk, Chunk.objects.get(job=job, is_final=True).pk]


@pytest.mark.django_db(transaction=True)
def test_a_run_in_a_real_child_process_gives_the_same_bytes() -> None:
    stored_walk()
    user = make_user()
    here = done(user)

    job = submitting.submit_backtest(user, request())
    working.work_all()
    job.refresh_from_db()

    assert (job.status, job.error) == (JobStatus.COMPLETED, "") and job.digest == here.digest
    connection.close()


def test_a_job_is_done_once_however_often_workers_are_woken() -> None:
    stored_walk()
    done(make_user())

    assert working.work_once(in_place) is False
