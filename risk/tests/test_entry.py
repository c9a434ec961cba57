"""The preference gate for signals, and preferences as rules."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.orders import OrderType
from domain.signals import SkipCode
from preferences.categories import RiskPreferences, TradingPreferences
from preferences.definitions import Category
from preferences.registry import DEFINITIONS, Preferences
from risk.decisions import Source
from risk.entry import check_entry, order_type_of
from risk.from_preferences import PARTS, rules_from

D = Decimal
FINE: dict[str, Any] = {
    "confidence": 0.9,
    "n_session_trades": 0,
    "n_open_positions": 0,
    "is_new_position": True,
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"confidence": 0.69}, SkipCode.BELOW_CONFIDENCE),
        ({"confidence": float("nan")}, SkipCode.BELOW_CONFIDENCE),
        ({"confidence": 0.7}, None),
        ({"n_session_trades": 50}, SkipCode.DAILY_TRADE_LIMIT),
        ({"n_session_trades": 49}, None),
        ({"n_open_positions": 10}, SkipCode.MAX_POSITIONS),
        ({"n_open_positions": 10, "is_new_position": False}, None),
        ({"order_type": OrderType.STOP}, SkipCode.ORDER_TYPE_NOT_ALLOWED),
        ({"session_open": False}, SkipCode.MARKET_CLOSED),
        ({"session_open": False, "is_pre_market": True}, SkipCode.MARKET_CLOSED),
        ({"is_paused": True}, SkipCode.STRATEGY_PAUSED),
        ({"is_stale": True}, SkipCode.STALE_DATA),
        ({}, None),
    ],
)
def test_each_preference_has_its_code(changed: dict[str, Any], code: SkipCode | None) -> None:
    answer = check_entry(TradingPreferences(), **{**FINE, **changed})

    assert answer.code is code
    assert answer.message


def test_extended_hours_pass_where_they_are_allowed() -> None:
    trading = TradingPreferences(allow_pre_market=True)

    assert check_entry(trading, **FINE, session_open=False, is_pre_market=True).code is None
    assert check_entry(trading, **FINE, session_open=False, is_after_hours=True).code is SkipCode.MARKET_CLOSED


def test_without_auto_execution_an_entry_waits_for_approval() -> None:
    assert check_entry(TradingPreferences(auto_execute_signals=False), **FINE).needs_approval
    assert not check_entry(TradingPreferences(), **FINE).needs_approval


def test_entries_are_of_the_first_preferred_type() -> None:
    assert order_type_of(TradingPreferences(preferred_order_types=("limit", "market"))) is OrderType.LIMIT


def test_every_obeyed_risk_preference_is_a_rule_with_its_limit() -> None:
    rules = {rule.key: rule for rule in rules_from(Preferences())}

    obeyed = {name for name, each in DEFINITIONS[Category.RISK_MANAGEMENT].items() if each.obeyed}
    assert obeyed <= {key.removeprefix("preferences:") for key in rules}
    assert {part.field for part in PARTS} >= set(DEFINITIONS[Category.RISK_MANAGEMENT])
    assert rules["preferences:max_position_size_percent"].limit == D(5)
    assert rules["preferences:max_concurrent_positions"].type == "position_limit"
    assert {rule.source for rule in rules.values()} == {Source.PREFERENCES}


def test_a_stop_of_zero_is_no_rule_but_a_limit_of_zero_positions_is() -> None:
    changed = replace(
        Preferences(),
        risk_management=RiskPreferences(stop_loss_percent=D(0), take_profit_percent=D(0)),
        trading=TradingPreferences(max_concurrent_positions=0),
    )

    types = {rule.type: rule.limit for rule in rules_from(changed)}

    assert "stop_loss" not in types and "take_profit" not in types
    assert types["position_limit"] == 0
