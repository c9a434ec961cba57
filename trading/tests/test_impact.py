"""The impact preview says what then happens: 200 random changes, previewed, made, and looked at."""

import random
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from domain.errors import ValidationFailed
from domain.orders import OrderSide, OrderSpec, OrderType
from marketdata import replay_services as replays
from marketdata.models import Subscription
from notifications.models import RoutingDecision
from notifications.services.routing import route_event
from preferences import selectors as preferences
from preferences import services
from preferences.definitions import Category, Kind
from preferences.registry import DEFINITIONS
from risk import selectors as risk
from risk.decisions import Source
from risk.gate import evaluate
from trading import impact, pipeline, selectors
from trading.daily_bars import DailyBars
from trading.services import orders
from trading.services.intents import Origin
from trading.tests.scene import Scene, make_scene

pytestmark = pytest.mark.django_db

N_CHANGES = 200


@pytest.fixture
def scene() -> Scene:
    """An account that has traded a little, holds something, and has two limit orders working."""
    scene = make_scene([100 + i * 0.5 for i in range(60)])
    for quantity in (5, 12, 30, 70):
        _submit(scene, quantity)
    replays.play(scene.replay(), steps=2)
    pipeline.run_account(scene.account.pk)
    _submit(scene, 3, type=OrderType.LIMIT, limit_price=D(90))
    _submit(scene, 9, type=OrderType.LIMIT, limit_price=D(80))
    return scene


def _submit(scene: Scene, quantity: int, **more: Any) -> None:
    spec = OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(quantity), **more)
    orders.submit_order(scene.account.pk, spec, origin=Origin())


def _random_change(random_source: random.Random) -> tuple[Category, dict[str, Any]]:
    category = random_source.choice([Category.RISK_MANAGEMENT, Category.TRADING])
    values: dict[str, Any] = {}
    known = [d for d in DEFINITIONS[category].values() if d.obeyed and d.kind in (Kind.DECIMAL, Kind.INTEGER)]
    for definition in random_source.sample(known, 2):
        low, high = float(definition.minimum or 0), min(float(definition.maximum or 1), float(definition.default) * 3)
        number = low + (high - low) * random_source.random() ** 2
        is_whole = definition.kind is Kind.INTEGER
        values[definition.name] = int(number) if is_whole else D(str(round(max(number, low + 0.01), 2)))
    values.pop("stop_loss_percent", None)  # may contradict the drawdown, which is refused, not previewed
    return category, values


def test_a_preview_equals_what_then_happens_on_two_hundred_random_changes(scene: Scene) -> None:
    source = random.Random(24)
    seen = {"refused": 0, "working": 0, "positions": 0}
    for _ in range(N_CHANGES):
        category, values = _random_change(source)
        try:
            told = services.impact(scene.user, category, values)["subsystems"].get("order_executor")
        except ValidationFailed:
            with pytest.raises(ValidationFailed):
                services.change(scene.user, category, values, confirmed=True)
            continue

        services.change(scene.user, category, values, confirmed=True)

        if told is None:
            continue  # the values were in force already
        refused, working, positions = _what_happens(scene)
        assert told["last_orders"]["refused"] == len(refused), values
        assert [each["client_order_id"] for each in told["working_orders"]] == working, values
        assert [each["rule"] for each in told["positions"]] == positions, values
        seen["refused"] += bool(refused)
        seen["working"] += bool(working)
        seen["positions"] += bool(positions)
    assert all(20 < n <= N_CHANGES for n in seen.values()), seen


def _what_happens(scene: Scene) -> tuple[list[Any], list[str], list[str]]:
    """Ask the gate under the limits that are really in force now, as the one door reads them."""
    account = scene.fresh_account()
    at = account.market_at or timezone.now()
    in_force = risk.rules_in_force(account, at=at).rules
    refused = [past.decision_id for past in impact.past_decisions(scene.user.pk) if _is_denied(past, in_force)]
    snapshot = selectors.snapshot(account, at=at)
    working = [
        order.client_order_id
        for order in snapshot.working
        if not order.reduce_only
        and evaluate(
            impact.intent_of_working(order),
            impact.without(snapshot, order),
            in_force,
            market=DailyBars(snapshot, at).view(impact.intent_of_working(order), impact.without(snapshot, order)),
            at=at,
        ).quantity
        < order.remaining
    ]
    broken = [each for each in impact.headroom_of(snapshot, in_force, at=at) if each.value > each.limit]
    return refused, working, [each.name for each in broken]


def _is_denied(past: impact.Past, in_force: Any) -> bool:
    question = past.question
    kept = [rule for rule in question.rules if rule.source is not Source.PREFERENCES]
    rules = [*kept, *(rule for rule in in_force if rule.source is Source.PREFERENCES)]
    return evaluate(question.intent, question.snapshot, rules, market=question.market, at=question.at).is_denied


def test_a_preview_of_market_data_names_the_pages_that_go_silent(scene: Scene) -> None:
    common = {"user_id": scene.user.pk, "instrument": scene.instrument, "timeframe": "1d"}
    Subscription.objects.create(owner_kind="page", owner_id="p", owner_label="chart", **common)

    off = services.impact(scene.user, Category.MARKET_DATA, {"realtime_enabled": False})["subsystems"]["market_data"]

    assert [each["owner"] for each in off["subscriptions_closed"]] == ["chart"]
    assert off["subscriptions_opened"] == []
    assert {each["symbol"] for each in off["subscriptions_kept"]} == {scene.symbol}


@pytest.mark.parametrize(
    "values",
    [
        {"add": {"event_type": "ORDER_FILLED", "enabled": False}},
        {"add": {"event_type": "ORDER_FILLED", "conditions": {"quantity": {"min": 10}}}},
        {"add": {"event_type": "ORDER_FILLED", "throttle_minutes": 60}},
        {"add": {"event_type": "ORDER_REJECTED", "enabled": False}},
        {"quiet_hours": {"start": "00:00", "end": "23:59", "timezone": "UTC"}},
    ],
)
def test_a_preview_of_notifications_equals_what_the_router_then_does(scene: Scene, values: dict[str, Any]) -> None:
    told = services.impact(scene.user, Category.NOTIFICATIONS, values)["subsystems"]["notifications"]
    services.change(scene.user, Category.NOTIFICATIONS, values)
    events = OutboxEvent.objects.filter(user_id=scene.user.pk).exclude(name="preference.changed").order_by("seq")

    for event in events:
        route_event(event, at=event.created_at)

    outcomes = list(RoutingDecision.objects.values_list("outcome", flat=True))
    assert told["after"]["sent"] == outcomes.count("sent")
    assert told["after"]["held"] == outcomes.count("held") + outcomes.count("throttled")
    assert told["after"]["not_sent"] == sum(outcome in ("disabled", "conditions") for outcome in outcomes)
    assert told["changed"] > 0 and told["before"]["sent"] > 0


def test_a_preview_changes_nothing(scene: Scene) -> None:
    n_facts = OutboxEvent.objects.count()

    services.impact(scene.user, Category.RISK_MANAGEMENT, {"max_leverage": D("0.01")})

    assert OutboxEvent.objects.count() == n_facts
    assert preferences.current(scene.user.pk).version == 0
    assert scene.account.created_at < timezone.now() + timedelta(seconds=1)
