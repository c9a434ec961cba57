"""Strategy preferences changed through the API while a strategy runs: starts, reviews and suggestions obey."""

from datetime import timedelta

import pytest
from django.test import TestCase

from core.models import OutboxEvent
from core.testing import assert_problem, changes
from marketdata.models import Instrument
from trading.models import StrategyRun
from trading.services import reviews
from trading.services.diversification import n_uncorrelated
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import FALLING, RISING, make, play, put, running, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene(RISING)


@changes("strategy.max_strategies")
def test_no_more_strategies_start_than_are_allowed(api: ApiScene) -> None:
    running(api)
    other = make(api)

    put(api, "strategy", max_strategies=1)
    assert_problem(start(api, other), 400, field="max_strategies")

    put(api, "strategy", max_strategies=2)
    assert start(api, other).status_code == 200


@changes("strategy.min_uncorrelated_strategies")
def test_strategies_on_the_same_instrument_are_correlated(api: ApiScene) -> None:
    running(api)
    other = make(api)

    put(api, "strategy", min_uncorrelated_strategies=2)
    assert_problem(start(api, other), 400, field="min_uncorrelated_strategies", code="too_correlated")

    put(api, "strategy", min_uncorrelated_strategies=1)
    assert start(api, other).status_code == 200


def test_series_count_as_uncorrelated_only_when_they_are_seen_to_be() -> None:
    days = range(40)
    one = {day: (-1.0) ** day for day in days}
    other = {day: (-1.0) ** (day // 2) for day in days}

    assert n_uncorrelated([one, other], 0.8) == 2
    assert n_uncorrelated([one, dict(one)], 0.8) == 1
    assert n_uncorrelated([one, {day: other[day] for day in range(10)}], 0.8) == 1
    assert n_uncorrelated([one, dict.fromkeys(days, 0.0)], 0.8) == 1


@changes("strategy.max_sector_concentration_percent")
def test_strategies_may_not_gather_in_one_sector(api: ApiScene) -> None:
    Instrument.objects.filter(pk=api.scene.instrument.pk).update(sector="Technology")
    running(api)
    other = make(api)

    put(api, "strategy", max_sector_concentration_percent=3)
    assert_problem(start(api, other), 400, field="max_sector_concentration_percent", code="too_concentrated")

    put(api, "strategy", max_sector_concentration_percent=4)
    assert start(api, other).status_code == 200


@changes(
    "strategy.auto_pause_underperforming",
    "strategy.performance_review_period_days",
    "strategy.underperformance_threshold_percent",
)
def test_an_underperforming_strategy_is_paused_after_the_review_period() -> None:
    api = make_api_scene(FALLING)
    put(api, "risk", stop_loss_percent=1)
    strategy = running(api)
    play(api, 30)
    assert reviews.review_strategies() == 0

    put(
        api,
        "strategy",
        auto_pause_underperforming=True,
        performance_review_period_days=60,
        underperformance_threshold_percent=-1,
    )
    assert reviews.review_strategies() == 0  # it has not run for 60 days yet
    put(api, "strategy", performance_review_period_days=25, underperformance_threshold_percent=-90)
    assert reviews.review_strategies() == 0  # it is not as bad as that
    put(api, "strategy", underperformance_threshold_percent=-1)

    run = StrategyRun.objects.get(strategy=strategy)
    found = reviews.result_of(strategy, since=run.decide_after - timedelta(days=1))
    assert found.pnl < 0 < found.capital and found.n_trades >= 2, found
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert reviews.review_strategies() == 1

    strategy.refresh_from_db()
    assert strategy.state == "paused"
    fact = OutboxEvent.objects.get(name="strategy.paused")
    assert "underperformance" in fact.payload["reason"] and "below -1 %" in fact.payload["reason"]
