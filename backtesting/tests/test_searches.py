"""Sweeps and walk-forwards: every combination once, whoever dies meanwhile; the same again gives the same."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from backtesting import result_tables
from backtesting.models import Chunk, ChunkStatus, Job, JobStatus, ResultFile, Trial
from backtesting.services import leases, recovering, searching, working
from backtesting.services.searching import SearchRequest, WalkRequest
from backtesting.tests.jobs import in_place, request, stored_walk
from core.testing import api_client, assert_owner_only, assert_problem, make_user
from domain.errors import ValidationFailed

pytestmark = pytest.mark.django_db
SPACE = {"fast": {"min": 3, "max": 12, "step": 3}, "slow": [20, 30, 40]}
BODY: dict[str, Any] = {
    "type": "sma_cross",
    "symbols": ["WALK"],
    "timeframe": "1d",
    "fees": {"percent": "0.1"},
    "sizing": {"method": "percent_equity", "value": "95"},
    "risk_rules": "none",
    "space": SPACE,
    "constraints": ["fast < slow"],
}


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def swept(user: Any, **changes: Any) -> Job:
    job = searching.submit_sweep(user, SearchRequest(run=request(), space=SPACE, **changes))
    working.work_all(in_place)
    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETED, job.error
    return job


def test_a_grid_runs_every_combination_once_and_tells_what_is_luck(user: Any) -> None:
    job = swept(user, constraints=["fast < slow"])

    trials = result_tables.arrays(ResultFile.objects.get(job=job, name="trials").data)
    pairs = list(zip(trials["parameters.fast"].tolist(), trials["parameters.slow"].tolist(), strict=True))
    assert sorted(pairs) == sorted((f, s) for f in (3, 6, 9, 12) for s in (20, 30, 40)) and len(set(pairs)) == 12
    assert job.summary["best"]["score"] == max(s for s in trials["score"].tolist() if s is not None and s == s)
    assert job.summary["verdict"]["word"] in ("promising", "inconclusive", "likely_luck")
    assert job.summary["luck"]["verdict"] == job.summary["verdict"] and job.summary["luck"]["intervals"]
    assert 0 <= job.summary["deflated_sharpe"] <= 1 and 0 <= job.summary["probability_of_overfitting"] <= 1
    assert job.summary["trial_count"] == 12 == Trial.objects.filter(user=user).count()
    assert job.metrics["final_equity"] == job.summary["best"]["metrics"]["final_equity"]
    assert not Chunk.objects.filter(job=job, answer__isnull=False).exists()


def test_the_same_sweep_again_gives_the_same_bytes_and_no_new_trials(user: Any) -> None:
    first, second = swept(user), swept(user)

    assert (first.fingerprint, first.digest) == (second.fingerprint, second.digest)
    assert second.summary["trial_count"] == 12


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_random_and_tpe_run_as_many_different_ones_as_asked(user: Any, method: str) -> None:
    space = {"fast": {"min": 2, "max": 15}, "slow": {"min": 20, "max": 60}}
    job = searching.submit_sweep(user, SearchRequest(run=request(), space=space, method=method, n_trials=25))
    working.work_all(in_place)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED, job.error
    trials = result_tables.arrays(ResultFile.objects.get(job=job, name="trials").data)
    pairs = set(zip(trials["parameters.fast"].tolist(), trials["parameters.slow"].tolist(), strict=True))
    assert len(pairs) == 25


def test_a_worker_that_dies_half_way_leaves_every_result_once(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = swept(user)
    monkeypatch.setattr(searching, "MIN_CHUNK", 2)
    monkeypatch.setattr(searching, "CHUNK_SECONDS", 0.0)
    job = searching.submit_sweep(user, SearchRequest(run=request(), space=SPACE))
    working.work_once(in_place)
    working.work_once(in_place)
    dead = leases.take()  # a worker takes a chunk and is killed
    assert dead is not None and job.chunks.count() == 7

    recovering.recover(at=timezone.now() + leases.LEASE + timedelta(seconds=1))
    working.work_all(in_place)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED, job.error
    assert job.chunks.exclude(status=ChunkStatus.COMPLETED).count() == 0
    mine, theirs = (bytes(ResultFile.objects.get(job=each, name="trials").data) for each in (job, calm))
    assert mine == theirs


def test_a_walk_forward_chooses_in_each_window_and_stitches_what_follows(user: Any) -> None:
    search = SearchRequest(run=request(), space=SPACE)
    job = searching.submit_walk(user, WalkRequest(search=search, n_windows=4))
    working.work_all(in_place)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED, job.error
    windows = job.summary["windows"]
    assert len(windows) == 4 and all(w["train_end"] <= w["test_start"] < w["test_end"] for w in windows)
    assert all(
        w["parameters"] in [{"fast": f, "slow": s} for f in (3, 6, 9, 12) for s in (20, 30, 40)] for w in windows
    )
    product = 1.0
    for window in windows:
        product *= 1 + window["out_of_sample"]["return"]
    assert job.metrics["final_equity"] == pytest.approx(100_000 * product)
    assert job.metrics["trades"] == sum(w["out_of_sample"]["trades"] for w in windows)


@pytest.mark.parametrize("mode", ["anchored", "cpcv"])
def test_the_other_ways_to_go_out_of_sample(user: Any, mode: str) -> None:
    search = SearchRequest(run=request(), space=SPACE)
    job = searching.submit_walk(user, WalkRequest(search=search, mode=mode, n_windows=3))
    working.work_all(in_place)
    job.refresh_from_db()

    assert job.status == JobStatus.COMPLETED, job.error
    assert len(job.summary["paths"]) == 5 if mode == "cpcv" else len(job.summary["windows"]) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"space": {"quick": [1, 2]}}, "space.quick"),
        ({"space": {}}, "space"),
        ({"space": {"fast": {"min": 1, "max": 10_000}, "slow": {"min": 1, "max": 10_000}}}, "space"),
        ({"constraints": ["fast <"]}, "constraints.0"),
        ({"objective": "luck"}, "objective"),
        ({"method": "random"}, "n_trials"),
        ({"method": "tpe", "n_trials": 100_000}, "n_trials"),
        ({"method": "guess"}, "method"),
        ({"requirements": [{"metric": "trades"}]}, "requirements.0.at_least"),
        ({"requirements": [{"metric": "fun", "at_least": 1}]}, "requirements.0.metric"),
        ({"space": {"fast": [5, 1001]}}, "space.fast"),
        ({"space": {"slow": {"min": 0, "max": 40, "step": 10}}}, "space.slow"),
        ({"space": {"fast": {"min": 5, "max": 10, "step": 2.5}}}, "space.fast"),
        ({"space": {"fast": {"min": 0.5, "max": 10}}, "method": "tpe", "n_trials": 5}, "space.fast"),
    ],
)
def test_a_bad_sweep_names_its_field_and_queues_nothing(user: Any, changes: Any, field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        searching.submit_sweep(user, SearchRequest(**{"run": request(), "space": SPACE, **changes}))

    assert field in [fault.field for fault in caught.value.errors], caught.value.errors
    assert Job.objects.count() == 0


def test_a_value_beyond_a_parameters_bound_is_named_with_it_and_no_false_fault_follows(user: Any) -> None:
    space = {"fast": {"min": 9, "max": 3}, "slow": [20, 2001]}
    problem = assert_problem(api_client(user).post("/api/v1/sweeps/", {**BODY, "space": space}), 400)
    assert [fault["field"] for fault in problem["errors"]] == ["space.fast.min"]

    problem = assert_problem(
        api_client(user).post("/api/v1/sweeps/", {**BODY, "space": {"slow": [20, 2001]}, "constraints": []}), 400
    )
    assert problem["errors"][0]["message"] == "2001: input should be less than or equal to 2000."


@pytest.mark.parametrize("address", ["walk-forwards/", "walk-forwards/estimate/"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"train": 100}, "test"),
        ({"test": 50}, "train"),
        ({"train": 100, "test": 50, "windows": 4}, "windows"),
        ({"windows": 4, "step": 50}, "step"),
        ({"mode": "cpcv", "train": 100, "test": 50}, "train"),
        ({"mode": "cpcv", "objective": "calmar"}, "objective"),
        ({"mode": "cpcv", "requirements": [{"metric": "trades", "at_least": 5}]}, "requirements"),
        ({"method": "tpe", "n_trials": 10}, "method"),
        ({"mode": "sideways"}, "mode"),
    ],
)
def test_what_a_walk_forward_would_leave_out_of_account_is_refused(
    user: Any, address: str, changes: Any, field: str
) -> None:
    answer = api_client(user).post(f"/api/v1/{address}", {**BODY, **changes})
    problem = assert_problem(answer, 400, field=field)
    assert "valid choice" not in str(problem)
    assert not Job.objects.exists()


def test_the_api_takes_follows_and_answers_a_sweep(user: Any) -> None:
    client = api_client(user)
    accepted = client.post("/api/v1/sweeps/", {**BODY, "requirements": [{"metric": "trades", "at_least": 1}]})
    assert accepted.status_code == 202, accepted.content
    url = f"/api/v1/sweeps/{accepted.json()['id']}/"
    assert_problem(client.get(f"{url}results/"), 409, code="no_result")
    working.work_all(in_place)

    found = assert_owner_only(url, owner=user, stranger=make_user()).json()
    page = assert_owner_only(f"{url}results/?limit=500", owner=user, stranger=make_user()).json()

    assert found["status"] == "completed" and found["trials"] == 12 == len(page["results"])
    assert found["best"]["parameters"] in [each["parameters"] for each in page["results"]]
    assert found["verdict"]["title"] and found["plateau"]["sentence"] and found["deflated_sharpe"] is not None
    assert client.get(f"{url}equity/").json()["points"] > 300
    assert client.get(f"{url}export/?type=csv&table=trials").status_code == 200


def test_the_api_takes_and_answers_a_walk_forward(user: Any) -> None:
    client = api_client(user)
    accepted = client.post("/api/v1/walk-forwards/", {**BODY, "mode": "rolling", "windows": 3})
    assert accepted.status_code == 202, accepted.content
    working.work_all(in_place)

    url = f"/api/v1/walk-forwards/{accepted.json()['id']}/"
    found = assert_owner_only(url, owner=user, stranger=make_user()).json()

    assert found["status"] == "completed" and len(found["windows"]) == 3 and "efficiency" in found
    for window in found["windows"]:
        times = [window[name] for name in ("train_start", "train_end", "test_start", "test_end")]
        assert times == sorted(times) and all(each.endswith("Z") for each in times)
    assert client.get(f"{url}equity/").json()["points"] > 100


def test_a_grid_beyond_its_bound_is_refused_by_the_api_with_the_bound(user: Any) -> None:
    space = {"fast": {"min": 1, "max": 500}, "slow": {"min": 1, "max": 500}}

    for path in ("sweeps/", "sweeps/estimate/", "walk-forwards/"):
        body = assert_problem(api_client(user).post(f"/api/v1/{path}", {**BODY, "space": space}), 400, field="space")
        assert "20,000" in body["detail"]


def test_the_estimate_of_a_sweep_counts_its_runs(user: Any) -> None:
    answer = api_client(user).post("/api/v1/sweeps/estimate/", BODY).json()

    assert answer["runs"] == 12 and answer["estimated_seconds"] > 0
