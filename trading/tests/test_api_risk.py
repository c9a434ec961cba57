"""risk/rules/test/ and risk/position-size/: answers about orders that are only thought of."""

from typing import Any
from uuid import uuid4

import pytest

from core.testing import assert_problem
from risk.models import RiskDecision, RiskRule
from trading.models import Order
from trading.tests.api_scene import ApiScene, make_api_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    return make_api_scene()


def test_body(api: ApiScene, rule: dict[str, Any], **order: Any) -> dict[str, Any]:
    body = {"symbol": api.scene.symbol, "side": "buy", "type": "market", "quantity": "10", **order}
    return {"rule": rule, "order": body, "account": str(api.scene.account.pk)}


test_body.__test__ = False  # type: ignore[attr-defined]  # it only makes a body


@pytest.mark.parametrize(
    ("limit", "action", "verdict"),
    [("100000", "reject", "allowed"), ("1", "reject", "denied"), ("1", "warn", "warned"), ("400", "resize", "resized")],
)
def test_a_rule_is_tried_on_an_order_and_nothing_is_kept(api: ApiScene, limit: str, action: str, verdict: str) -> None:
    rule = {"type": "max_order_value", "limit": limit, "action": action, "warning_at": 1}

    answer = api.owner("post", "/risk/rules/test/", test_body(api, rule)).json()

    assert answer["verdict"] == verdict
    (reason,) = answer["reasons"]
    assert (reason["type"], reason["limit"], reason["rule"]) == ("max_order_value", limit, "Tested rule")
    assert not (RiskRule.objects.exists() or RiskDecision.objects.exists() or Order.objects.exists())


def test_a_rule_or_order_that_makes_no_sense_is_refused(api: ApiScene) -> None:
    fine = {"type": "max_order_value", "limit": "5"}

    for rule, order, field in (
        ({**fine, "limit": "-5"}, {}, "limit"),
        ({**fine, "type": "stop_loss", "limit": "0"}, {}, "limit"),
        (fine, {"quantity": "0"}, "quantity"),
        (fine, {"symbl": "X"}, "symbl"),
    ):
        assert_problem(api.owner("post", "/risk/rules/test/", test_body(api, rule, **order)), 400, field=field)
    assert_problem(api.stranger("post", "/risk/rules/test/", test_body(api, fine)), 404)


def sizing(api: ApiScene, **changed: Any) -> dict[str, Any]:
    return {
        "account": str(api.scene.account.pk),
        "symbol": api.scene.symbol,
        "method": "percent_equity",
        "value": "2",
        "entry_price": "100",
        **changed,
    }


def test_a_size_is_answered_with_its_risk(api: ApiScene) -> None:
    answer = api.owner("post", "/risk/position-size/", sizing(api, stop_price="95")).json()

    equity = api.scene.account.equity
    quantity = int(equity * 2 / 100 / 100)
    expected = {"quantity": str(quantity), "value": str(quantity * 100), "risk_amount": str(quantity * 5)}
    assert {name: answer[name] for name in expected} == expected
    assert answer["bound_by"] is None


def test_the_limit_that_binds_a_size_is_named(api: ApiScene) -> None:
    answer = api.owner("post", "/risk/position-size/", sizing(api, value="50")).json()

    assert int(answer["quantity"]) == int(api.scene.account.equity * 5 / 100 / 100)
    assert answer["bound_by"] == "Largest position (preferences)"


def test_a_size_without_what_its_method_needs_says_so(api: ApiScene) -> None:
    no_stop = api.owner("post", "/risk/position-size/", sizing(api, method="risk_per_trade", value="1")).json()
    ranged = api.owner("post", "/risk/position-size/", sizing(api, method="atr_volatility", value="0.1")).json()

    assert (no_stop["quantity"], no_stop["bound_by"]) == ("0", "no_size")
    assert "needs a stop price" in no_stop["explanation"]
    assert int(ranged["quantity"]) > 0
    without = sizing(api, method="fixed_value", value=None)
    assert_problem(api.owner("post", "/risk/position-size/", without), 400, field="value")
    assert_problem(api.owner("post", "/risk/position-size/", sizing(api, entry_price="0")), 400, field="entry_price")
    assert_problem(api.stranger("post", "/risk/position-size/", sizing(api)), 404)
    assert_problem(api.owner("post", "/risk/position-size/", sizing(api, account=str(uuid4()))), 404)
