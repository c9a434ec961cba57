"""Risk preferences changed through the API while a strategy runs: the next order obeys."""

from decimal import Decimal as D
from typing import Any

import pytest

from core.testing import changes
from trading.models import Order
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import OTHER_WAVES, RISING, WAVES, play, put, reasons, running
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene(RISING)


@changes(
    "risk_management.max_position_size_percent",
    "risk_management.max_portfolio_exposure_percent",
    "risk_management.max_sector_concentration_percent",
    "risk_management.max_leverage",
)
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


@changes("risk_management.max_drawdown_percent", "risk_management.max_daily_loss_percent")
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


@changes("risk_management.max_correlation")
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


@changes("risk_management.stop_loss_percent", "risk_management.take_profit_percent")
def test_protective_orders_follow_the_preferences_of_their_entry(api: ApiScene) -> None:
    running(api)

    put(api, "risk", stop_loss_percent=1, take_profit_percent=2)
    api.place(quantity="7")
    play(api)

    entry = Order.objects.get(quantity=7, role="manual")
    children = {each.role: each for each in Order.objects.filter(parent=entry)}
    assert children["stop_loss"].stop_price == (entry.average_fill_price * D("0.99")).quantize(D("0.01"))
    assert children["take_profit"].limit_price == (entry.average_fill_price * D("1.02")).quantize(D("0.01"))
