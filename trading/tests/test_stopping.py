"""Promises 8 and 9: a kill switch holds at the wire too, and a runaway strategy is stopped after its configured few."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from domain.orders import OrderSide, OrderSpec, OrderStatus
from domain.signals import SignalRow, SignalSide
from marketdata import replay_services as replays
from risk.models import KillScope, KillSwitch
from risk.services.kill_switches import engage_kill_switch
from risk.services.rules import create_rule
from strategies.models import Strategy, StrategyState
from trading import pipeline
from trading.models import Order, Signal
from trading.services import orders, sending, signals, strategies
from trading.services.intents import Origin
from trading.tests.scene import Scene, make_scene
from trading.venue_models import PaperOrder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene() -> Iterator[Scene]:
    yield make_scene([100 + i % 7 for i in range(60)])


def committed(scene: Scene, side: OrderSide, quantity: int, *, reduce_only: bool = False) -> Order:
    """Commit an order without sending it: the moment before the wire."""
    spec = OrderSpec(symbol=scene.symbol, side=side, quantity=D(quantity), reduce_only=reduce_only)
    return orders.commit_order(scene.account.pk, spec, origin=Origin())[0]


def switch_on(scene: Scene, *, forbid_all: bool = False) -> None:
    """Engage the switch as another process that has not come to cancel anything yet."""
    KillSwitch.objects.create(
        scope=KillScope.ACCOUNT,
        target_id=scene.account.pk,
        user=scene.user,
        reason="drill",
        forbid_all=forbid_all,
        engaged_at=timezone.now(),
        engaged_by="test",
    )


def bought(scene: Scene, quantity: int) -> None:
    orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(quantity)))
    replays.play(scene.replay())
    pipeline.run_account(scene.account.pk)


def test_an_order_committed_before_the_kill_is_canceled_here_and_never_sent(scene: Scene) -> None:
    order = committed(scene, OrderSide.BUY, 10)
    switch_on(scene)

    sending.dispatch([order.pk])

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
    assert "drill" in order.reason and "not sent" in order.reason
    assert not PaperOrder.objects.exists()
    assert not Order.objects.exclude(status=OrderStatus.CANCELED).exists()  # its held stop and target went with it


@pytest.mark.parametrize("reduce_only", [True, False])
@pytest.mark.parametrize("forbid_all", [False, True])
def test_what_only_reduces_is_still_sent_unless_all_is_forbidden(
    scene: Scene, reduce_only: bool, forbid_all: bool
) -> None:
    bought(scene, 10)
    order = committed(scene, OrderSide.SELL, 10, reduce_only=reduce_only)
    switch_on(scene, forbid_all=forbid_all)

    sending.dispatch([order.pk])

    order.refresh_from_db()
    assert order.status == (OrderStatus.CANCELED if forbid_all else OrderStatus.ACCEPTED)


def test_an_order_that_turns_the_position_is_not_sent(scene: Scene) -> None:
    bought(scene, 10)
    order = committed(scene, OrderSide.SELL, 15)
    switch_on(scene)

    sending.dispatch([order.pk])

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED


def running(scene: Scene) -> Strategy:
    strategy = scene.strategy("buy_and_hold", {}, sizing_value=D("0.5"))
    strategies.start_strategy(strategy, by="test")
    return Strategy.objects.get(pk=strategy.pk)


def said(scene: Scene, strategy: Strategy, n: int) -> Signal:
    """One signal of a strategy that has gone wild: each for another bar."""
    return signals.take_signal(
        signals.Statement(
            account_id=scene.account.pk,
            instrument=scene.instrument,
            strategy=strategy,
            row=SignalRow(side=SignalSide.BUY, confidence=0.9),
            price=D(100),
            at=scene.replay().market_time + timedelta(milliseconds=n),
            timeframe="1d",
        )
    )


def test_a_runaway_strategy_places_its_configured_few_is_paused_and_told_once(scene: Scene) -> None:
    rule = {"name": "Runaway", "type": "repeated_execution", "limit": D(3), "action": "pause_strategy"}
    create_rule(scene.user, rule, at=timezone.now())
    strategy = running(scene)  # one row in memory, as a loop that never looks again would have

    outcomes = [said(scene, strategy, n).code for n in range(200)]

    assert outcomes == ["", "", "", "risk"] + ["strategy_paused"] * 196
    assert PaperOrder.objects.filter(side="buy").count() == 3
    assert Order.objects.filter(role="entry").exclude(status=OrderStatus.DENIED).count() == 3
    assert Strategy.objects.get().state == StrategyState.PAUSED
    told = OutboxEvent.objects.filter(name__in=["risk.rule_breached", "strategy.paused"]).values_list("name", flat=True)
    assert sorted(told) == ["risk.rule_breached", "strategy.paused"]


def test_random_kills_stop_every_entry_of_a_trading_strategy(scene: Scene) -> None:
    strategy = running(scene)
    said(scene, strategy, 0)

    engage_kill_switch(scope=KillScope.STRATEGY, target_id=strategy.pk, reason="drill", by="test", at=timezone.now())
    after = [said(scene, strategy, n) for n in range(1, 20)]

    assert {signal.outcome for signal in after} == {"denied"}
    working = Order.objects.filter(role="entry").exclude(status__in=["denied", "canceled"])
    assert not working.exists()
