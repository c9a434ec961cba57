"""Suggestions come from the user's own trades with evidence, and optimised parameters where that is wanted."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core.bus import publish
from core.testing import api_client, changes
from domain.events import ParametersOptimized
from portfolio.models import Position, Trade
from preferences import selectors as preferences
from preferences.models import Suggestion
from preferences.registry import Preferences
from trading.services import suggestions
from trading.services.suggestions import Past, confidence_finding, stop_finding
from trading.tests.scene import Scene, make_scene

WISHES = Preferences()


def past(returns: list[float], *, confidence: float = 0.75, mae: float | None = 0.5) -> list[Past]:
    worst = None if mae is None else D(str(mae))
    return [Past(D(str(each)), worst, D(str(confidence))) for each in returns]


def test_a_threshold_is_suggested_where_signals_below_it_lost_for_sure() -> None:
    losers, winners = past([-1.0, -0.8, -1.2, -0.5] * 8), past([1.0, 0.5, -0.2] * 10, confidence=0.92)

    found = confidence_finding([*losers, *winners], WISHES)

    assert found is not None and D(found.value) in (D("0.8"), D("0.85"), D("0.9"))
    assert found.evidence["trades"] == 32 and found.evidence["interval_percent"][1] < 0
    assert found.evidence["mean_return_percent"] == -0.875


@pytest.mark.parametrize(
    "trades",
    [
        past([-1.0] * 10),
        past([-1.0, 1.1] * 30),
        past([1.0, 0.5] * 30),
        [],
        [Past(D(-1), D(1), None)] * 50,
    ],
)
def test_no_threshold_is_suggested_without_enough_evidence(trades: list[Past]) -> None:
    assert confidence_finding(trades, WISHES) is None


def test_a_tighter_stop_is_suggested_by_the_worst_excursions() -> None:
    winners, losers = past([2.0, 1.5, 3.0] * 10, mae=0.3), past([-1.9, -2.0, -1.8] * 10, mae=2.0)

    found = stop_finding([*winners, *losers], WISHES)

    assert found is not None and D(found.value) == D("0.5")
    assert found.evidence["winners"] == 30 and found.evidence["winners_cut_off"] == 0
    assert found.evidence["interval_percent"][0] > 0


@pytest.mark.parametrize(
    "trades",
    [
        past([2.0, -2.0] * 5),
        past([2.0, 1.0] * 20, mae=1.9),
        past([1.0] * 40, mae=None),
        past([-0.1, 0.1] * 20, mae=0.1),
    ],
)
def test_no_stop_is_suggested_without_enough_evidence(trades: list[Past]) -> None:
    assert stop_finding(trades, WISHES) is None


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene([100.0 + i for i in range(40)])


def _closed_trades(scene: Scene, n: int) -> None:
    position = Position.objects.create(user=scene.user, account=scene.account, instrument=scene.instrument)
    now = timezone.now()
    for i in range(n):
        loses = i % 2
        Trade.objects.create(
            user=scene.user,
            account=scene.account,
            position=position,
            instrument=scene.instrument,
            entry_fill=f"f{i}",
            side="buy",
            entry_at=now - timedelta(days=2),
            entry_quantity=D(1),
            entry_value=D(100),
            exit_at=now,
            closed_at=now,
            pnl=D("-1.9") if loses else D(2 + i % 3),
            pnl_net=D("-1.9") if loses else D(2 + i % 3),
            lowest=D(98) if loses else D("99.8"),
            highest=D(104),
        )


def test_the_users_own_trades_make_a_suggestion_that_is_never_applied_by_itself(scene: Scene) -> None:
    _closed_trades(scene, 60)

    found = suggestions.find_for_user(scene.user.pk, at=timezone.now())
    again = suggestions.find_for_user(scene.user.pk, at=timezone.now())

    assert [each.field for each in found] == ["stop_loss_percent"] == [each.field for each in again]
    row = Suggestion.objects.get()
    assert row.state == "open" and D(row.value) < 2 == D(row.present)
    assert preferences.current(scene.user.pk).version == 0


def _put(scene: Scene, **values: Any) -> None:
    answer = api_client(scene.user).put("/api/v1/preferences/strategy/", values)
    assert answer.status_code == 200, answer.content


@changes("strategy.suggestions_enabled")
def test_switched_off_none_is_made_and_open_ones_are_withdrawn(scene: Scene) -> None:
    _closed_trades(scene, 60)
    suggestions.find_for_user(scene.user.pk, at=timezone.now())

    _put(scene, suggestions_enabled=False)

    assert suggestions.find_for_user(scene.user.pk, at=timezone.now()) == []
    assert Suggestion.objects.get().state == "withdrawn"


@changes("strategy.auto_deploy_optimized")
@pytest.mark.parametrize("deploys", [True, False])
def test_optimised_parameters_are_deployed_only_where_that_is_wanted(scene: Scene, deploys: bool) -> None:
    _put(scene, auto_deploy_optimized=deploys)
    strategy = scene.strategy("sma_cross", {"fast": 5, "slow": 20})
    event: Any = ParametersOptimized(
        at=timezone.now(),
        user_id=scene.user.pk,
        strategy_id=strategy.pk,
        parameters={**strategy.parameters, "fast": 8},
        evidence={"out_of_sample_sharpe": 1.1},
    )
    with transaction.atomic():
        publish(event)

    assert suggestions.take_optimized(event.event_id, at=timezone.now()) is deploys

    strategy.refresh_from_db()
    assert strategy.parameters["fast"] == (8 if deploys else 5)
    assert Suggestion.objects.filter(strategy_id=strategy.pk, state="open").exists() is not deploys
    assert suggestions.take_optimized(event.event_id, at=timezone.now()) is False
