"""Promise 9: a strategy gone wild places its configured few, is disabled, and raises one notice."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from core.models import OutboxEvent
from domain.orders import OrderStatus
from domain.signals import SignalRow, SignalSide
from marketdata import selectors as market
from notifications.models import Notification
from notifications.services.routing import route_event
from preferences.definitions import Category
from preferences.services import change
from strategies.models import Strategy, StrategyState
from trading.models import Order, Signal
from trading.services import strategies
from trading.services.runaway import MOST_SIGNALS
from trading.services.signals import Statement, take_signal
from trading.tests.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True)
FEW = 3


@pytest.fixture
def wild() -> tuple[Scene, Strategy]:
    scene = make_scene([100] * 80)
    change(scene.user, Category.TRADING, {"max_daily_trades": FEW})
    strategy = scene.strategy("buy_and_hold", {}, sizing_value=D(1))
    strategies.start_strategy(strategy, by="test")
    return scene, strategy


def speak(
    scene: Scene, strategy: Strategy, *, side: SignalSide = SignalSide.BUY, after: int = 0, **more: Any
) -> Signal:
    at = market.market_time(scene.instrument) + timedelta(milliseconds=after)
    statement = Statement(
        account_id=scene.account.pk,
        instrument=scene.instrument,
        strategy=Strategy.objects.get(pk=strategy.pk),
        row=SignalRow(side, 1.0),
        price=D(100),
        at=at,
        **{"is_from_bar": False, **more},
    )
    return take_signal(statement)


@pytest.mark.parametrize("is_from_bar", [False, True])
def test_a_runaway_places_its_few_is_disabled_and_told_of_once(wild: tuple[Scene, Strategy], is_from_bar: bool) -> None:
    scene, strategy = wild

    for i in range(80):
        speak(scene, strategy, after=i, is_from_bar=is_from_bar)

    strategy.refresh_from_db()
    assert (strategy.state, "Runaway" in strategy.failure_reason) == (StrategyState.FAILED, True)
    assert Order.objects.filter(role="entry").exclude(status=OrderStatus.DENIED).count() == FEW
    assert not Signal.objects.filter(outcome="pending").exists()
    assert Signal.objects.filter(code="strategy_paused").count() == 80 - MOST_SIGNALS - 1
    failed = OutboxEvent.objects.filter(name="strategy.failed")
    for event in failed:
        route_event(event, at=event.at)
    assert failed.count() == 1
    assert Notification.objects.filter(title__contains="failed").count() == 1


def test_exits_of_a_runaway_go_on(wild: tuple[Scene, Strategy]) -> None:
    scene, strategy = wild
    for i in range(MOST_SIGNALS + 5):
        speak(scene, strategy, after=i)

    gone = speak(scene, strategy, side=SignalSide.EXIT, after=99)

    assert gone.code == "no_position"  # it was asked, not held back


def test_a_person_starts_it_again(wild: tuple[Scene, Strategy]) -> None:
    scene, strategy = wild
    for i in range(MOST_SIGNALS + 5):
        speak(scene, strategy, after=i)
    Signal.objects.update(created_at=Signal.objects.first().created_at - timedelta(minutes=1))

    strategies.start_strategy(Strategy.objects.get(pk=strategy.pk), by="test")

    assert speak(scene, strategy, after=200).code != "strategy_paused"


def test_many_bars_played_quickly_are_no_runaway(wild: tuple[Scene, Strategy]) -> None:
    scene, strategy = wild

    for i in range(60):
        speak(scene, strategy, after=i * 60_000, is_from_bar=True)

    strategy.refresh_from_db()
    assert strategy.state == StrategyState.RUNNING
