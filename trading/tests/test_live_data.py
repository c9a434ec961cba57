"""Market data and performance preferences changed through the API while a strategy runs."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.core.cache import cache

from core.facts import Fact
from core.models import OutboxEvent
from core.testing import assert_problem, changes
from domain.events import AccountMarked
from preferences import selectors as preferences
from realtime import push
from trading.handlers import push_mark
from trading.models import Order
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import FALLING, RISING, play, put, running, signal
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene(RISING)


@changes("market_data.preferred_sources")
def test_a_new_feed_needs_a_source_that_is_preferred_and_an_open_one_goes_on(api: ApiScene) -> None:
    strategy = running(api)
    other = make_scene(RISING)

    warned = put(api, "market-data", preferred_sources=["alpaca"])
    assert warned["warnings"][0]["field"] == "preferred_sources"
    refused = api.owner("post", "/orders/", api.order(symbol=other.symbol))
    assert_problem(refused, 400, field="symbol", code="no_source")
    play(api, 3)
    assert Order.objects.filter(strategy=strategy, status="filled").exists()
    assert signal(api, strategy, side="exit")["outcome"] == "executed"

    put(api, "market-data", preferred_sources=["alpaca", "replay"])
    assert api.owner("post", "/orders/", api.order(symbol=other.symbol)).status_code == 201


@changes("market_data.level2_enabled", "market_data.options_data", "market_data.futures_data")
@pytest.mark.parametrize("field", ["level2_enabled", "options_data", "futures_data"])
def test_what_a_source_lacks_is_accepted_with_a_warning(api: ApiScene, field: str) -> None:
    answer = put(api, "market-data", **{field: True})

    assert answer[field] is True
    assert [warned["field"] for warned in answer["warnings"]] == [field]
    assert "replay has no" in answer["warnings"][0]["message"]
    assert "warnings" not in put(api, "market-data", **{field: False})


@pytest.fixture
def pushed(monkeypatch: Any) -> list[str]:
    cache.clear()
    sent: list[str] = []
    monkeypatch.setattr(push, "send", lambda topic, type, data: sent.append(type))
    return sent


def mark(api: ApiScene) -> None:
    account = api.scene.fresh_account()
    fact = AccountMarked(
        at=account.created_at, user_id=account.user_id, account_id=account.pk, equity=account.equity, cash=account.cash
    )
    push_mark(Fact(fact.name, fact.event_id, fact.at, fact.user_id, fact.account_id, fact.payload()))


@changes("performance.realtime_pnl", "performance.update_interval_seconds")
def test_live_equity_comes_as_often_as_it_is_wanted(api: ApiScene, pushed: list[str]) -> None:
    for _ in range(3):
        mark(api)
    assert pushed == ["account.marked"]

    put(api, "performance", realtime_pnl=False)
    cache.clear()
    pushed.clear()
    mark(api)
    assert pushed == []

    put(api, "performance", realtime_pnl=True, update_interval_seconds=1)
    mark(api)
    assert pushed == ["account.marked"]


@changes("performance.profit_alert_percent", "performance.loss_alert_percent", "performance.drawdown_alert_percent")
def test_a_gain_a_loss_and_a_drawdown_are_told_once_a_session(api: ApiScene) -> None:
    running(api)
    put(api, "performance", profit_alert_percent=0.001)
    play(api, 4)
    told = OutboxEvent.objects.filter(name="performance.alert_reached")
    assert {fact.payload["kind"] for fact in told} == {"profit"}
    assert told.count() == len({fact.at.date() for fact in told})

    down = make_api_scene(FALLING)
    running(down)
    put(down, "performance", loss_alert_percent=50, drawdown_alert_percent=50)
    play(down, 3)
    mine = OutboxEvent.objects.filter(name="performance.alert_reached", account_id=down.scene.account.pk)
    assert not mine.exists()
    put(down, "performance", loss_alert_percent=0.001, drawdown_alert_percent=0.001)
    play(down, 2)
    assert {fact.payload["kind"] for fact in mine} == {"loss", "drawdown"}


def test_a_closed_loss_tells_the_equity_that_its_threshold_is_measured_by() -> None:
    api = make_api_scene(FALLING)
    running(api)
    play(api, 8)

    fact = OutboxEvent.objects.filter(name="position.closed").first()

    assert fact is not None and D(fact.payload["pnl_net"]) < 0 < D(fact.payload["equity"])


@changes("performance.benchmark_symbol")
def test_results_are_compared_with_the_preferred_benchmark(api: ApiScene) -> None:
    strategy = running(api)
    play(api, 5)
    url = f"/accounts/{api.scene.account.pk}/benchmark/"
    missing = api.owner("get", url).json()
    assert missing["benchmark_symbol"] == "SPY" and missing["benchmark_return"] is None
    assert "There are no prices of SPY" in missing["message"]
    assert any(w["field"] == "benchmark_symbol" for w in put(api, "performance", update_interval_seconds=6)["warnings"])

    put(api, "performance", benchmark_symbol=api.scene.symbol)

    found = api.owner("get", url).json()
    assert found["benchmark_return"] > 0 and found["message"] == ""
    assert preferences.current(strategy.user_id).performance.benchmark_symbol == api.scene.symbol
