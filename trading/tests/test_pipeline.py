"""The live road with real parts: stored bars, replay clock, strategy, gate, paper venue, books."""

from decimal import Decimal as D

import pytest

from core.models import OutboxEvent
from domain.errors import ValidationFailed
from domain.orders import OrderSide, OrderSpec, OrderStatus
from marketdata import replay_services as replays
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Position, Trade
from strategies.models import Strategy
from trading import pipeline, selectors
from trading.models import Fill, Order, Signal
from trading.services import orders, strategies
from trading.services.reconcile import reconcile
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db(transaction=True)

CLOSES = [100, 101, 102, 101, 100, 99, 98, 99, 101, 103, 105, 107, 109, 111, 112, 110, 108, 106, 104, 102, 100]


def play(scene, n=1):
    for _ in range(n):
        replays.play(scene.replay())
        pipeline.run_account(scene.account.pk)


def test_a_hand_placed_market_order_fills_at_the_next_open_and_is_protected():
    scene = make_scene(CLOSES)

    order = orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(10)))
    assert order.status == OrderStatus.ACCEPTED
    play(scene)

    order.refresh_from_db()
    assert order.status == OrderStatus.FILLED
    fill = Fill.objects.get()
    assert fill.price == scene.bar_after(order.market_at).open
    position = Position.objects.get()
    assert position.quantity == 10
    children = {o.role: o for o in Order.objects.filter(parent=order)}
    assert children["stop_loss"].status == OrderStatus.ACCEPTED
    assert children["stop_loss"].stop_price == (fill.price * D("0.98")).quantize(D("0.01"))
    account = scene.fresh_account()
    assert account.cash == D(100_000) - fill.price * 10


def test_a_stop_that_a_person_canceled_is_not_put_back():
    scene = make_scene(CLOSES)
    orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(10)))
    play(scene)
    stop = Order.objects.get(role="stop_loss")

    orders.cancel_order(stop.pk, at=stop.market_at)
    reconcile(scene.account.pk)

    assert not Order.objects.filter(role="stop_loss").exclude(status="canceled").exists()
    assert Order.objects.filter(role="take_profit", status="accepted").exists()
    assert OutboxEvent.objects.filter(name="position.unprotected").count() == 1


def test_a_stop_that_a_person_moved_stays_there_when_the_position_grows():
    scene = make_scene(CLOSES)
    orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(10)))
    play(scene)
    stop = Order.objects.get(role="stop_loss")

    orders.replace_order(stop.pk, {"stop_price": D(50)}, at=stop.market_at)
    orders.submit_order(
        scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.SELL, quantity=D(4), reduce_only=True)
    )
    play(scene)

    stop.refresh_from_db()
    assert (stop.status, stop.quantity, stop.stop_price) == (OrderStatus.ACCEPTED, 6, 50)


def test_an_instrument_in_another_currency_is_refused():
    scene = make_scene(CLOSES)
    Instrument.objects.filter(pk=scene.instrument.pk).update(currency="BTC")

    with pytest.raises(ValidationFailed, match="quoted in BTC"):
        orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(1)))

    assert not Order.objects.exists()


def test_code_that_is_changed_while_it_runs_is_checked_again(monkeypatch):
    scene = make_scene(CLOSES * 3)
    strategy = scene.strategy("buy_and_hold", {})
    strategies.start_strategy(strategy, by="test")
    Strategy.objects.filter(pk=strategy.pk).update(fingerprint="of the code before")

    def looks_ahead(row):
        return {"is_causal": False, "reason": "it looks ahead"}

    monkeypatch.setattr("strategies.services.check_causality", looks_ahead)
    play(scene)

    strategy.refresh_from_db()
    assert strategy.state == "failed"
    assert "changed while it ran" in strategy.failure_reason


def test_a_strategy_trades_and_every_signal_has_one_outcome():
    scene = make_scene(CLOSES * 3)
    strategy = scene.strategy("buy_and_hold", {})

    strategies.start_strategy(strategy, by="test")
    play(scene, 40)

    assert Signal.objects.exists()
    assert not Signal.objects.filter(outcome="pending").exists()
    assert Trade.objects.exists()
    assert not portfolio.differences(scene.fresh_account(), selectors.fills_of_account(scene.fresh_account()))


def test_no_child_stays_held_when_its_entry_only_added_to_a_protected_position():
    scene = make_scene(CLOSES)

    for _ in range(2):
        orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(10)))
    play(scene)

    assert Position.objects.get().quantity == 20
    assert not Order.objects.filter(status=OrderStatus.HELD).exists()
    working = Order.objects.filter(role="stop_loss", status=OrderStatus.ACCEPTED).get()
    assert working.quantity == 20
