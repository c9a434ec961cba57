"""Every preference changed through the API while a strategy runs: the live behaviour changes at the next bar."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.cache import cache
from django.test import TestCase

from core.facts import Fact
from core.models import OutboxEvent
from core.testing import assert_problem
from domain.events import AccountMarked
from marketdata import replay_services as replays
from marketdata.models import Instrument
from preferences import selectors as preferences
from realtime import push
from strategies.models import Strategy
from trading import pipeline
from trading.handlers import push_mark
from trading.models import Order, PaperOrder, Signal, StrategyRun
from trading.services import reviews
from trading.services.diversification import n_uncorrelated
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db

RISING = [100 + i * 0.5 for i in range(80)]
FALLING = [100 - i * 0.4 for i in range(80)]
WAVES = [100 + (i % 2) * 0.5 + (i % 3) * 0.2 for i in range(80)]
OTHER_WAVES = [100 + (i % 3) * 0.5 + (i % 7) * 0.1 for i in range(80)]


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene(RISING)


def put(api: ApiScene, category: str, **values: Any) -> Any:
    answer = api.owner("put", f"/preferences/{category}/", values)
    assert answer.status_code == 200, answer.content
    return answer.json()


def play(api: ApiScene, n: int = 1) -> None:
    for _ in range(n):
        with TestCase.captureOnCommitCallbacks(execute=True):
            replays.play(api.scene.replay())
        with TestCase.captureOnCommitCallbacks(execute=True):
            pipeline.run_account(api.scene.account.pk)


def make(api: ApiScene, kind: str = "buy_and_hold", **more: Any) -> Strategy:
    return api.scene.strategy(kind, {}, **more)


def start(api: ApiScene, strategy: Strategy) -> Any:
    return api.owner("post", f"/strategies/{strategy.pk}/start/", {})


def running(api: ApiScene, kind: str = "buy_and_hold", **more: Any) -> Strategy:
    strategy = make(api, kind, **more)
    assert start(api, strategy).status_code == 200
    play(api)
    return strategy


def signal(api: ApiScene, strategy: Strategy | None = None, **more: Any) -> dict[str, Any]:
    body = {"symbol": api.scene.symbol, "side": "buy", **more}
    if strategy is not None:
        body["strategy"] = str(strategy.pk)
    answer = api.owner("post", "/signals/", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


# --- trading -------------------------------------------------------------------------------------------------------


def test_auto_execution_off_holds_entries_and_never_exits(api: ApiScene) -> None:
    strategy = running(api)
    play(api, 3)
    assert Order.objects.filter(role="entry", status="filled").exists()

    put(api, "trading", auto_execute_signals=False)

    left = signal(api, strategy, side="exit")
    assert left["outcome"] == "executed"
    play(api, 3)
    held = Signal.objects.filter(strategy=strategy, side="buy").latest("created_at")
    assert held.outcome == "awaiting_approval"
    put(api, "trading", auto_execute_signals=True)
    assert signal(api, None)["outcome"] == "executed"


@pytest.mark.parametrize(
    ("values", "asked", "code"),
    [
        ({"min_confidence_threshold": 0.9}, {"confidence": 0.8}, "below_confidence"),
        ({"max_daily_trades": 0}, {}, "daily_trade_limit"),
        ({"max_concurrent_positions": 0}, {}, "max_positions"),
    ],
)
def test_the_preference_gate_obeys_from_the_next_signal_on(
    api: ApiScene, values: dict[str, Any], asked: dict[str, Any], code: str
) -> None:
    running(api)
    assert signal(api, **asked)["outcome"] == "executed"

    put(api, "trading", **values)

    refused = signal(api, **asked)
    assert (refused["outcome"], refused["code"]) == ("skipped", code)


def test_the_order_type_of_entries_and_their_time_out(api: ApiScene) -> None:
    running(api)

    put(api, "trading", preferred_order_types=["limit"], order_timeout_seconds=1)
    signal(api)

    order = Order.objects.filter(role="entry").latest("created_at")
    assert order.type == "limit"
    Order.objects.filter(pk=order.pk).update(limit_price=D(1))
    PaperOrder.objects.filter(client_order_id=order.client_order_id).update(limit_price=D(1))
    play(api, 2)
    order.refresh_from_db()
    assert order.status == "canceled"


@pytest.mark.parametrize(("method", "value"), [("percent_equity", 1.0), ("percent_equity", 3.0)])
def test_signals_without_a_strategy_are_sized_by_the_preferences(api: ApiScene, method: str, value: float) -> None:
    running(api)

    put(api, "trading", default_sizing_method=method, default_position_size_percent=value)
    signal(api)

    order = Order.objects.filter(strategy=None).latest("created_at")
    assert order.quantity == (D(100_000) * D(str(value)) / 100 / order.reference_price).to_integral_value("ROUND_FLOOR")


# --- risk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"max_position_size_percent": 0.5}, "max_position_size"),
        ({"max_portfolio_exposure_percent": 0.5}, "max_exposure"),
        ({"max_sector_concentration_percent": 0.5}, "sector_limit"),
        ({"max_leverage": 0.01}, "max_leverage"),
    ],
)
def test_a_tightened_limit_denies_the_next_order(api: ApiScene, values: dict[str, Any], rule: str) -> None:
    running(api)
    assert api.place(quantity="20")["status"] != "denied"

    put(api, "risk", **values)

    denied = api.place(quantity="21")
    assert denied["status"] == "denied"
    broken = [r["type"] for r in denied["decision"]["reasons"] if r["verdict"] == "denied"]
    assert rule in broken


@pytest.mark.parametrize(
    ("name", "rule"), [("max_drawdown_percent", "max_drawdown"), ("max_daily_loss_percent", "max_daily_loss")]
)
def test_a_tightened_loss_limit_counts_the_loss_that_is_there(api: ApiScene, name: str, rule: str) -> None:
    running(api)
    account = api.scene.fresh_account()
    account.session_date, account.session_start_equity = replay_date(api), D(101_000)
    account.peak_equity = D(101_000)
    account.save()
    assert api.place(quantity="1")["status"] != "denied"

    put(api, "risk", **{name: 0.5})

    denied = api.place(quantity="2")
    assert rule in [r["type"] for r in denied["decision"]["reasons"] if r["verdict"] == "denied"]


def replay_date(api: ApiScene) -> Any:
    return api.scene.replay().market_time.date()


def test_what_moves_like_what_is_held_is_refused_by_the_correlation_limit() -> None:
    api = make_api_scene(WAVES)
    twin, stranger = make_scene(WAVES), make_scene(OTHER_WAVES)
    strategy = running(api)
    play(api, 45)
    assert Order.objects.filter(strategy=strategy, status="filled").exists()

    alike, other = api.place(symbol=twin.symbol, quantity="1"), api.place(symbol=stranger.symbol, quantity="1")
    assert reasons(alike, "max_correlation") == ["denied"] and other["status"] != "denied"

    put(api, "risk", max_correlation=0.1)
    assert reasons(api.place(symbol=stranger.symbol, quantity="2"), "max_correlation") == ["denied"]

    put(api, "risk", max_correlation=1, confirm=True)
    free = api.place(symbol=twin.symbol, quantity="2")
    assert free["status"] != "denied" and reasons(free, "max_correlation") == []


def reasons(order: Any, kind: str) -> list[str]:
    return [each["verdict"] for each in order["decision"]["reasons"] if each["type"] == kind]


def test_protective_orders_follow_the_preferences_of_their_entry(api: ApiScene) -> None:
    running(api)

    put(api, "risk", stop_loss_percent=1, take_profit_percent=2)
    api.place(quantity="7")
    play(api)

    entry = Order.objects.get(quantity=7, role="manual")
    children = {each.role: each for each in Order.objects.filter(parent=entry)}
    assert children["stop_loss"].stop_price == (entry.average_fill_price * D("0.99")).quantize(D("0.01"))
    assert children["take_profit"].limit_price == (entry.average_fill_price * D("1.02")).quantize(D("0.01"))


# --- strategies ----------------------------------------------------------------------------------------------------


def test_no_more_strategies_start_than_are_allowed(api: ApiScene) -> None:
    running(api)
    other = make(api)

    put(api, "strategy", max_strategies=1)
    assert_problem(start(api, other), 400, field="max_strategies")

    put(api, "strategy", max_strategies=2)
    assert start(api, other).status_code == 200


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


def test_strategies_may_not_gather_in_one_sector(api: ApiScene) -> None:
    Instrument.objects.filter(pk=api.scene.instrument.pk).update(sector="Technology")
    running(api)
    other = make(api)

    put(api, "strategy", max_sector_concentration_percent=3)
    assert_problem(start(api, other), 400, field="max_sector_concentration_percent", code="too_concentrated")

    put(api, "strategy", max_sector_concentration_percent=4)
    assert start(api, other).status_code == 200


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


# --- market data ---------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("field", ["level2_enabled", "options_data", "futures_data"])
def test_what_a_source_lacks_is_accepted_with_a_warning(api: ApiScene, field: str) -> None:
    answer = put(api, "market-data", **{field: True})

    assert answer[field] is True
    assert [warned["field"] for warned in answer["warnings"]] == [field]
    assert "replay has no" in answer["warnings"][0]["message"]
    assert "warnings" not in put(api, "market-data", **{field: False})


# --- performance ---------------------------------------------------------------------------------------------------


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
