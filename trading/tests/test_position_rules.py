"""Rules on positions, live: they close positions through the one door, once; nothing unprotected stays untold."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from domain.orders import OrderSide, OrderSpec, OrderStatus
from marketdata import replay_services as replays
from portfolio.models import Position
from preferences.definitions import Category
from preferences.services import change
from risk import selectors as risk
from risk.models import RiskBreach, RiskDecision, UnprotectedEpisode
from risk.services.kill_switches import engage_kill_switch
from risk.services.rules import create_rule
from risk.services.unprotected import revoke_waiver, sign_waiver
from trading import pipeline
from trading.models import Order
from trading.services import orders
from trading.services.watching import watch_accounts
from trading.tests.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 86_400


@pytest.fixture
def scene() -> Scene:
    return make_scene([100] * 80)


def without_stop(scene: Scene) -> None:
    change(scene.user, Category.RISK_MANAGEMENT, {"stop_loss_percent": D(0)}, confirmed=True)


def limit(scene: Scene, type_name: str, limit: int | str, action: str = "reject", **more: Any) -> None:
    values = {"name": type_name, "type": type_name, "limit": D(limit), "action": action, **more}
    create_rule(scene.user, values, at=timezone.now())


def buy(scene: Scene, quantity: int = 10) -> Order:
    spec = OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(quantity))
    return orders.submit_order(scene.account.pk, spec)


def play(scene: Scene, steps: int = 1) -> None:
    for _ in range(steps):
        replays.play(scene.replay())
        pipeline.run_account(scene.account.pk)


def exits() -> list[Order]:
    return list(Order.objects.filter(role="exit").order_by("created_at"))


def alarms() -> int:
    rows = OutboxEvent.objects.filter(name="position.unprotected").values_list("payload", flat=True)
    return sum(row["is_alarm"] for row in rows)


def test_a_position_held_too_long_is_closed_by_one_exit_with_a_decision(scene: Scene) -> None:
    limit(scene, "max_holding_time", 2 * DAY)
    buy(scene)

    play(scene, 3)  # filled in the first bar, two days old at the close of the third

    (made,) = exits()
    assert (made.reduce_only, made.side, made.quantity, made.status) == (True, "sell", 10, OrderStatus.ACCEPTED)
    assert any("has been open for" in event.message for event in made.events.all())
    assert made.decision is not None and RiskDecision.objects.filter(pk=made.decision_id, verdict="allowed").exists()
    for _ in range(3):
        watch_accounts()
    assert len(exits()) == 1
    play(scene)
    assert not Position.objects.get().is_open
    breach = RiskBreach.objects.get(type="max_holding_time")
    assert (breach.symbol, breach.subject) == (scene.symbol, str(Position.objects.get().pk))
    watch_accounts()
    assert RiskBreach.objects.get(pk=breach.pk).recovered_at is not None
    assert OutboxEvent.objects.filter(name="risk.rule_breached").count() == 1


def test_a_warning_comes_before_the_holding_time_is_over(scene: Scene) -> None:
    limit(scene, "max_holding_time", 10 * DAY)
    buy(scene)

    play(scene, 9)  # eight days of ten

    assert RiskBreach.objects.get(type="max_holding_time").level == "warning"
    assert not exits()


def test_a_rule_of_another_instrument_closes_nothing(scene: Scene) -> None:
    other = make_scene([50] * 10)
    limit(scene, "max_holding_time", DAY, scope="instrument", instrument=other.instrument)
    buy(scene)

    play(scene, 4)

    assert not exits()


@pytest.mark.parametrize(
    ("action", "state"),
    [("warn", "active"), ("reject", "active"), ("reduce_only", "reducing"), ("halt", "halted"), ("flatten", "halted")],
)
def test_positions_are_flat_by_their_time_and_the_account_does_what_the_rule_asks(
    scene: Scene, action: str, state: str
) -> None:
    buy(scene)
    play(scene)
    limit(scene, "flat_by", 0, action, parameters={"time": "00:00", "until": "12:00"})  # bars close at midnight

    denied = buy(scene, 3)
    watch_accounts()
    play(scene)

    is_open = action == "warn"
    assert Position.objects.get().is_open is is_open
    assert scene.fresh_account().trading_state == state
    assert (denied.status == OrderStatus.DENIED) is not is_open


def test_an_exit_that_the_kill_switch_forbids_waits_for_it_and_makes_no_rows(scene: Scene) -> None:
    buy(scene)
    play(scene)
    limit(scene, "max_holding_time", 1)
    account = scene.account
    engage_kill_switch(scope="account", target_id=account.pk, reason="x", by="op", at=timezone.now(), forbid_all=True)

    play(scene, 2)

    assert exits() == []


def test_a_stop_loss_rule_is_kept_by_the_monitor_where_no_stop_order_works() -> None:
    scene = make_scene([100] * 10 + [97] * 10)
    without_stop(scene)
    buy(scene)
    play(scene)
    limit(scene, "stop_loss", 2)
    watch_accounts()
    assert alarms() == 1 and UnprotectedEpisode.objects.get().ended_by == "protection"

    while not exits() and scene.replay().state != "ended":
        play(scene)
    play(scene)

    assert not Position.objects.get().is_open
    assert RiskBreach.objects.get(type="stop_loss").value == 3


def test_the_gauge_runs_while_nothing_protects_and_alarms_once(scene: Scene) -> None:
    without_stop(scene)
    buy(scene)
    play(scene, 3)
    for _ in range(3):
        watch_accounts()

    gauge = risk.unprotected_gauge(scene.fresh_account())

    assert (gauge.value, gauge.value_seconds) == (1_000, 1_000 * 2 * DAY)
    assert "no stop order works, and no stop-loss rule" in gauge.episodes[0].reason
    assert alarms() == 1


def test_a_working_stop_ends_the_episode_and_a_smaller_one_leaves_the_rest_open(scene: Scene) -> None:
    without_stop(scene)
    buy(scene)
    play(scene)
    stop = OrderSpec(
        symbol=scene.symbol, side=OrderSide.SELL, quantity=D(4), type="stop", stop_price=D(90), reduce_only=True
    )

    orders.submit_order(scene.account.pk, stop)
    watch_accounts()
    assert risk.unprotected_gauge(scene.fresh_account()).value == 600
    orders.submit_order(scene.account.pk, stop)
    orders.submit_order(scene.account.pk, stop)
    watch_accounts()

    assert risk.unprotected_gauge(scene.fresh_account()).episodes == ()
    assert UnprotectedEpisode.objects.get().worst_value == 1_000


def test_a_waiver_stops_the_gauge_until_it_is_taken_back(scene: Scene) -> None:
    without_stop(scene)
    buy(scene)
    play(scene)
    position = Position.objects.get()

    sign_waiver(scene.user, position.pk, reason="hedged elsewhere", by="me")
    watch_accounts()
    assert UnprotectedEpisode.objects.get().ended_by == "a waiver"
    revoke_waiver(scene.user, position.pk, at=timezone.now())
    watch_accounts()

    assert len(risk.unprotected_gauge(scene.fresh_account()).episodes) == 1
    assert alarms() == 2


def test_an_unprotected_position_over_its_limit_stops_new_risk_until_it_is_protected(scene: Scene) -> None:
    without_stop(scene)
    limit(scene, "unprotected_position", 1_000 * DAY)
    buy(scene)
    play(scene, 2)
    assert buy(scene, 1).status == OrderStatus.DENIED

    sign_waiver(scene.user, Position.objects.get().pk, reason="mine", by="me")
    watch_accounts()

    assert buy(scene, 1).status == OrderStatus.ACCEPTED
