"""Trading preferences changed through the API while a strategy runs: the next signal obeys."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from core.testing import changes
from domain.bars import BarArrays, BarSource, Timeframe
from domain.instruments import AssetClass
from marketdata.services import create_instrument, record_bars
from preferences.categories import SIZING_METHODS
from trading.models import Order, PaperOrder, Signal
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import RISING, play, put, running, signal

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene(RISING)


@changes("trading.auto_execute_signals")
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


@changes("trading.min_confidence_threshold", "trading.max_daily_trades", "trading.max_concurrent_positions")
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


@changes("trading.preferred_order_types", "trading.order_timeout_seconds")
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


SIZES = {  # method: the position size, a further field of the signal, and the quantity by hand from equity and price
    "fixed_quantity": (7, {}, lambda equity, price: D(7)),
    "fixed_value": (0.5, {}, lambda equity, price: 500 / price),  # of the starting cash of 100,000
    "percent_equity": (1.5, {}, lambda equity, price: equity * D("0.015") / price),
    "risk_per_trade": (0.1, {"stop": 5}, lambda equity, price: equity * D("0.001") / 5),
    "atr_volatility": (0.05, {}, lambda equity, price: equity * D("0.0005") / D("2.5")),  # ranges from -1 to +1.5
    "kelly": (50, {}, lambda equity, price: equity * D("0.01") / price),  # 1 % until there are enough trades
    "equal_weight": (1.25, {}, lambda equity, price: equity / 80 / price),
}


@changes("trading.default_sizing_method", "trading.default_position_size_percent")
@pytest.mark.parametrize("method", SIZING_METHODS)
def test_signals_without_a_size_of_their_own_are_sized_by_the_preferences(api: ApiScene, method: str) -> None:
    value, more, quantity_of = SIZES[method]
    running(api)
    play(api, 16)
    before = signal(api)
    price = D(before["price"])
    assert Order.objects.filter(strategy=None).latest("created_at").quantity == _lots(D(2000) / price)

    put(api, "trading", default_sizing_method=method, default_position_size_percent=value)
    equity = api.scene.fresh_account().equity
    signal(api, **{name: str(price - distance) for name, distance in more.items()})

    order = Order.objects.filter(strategy=None).latest("created_at")
    assert order.quantity == _lots(quantity_of(equity, price)), order.reason


def _lots(quantity: D) -> D:
    return quantity.to_integral_value("ROUND_FLOOR")


# --- hours ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def session() -> ApiScene:
    """A share with half-hourly bars from two and a half hours before New York's open to three after its close."""
    api = make_api_scene(RISING)
    share = create_instrument(
        f"{api.scene.symbol}X",
        venue="XNYS",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=D("0.01"),
        lot_size=D(1),
        calendar="XNYS",
    )
    opens = [datetime(2020, 3, day, 12, tzinfo=UTC) + timedelta(minutes=30 * n) for day in (3, 4, 5) for n in range(24)]
    t = np.array([int(each.timestamp()) for each in opens], dtype=np.int64)
    price = np.full(len(t), 100.0)
    bars = BarArrays(t, price, price + 1, price - 1, price, np.full(len(t), 10_000.0))
    record_bars(share, Timeframe.M30, bars, BarSource.IMPORTED, at=timezone.now())
    api.scene.instrument = share
    return api


@pytest.mark.parametrize(
    ("field", "before_open"),
    [
        pytest.param("allow_pre_market", True, id="allow_pre_market"),
        pytest.param("allow_after_hours", False, id="allow_after_hours"),
    ],
)
@changes("trading.allow_pre_market", "trading.allow_after_hours")
def test_entries_outside_the_session_wait_for_the_preference(session: ApiScene, field: str, before_open: bool) -> None:
    strategy = running(session, timeframe=Timeframe.M30)
    other = "allow_after_hours" if before_open else "allow_pre_market"
    put(session, "trading", **{other: True})  # the other half of the day changes nothing
    _play_to(session, 13 if before_open else 22)
    n_orders = Order.objects.filter(strategy=strategy, role="entry").count()
    assert signal(session)["code"] == "market_closed"
    assert signal(session, strategy, side="exit")["code"] in ("", "no_position")  # an exit never asks
    play(session)
    assert Signal.objects.filter(strategy=strategy, side="buy").latest("at").code == "market_closed"

    put(session, "trading", **{field: True})

    assert signal(session)["outcome"] == "executed"
    play(session)
    assert Order.objects.filter(strategy=strategy, role="entry").count() == n_orders + 1


def _play_to(api: ApiScene, hour: int) -> None:
    """Play to the next day's bar that closes at this hour (UTC): 13:00 is 08:00 in New York, 22:00 is 17:00."""
    day = api.scene.replay().market_time.date()
    while (now := api.scene.replay().market_time) and not (now.date() > day and now.hour == hour):
        play(api)
