"""risk/rules/rehearse/ and risk/portfolio/: over real orders, for their owner alone."""

import random
import time
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from core.testing import assert_problem
from marketdata import replay_services as replays
from marketdata.models import Instrument
from portfolio.models import Account, Position
from risk.models import RiskDecision
from trading import pipeline
from trading.models import Order
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene()


def rehearsal(api: ApiScene, **changed: Any) -> dict[str, Any]:
    return {"account": str(api.scene.account.pk), "rule": {"type": "max_order_quantity", "limit": "7"}, **changed}


def traded(api: ApiScene) -> None:
    """Buy 5 and 10, fill both, sell all again."""
    for quantity in ("5", "10"):
        assert api.owner("post", "/orders/", api.order(quantity=quantity)).status_code == 201
    _play(api)
    assert api.owner("post", "/orders/", api.order(side="sell", quantity="15")).status_code == 201
    _play(api)


def _play(api: ApiScene) -> None:
    replays.play(api.scene.replay())
    pipeline.run_account(api.scene.account.pk)


def test_a_rule_is_rehearsed_over_past_orders_and_the_rules_of_the_time_give_the_same(api: ApiScene) -> None:
    traded(api)
    n = RiskDecision.objects.count()

    tried = api.owner("post", "/risk/rules/rehearse/", rehearsal(api)).json()
    again = api.owner("post", "/risk/rules/rehearse/", rehearsal(api, rule=None)).json()

    assert (tried["n_decisions"], tried["n_stopped"]) == (n, 1)
    assert tried["stopped"][0]["quantity"] == "10" and tried["stopped"][0]["allowed"] == "0"
    assert (again["n_decisions"], again["differing"], n >= 3) == (n, [], True)
    assert D(tried["pnl_kept"]) == sum(t.pnl_net for t in api.scene.account.trades.all())  # the first order opened it


def test_the_first_order_of_a_trade_carries_its_pnl(api: ApiScene) -> None:
    traded(api)
    rule = {"type": "max_order_quantity", "limit": "4"}

    tried = api.owner("post", "/risk/rules/rehearse/", rehearsal(api, rule=rule)).json()

    trade = api.scene.account.trades.get()
    assert trade.pnl_net and D(tried["pnl_forgone"]) == trade.pnl_net and D(tried["pnl_kept"]) == 0


def test_a_span_a_stranger_and_nonsense(api: ApiScene) -> None:
    traded(api)
    now = timezone.now().isoformat()

    later = api.owner("post", "/risk/rules/rehearse/", rehearsal(api, start=now)).json()

    assert later["n_decisions"] == 0
    assert_problem(api.owner("post", "/risk/rules/rehearse/", rehearsal(api, start=now, end=now)), 400, field="end")
    wrong = rehearsal(api, rule={"type": "max_order_quantity", "limit": "-1"})
    assert_problem(api.owner("post", "/risk/rules/rehearse/", wrong), 400, field="limit")
    assert_problem(api.stranger("post", "/risk/rules/rehearse/", rehearsal(api)), 404)
    assert_problem(api.stranger("get", f"/risk/portfolio/?account={api.scene.account.pk}"), 404)
    assert_problem(api.owner("get", "/risk/portfolio/"), 400, field="account")


def test_an_empty_account_has_no_risk(api: ApiScene) -> None:
    answer = api.owner("get", f"/risk/portfolio/?account={api.scene.account.pk}").json()

    assert answer["exposures"]["total"]["gross"] == "0" and answer["leverage"] == "0"
    assert (answer["value_at_risk"], answer["correlation"], answer["concentration"]) == ([], None, None)


def hold(api: ApiScene, instrument: Instrument, quantity: int) -> None:
    Account.objects.filter(pk=api.scene.account.pk).update(market_at=timezone.now())
    Position.objects.create(
        user=api.scene.user,
        account=api.scene.account,
        instrument=instrument,
        quantity=D(quantity),
        average_price=D(100),
        cost=D(100) * abs(quantity),
        last_mark=D(110),
        is_open=True,
    )


def test_an_account_that_holds_something_is_measured(api: ApiScene) -> None:

    rng = random.Random(3)
    other = make_scene([round(100 + 5 * rng.random(), 2) for _ in range(200)]).instrument
    hold(api, other, 100)
    hold(api, api.scene.instrument, -50)

    answer = api.owner("get", f"/risk/portfolio/?account={api.scene.account.pk}").json()

    assert (answer["exposures"]["total"]["gross"], answer["exposures"]["total"]["net"]) == ("16500", "5500")
    assert [each["symbol"] for each in answer["heat_map"]] == [other.symbol, api.scene.symbol]
    assert len(answer["value_at_risk"]) == 6 and answer["correlation"]["symbols"] == [other.symbol]
    assert api.scene.symbol in answer["warnings"][0]  # 60 bars are too few
    assert D(answer["stress"][0]["pnl"]) == D(5500) * D("-0.49")
    assert D(answer["concentration"]["hhi"]) == pytest.approx(D(5) / D(9))
    assert D(answer["liquidity"][0]["days_to_exit"]) == D("0.1")


@pytest.mark.serial
def test_fifty_positions_are_measured_quickly(api: ApiScene) -> None:

    rng = random.Random(5)
    for _ in range(50):
        hold(api, make_scene([round(100 + 5 * rng.random(), 2) for _ in range(260)]).instrument, 10)
    url = f"/risk/portfolio/?account={api.scene.account.pk}"
    api.owner("get", url)

    began = time.process_time()
    answer = api.owner("get", url).json()
    took = time.process_time() - began

    assert len(answer["correlation"]["symbols"]) == 50
    assert took < 0.6  # 150 ms on a quiet machine


def test_a_preview_says_what_the_order_then_meets(api: ApiScene) -> None:
    rng = random.Random(7)
    rules = [
        {"name": "Value", "type": "max_order_value", "limit": "4000", "action": "resize"},
        {"name": "Thin", "type": "liquidity", "limit": "0.55"},
    ]
    for rule in rules:
        assert api.owner("post", "/risk/rules/", rule).status_code == 201
    seen = set()
    for quantity in (42, *(rng.randint(1, 60) for _ in range(40))):
        body = api.order(quantity=str(quantity), side=rng.choice(["buy", "buy", "sell"]))
        shown = api.owner("post", "/orders/preview/", body).json()["decision"]

        api.owner("post", "/orders/", body)
        made = RiskDecision.objects.latest("seq")
        seen.add(made.verdict)
        assert (shown["verdict"], D(shown["quantity"])) == (made.verdict, made.quantity)
        assert shown["reasons"] == made.reasons
        if rng.random() < 0.2:
            _play(api)
    assert Order.objects.exists() and {"denied", "resized"} <= seen
