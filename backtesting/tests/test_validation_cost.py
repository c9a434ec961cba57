"""What a cross-validation costs: its splits count, not its runs alone."""

from dataclasses import replace
from typing import Any

import pytest

from backtesting.models import Chunk
from backtesting.services.search_requests import CPCV, SearchRequest, WalkRequest
from backtesting.services.searching import estimate_walk, submit_walk
from backtesting.tests.jobs import request, stored_walk
from core.testing import make_user
from domain.errors import ValidationFailed

pytestmark = pytest.mark.django_db
SPACE: dict[str, Any] = {"fast": {"min": 2, "max": 101}, "slow": {"min": 110, "max": 209}}


@pytest.fixture
def few() -> WalkRequest:
    stored_walk(n=2_000)
    return WalkRequest(search=SearchRequest(run=request(), space=SPACE), mode=CPCV, groups=6, test_groups=2)


def test_more_splits_cost_more_and_weigh_more_in_the_progress(few: WalkRequest) -> None:
    user, many = make_user(), replace(few, groups=18, test_groups=4)

    least, most = estimate_walk(user, few), estimate_walk(user, many)
    ends = [Chunk.objects.get(job=submit_walk(user, each), is_final=True).n_runs for each in (few, many)]

    assert least.n_runs == most.n_runs == 10_000
    assert most.seconds > 5 * least.seconds  # 3,060 splits against 15
    assert ends[1] > 50 * ends[0]


def test_one_beyond_what_a_job_may_cost_is_refused(few: WalkRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backtesting.services.quotas.MAX_JOB_SECONDS", 300.0)

    with pytest.raises(ValidationFailed) as caught:
        submit_walk(make_user(), replace(few, groups=20, test_groups=4))

    assert [(fault.field, fault.code) for fault in caught.value.errors] == [("groups", "too_expensive")]


def test_more_returns_than_one_process_should_hold_are_refused(few: WalkRequest) -> None:
    space = {"fast": {"min": 2, "max": 101}, "slow": {"min": 110, "max": 259}}

    with pytest.raises(ValidationFailed) as caught:
        estimate_walk(make_user(), replace(few, search=replace(few.search, space=space)))

    assert [(fault.field, fault.code) for fault in caught.value.errors] == [("space", "too_many")]
    assert "15,000 combinations over 2,000 days are 30,000,000 returns" in caught.value.message
