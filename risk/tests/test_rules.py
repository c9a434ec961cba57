"""The table of rule types: complete, consistent, and compilable as it stands for the backtest kernel."""

import inspect
import re
from decimal import Decimal
from pathlib import Path

import numba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.decisions import Action, Scope
from risk.measures import FOUND
from risk.rules.table import RULE_TYPES, offered
from risk.rules.types import Bound, Phase, RuleType

DOMAIN_TYPES = (
    *("max_position_size", "max_daily_loss", "max_drawdown", "max_correlation", "max_leverage", "position_limit"),
    *("sector_limit", "stop_loss", "take_profit", "max_exposure", "max_order_value", "max_order_quantity"),
    *("price_collar", "duplicate_order", "order_rate", "repeated_execution", "max_open_orders", "max_session_trades"),
    *("max_turnover", "restricted_list", "trading_hours", "liquidity", "self_cross", "stale_data", "unreconciled"),
    *("value_at_risk", "loss_streak", "reject_streak", "slippage_budget", "max_holding_time", "flat_by"),
    "unprotected_position",
)
ALL = sorted(RULE_TYPES.values(), key=lambda each: each.name)
_COMPILED: dict[str, object] = {}


def ids(rule_type: RuleType) -> str:
    return rule_type.name


def test_the_table_has_every_type_of_the_domain_and_no_other() -> None:
    assert sorted(RULE_TYPES) == sorted(DOMAIN_TYPES)


@pytest.mark.parametrize("rule_type", ALL, ids=ids)
def test_a_type_is_whole(rule_type: RuleType) -> None:
    assert rule_type.help and rule_type.phrase and rule_type.scopes and rule_type.phases
    assert {Action.WARN, Action.REJECT, Action.HALT} <= rule_type.actions
    assert Scope.ACCOUNT in rule_type.scopes
    assert set(rule_type.default_parameters) <= set(rule_type.parameters_schema)
    if Phase.PRE_TRADE in rule_type.phases:
        assert set(rule_type.inputs) <= FOUND


@pytest.mark.parametrize("rule_type", ALL, ids=ids)
@settings(max_examples=20)
@given(data=st.data())
def test_the_kernel_compiles_the_same_source_and_agrees(rule_type: RuleType, data: st.DataObject) -> None:
    compiled = _COMPILED.setdefault(rule_type.name, numba.njit(rule_type.function))
    numbers = [
        data.draw(st.decimals("-1", "1") if name == "direction" else st.decimals("0.01", "1000000", places=2))
        for name in rule_type.inputs
    ]

    exact = rule_type.function(*numbers)
    fast = compiled(*(float(number) for number in numbers))  # type: ignore[operator]  # numba has no types

    assert isinstance(exact, Decimal) and isinstance(fast, float)
    assert fast == pytest.approx(float(exact), rel=1e-9, abs=1e-6)


def test_only_what_is_obeyed_is_offered() -> None:
    assert {"max_position_size", "max_daily_loss", "max_leverage", "max_order_value", "stop_loss"} <= set(offered())
    assert all(each.obeyed for each in offered().values())


def test_the_documentation_tells_every_type() -> None:
    text = Path("docs/risk.md").read_text(encoding="utf-8")
    section = text.split("## Every type of rule")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.M))

    assert told == set(RULE_TYPES)


def test_a_limit_that_losses_may_not_reach_is_below() -> None:
    assert {RULE_TYPES[name].bound for name in ("max_daily_loss", "max_drawdown", "loss_streak")} == {Bound.BELOW}
    assert inspect.isfunction(RULE_TYPES["max_daily_loss"].function)
