"""Watching between orders: streaks and slippage are measured, act once, and hold until released."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from domain.orders import OrderSide, OrderSpec, OrderStatus
from marketdata import replay_services as replays
from portfolio.models import Account, Position, Trade
from risk.models import RiskBreach
from risk.services.breaches import acknowledge
from risk.services.rules import create_rule
from strategies.models import Strategy, StrategyState
from trading import pipeline
from trading.models import Order
from trading.services import orders, strategies
from trading.services.watching import watch_accounts
from trading.tests.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene() -> Scene:
    return make_scene([100 + i % 7 for i in range(80)])


def limit(scene: Scene, type_name: str, limit: str, action: str = "reject", **more: Any) -> None:
    values = {"name": type_name, "type": type_name, "limit": D(limit), "action": action, **more}
    create_rule(scene.user, values, at=timezone.now())


def buy(scene: Scene, quantity: int = 1) -> Order:
    spec = OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(quantity))
    return orders.submit_order(scene.account.pk, spec)


def play(scene: Scene) -> None:
    replays.play(scene.replay())
    pipeline.run_account(scene.account.pk)


def traded(scene: Scene, *pnls: int, strategy: Strategy | None = None) -> None:
    """Closed trades with these results, oldest first, beside a position that is held."""
    key = strategy.pk if strategy else None
    position, _ = Position.objects.get_or_create(
        user=scene.user,
        account=scene.account,
        instrument=scene.instrument,
        strategy_id=key,
        defaults={"quantity": D(1), "average_price": D(100), "cost": D(100), "is_open": True},
    )
    n = Trade.objects.count()
    for i, pnl in enumerate(pnls):
        at = timezone.now() - timedelta(days=100) + timedelta(minutes=n + i)
        Trade.objects.create(
            user=scene.user,
            account=scene.account,
            position=position,
            instrument=scene.instrument,
            strategy_id=key,
            entry_fill=f"f{n + i}",
            side="buy",
            entry_at=at,
            entry_quantity=D(1),
            entry_value=D(100),
            closed_at=at,
            pnl_net=D(pnl),
        )


def told(name: str) -> int:
    return OutboxEvent.objects.filter(name=name).count()


def test_a_loss_streak_stops_new_risk_until_it_is_released_and_is_told_once(scene: Scene) -> None:
    limit(scene, "loss_streak", "3")
    traded(scene, -1, 5, -1, -1)

    watch_accounts()
    before = buy(scene).status
    traded(scene, -1)
    for _ in range(3):
        watch_accounts()
    denied = buy(scene)
    breach = RiskBreach.objects.get(level="breach")

    assert before == OrderStatus.ACCEPTED and denied.status == OrderStatus.DENIED
    assert "earlier breach still holds" in denied.reason
    assert (told("risk.rule_breached"), breach.value, breach.limit) == (1, D(3), D(3))

    acknowledge(breach, by=scene.user, release=True, at=timezone.now())
    assert buy(scene).status == OrderStatus.ACCEPTED


def test_a_win_ends_the_streak_and_its_breach(scene: Scene) -> None:
    limit(scene, "loss_streak", "2")
    traded(scene, -1, -1)
    watch_accounts()

    traded(scene, 1)
    watch_accounts()

    assert RiskBreach.objects.get().recovered_at is not None
    assert told("risk.rule_recovered") == 1


@pytest.mark.parametrize(("action", "state"), [("reduce_only", "reducing"), ("halt", "halted"), ("warn", "active")])
def test_a_streak_does_to_the_account_what_its_rule_asks(scene: Scene, action: str, state: str) -> None:
    limit(scene, "loss_streak", "1", action)
    traded(scene, -1)

    watch_accounts()

    assert Account.objects.get(pk=scene.account.pk).trading_state == state
    assert (buy(scene).status == OrderStatus.DENIED) is (action != "warn")


def test_a_strategys_streak_pauses_that_strategy_alone(scene: Scene) -> None:
    bad, good = (scene.strategy("buy_and_hold", {}) for _ in range(2))
    for strategy in (bad, good):
        strategies.start_strategy(strategy, by="test")
    limit(scene, "loss_streak", "2", "pause_strategy", scope="strategy", strategy_id=bad.pk)
    traded(scene, -1, -1, strategy=good)
    watch_accounts()
    assert not RiskBreach.objects.filter(level="breach").exists()

    traded(scene, -1, -1, strategy=bad)
    watch_accounts()

    states = dict(Strategy.objects.values_list("pk", "state"))
    assert states == {bad.pk: StrategyState.PAUSED, good.pk: StrategyState.RUNNING}


def test_orders_that_the_venue_rejects_in_a_row_stop_new_ones(scene: Scene) -> None:
    limit(scene, "reject_streak", "2")
    play_after = buy(scene, 5)
    play(scene)
    for _ in range(2):
        Order.objects.filter(pk=buy(scene).pk).update(status=OrderStatus.REJECTED)

    watch_accounts()

    assert Order.objects.get(pk=play_after.pk).status == OrderStatus.FILLED
    assert buy(scene).status == OrderStatus.DENIED


def test_slippage_of_the_session_counts_against_its_budget(scene: Scene) -> None:
    limit(scene, "slippage_budget", "0.01", "halt")  # 10 of 100,000
    order = buy(scene, 20)
    Order.objects.filter(pk=order.pk).update(reference_price=D("99.4"))  # it fills at the next open, 0.6 dearer

    play(scene)

    breach = RiskBreach.objects.filter(type="slippage_budget").get()
    fill = order.fills.get()
    expected = 100 * (fill.price - D("99.4")) * 20 / Account.objects.get(pk=scene.account.pk).equity
    assert breach.level == "breach" and breach.value == pytest.approx(expected, rel=D("0.001"))
    assert Account.objects.get(pk=scene.account.pk).trading_state == "halted"


def test_value_at_risk_of_what_is_held_is_watched(scene: Scene) -> None:
    limit(scene, "value_at_risk", "0.05", "reduce_only")
    traded(scene, 1)
    Position.objects.update(quantity=D(100), last_mark=D(100))
    Account.objects.filter(pk=scene.account.pk).update(market_at=timezone.now())

    watch_accounts()

    breach = RiskBreach.objects.get(type="value_at_risk", level="breach")
    assert breach.value == pytest.approx(100 * 10_000 * D(6) / 106 / 110_000, rel=D("1e-9"))  # 106 falls to 100
    assert Account.objects.get(pk=scene.account.pk).trading_state == "reducing"


def test_prices_that_can_not_be_read_stop_no_mark_and_no_exit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OSError("the disk is gone")

    traded(scene, 1)
    buy(scene)  # its market is followed from here on
    limit(scene, "value_at_risk", "50")
    Account.objects.filter(pk=scene.account.pk).update(market_at=timezone.now())
    monkeypatch.setattr("marketdata.selectors.bar_series", broken)

    sell = OrderSpec(symbol=scene.symbol, side=OrderSide.SELL, quantity=D(1), reduce_only=True)
    out = orders.submit_order(scene.account.pk, sell)

    assert watch_accounts() == 1
    assert out.status != OrderStatus.DENIED
    assert buy(scene).status == OrderStatus.DENIED
