"""Every number that a pre-trade rule asks for: missing, NaN or infinite, it denies new risk, and exits still pass."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.portfolio import AccountSnapshot, PositionView
from risk.decisions import Activity, MarketView, OrderIntent, Verdict
from risk.gate import evaluate
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from risk.tests.examples import MSFT, NOW, intent, market, position, rule, snapshot, working
from risk.tests.test_gate_table import BREAKING

D = Decimal
BAD = (D("NaN"), D("Infinity"), D("-Infinity"), D("sNaN"))
Asked = tuple[OrderIntent, AccountSnapshot, MarketView]


def _order(**changed: Any) -> Callable[[Asked], Asked]:
    return lambda asked: (dataclasses.replace(asked[0], **changed), asked[1], asked[2])


def _account(**changed: Any) -> Callable[[Asked], Asked]:
    return lambda asked: (asked[0], dataclasses.replace(asked[1], **changed), asked[2])


def _market(**changed: Any) -> Callable[[Asked], Asked]:
    return lambda asked: (asked[0], asked[1], dataclasses.replace(asked[2], **changed))


def _activity(**changed: Any) -> Callable[[Asked], Asked]:
    return _market(activity=dataclasses.replace(Activity(), **changed))


def _mark(bad: Decimal) -> Callable[[Asked], Asked]:
    held: PositionView = dataclasses.replace(position(5), mark=bad)
    return _account(positions=(held,))


def _worked(bad: Decimal) -> Callable[[Asked], Asked]:
    return _account(working=(dataclasses.replace(working(5), price=bad),))


BOOK = [*(_mark(bad) for bad in BAD), *(_worked(bad) for bad in (*BAD, D(0), D(-1)))]
MISSING: dict[str, list[Callable[[Asked], Asked]]] = {
    "equity": [_account(equity=bad) for bad in BAD],
    "session_start_equity": [_account(session_start_equity=bad) for bad in (*BAD, D(0), D(-1))],
    "peak_equity": [_account(peak_equity=bad) for bad in (*BAD, D(0), D(-1))],
    **dict.fromkeys(("position_value", "gross_exposure", "exposure", "sector_exposure"), BOOK),
    **dict.fromkeys(("n_positions", "n_open_orders"), BOOK),
    "order_value": [_order(price=bad) for bad in (*BAD, D(0), D(-1))],
    "price": [_order(price=bad) for bad in (*BAD, D(0), D(-1))],
    "order_quantity": [_order(quantity=bad) for bad in (*BAD, D(0), D(-1))],
    "reference": [_market(reference=bad) for bad in (*BAD, None, D(0), D(-1))],
    "identical_seconds": [_market(activity=None), *(_activity(identical_seconds=bad) for bad in BAD)],
    "opposite_price": [_market(activity=None), *(_activity(opposite_price=bad) for bad in BAD)],
    "n_messages": [_market(activity=None)],
    "n_identical_entries": [_market(activity=None)],
    "session_turnover": [_market(activity=None), *(_activity(session_turnover=bad) for bad in BAD)],
    "illiquidity": [_market(average_volume=bad) for bad in (*BAD, None, D(0), D(-1))],
    "age_seconds": [_market(age_seconds=bad) for bad in (*BAD, None)],
    "correlation": [_market(correlation=bad) for bad in (*BAD, None)],
    "value_at_risk": [_market(value_at_risk=bad) for bad in (*BAD, None)],
}
CERTAIN = frozenset(
    {"side_sign", "n_session_trades", "is_restricted", "is_outside_hours", "seconds_after", "n_unresolved"}
)
"""Numbers made of counts and texts of the order itself, which can not be missing."""

ROOMY = {"duplicate_order": D(1), "self_cross": D(1), "flat_by": D(3600)}
PRE_TRADE = sorted(t.name for t in RULE_TYPES.values() if Phase.PRE_TRADE in t.phases)
CASES = [
    (name, each, i) for name in PRE_TRADE for each in RULE_TYPES[name].inputs for i in range(len(MISSING.get(each, ())))
]


def test_every_number_that_a_rule_asks_for_is_damaged_or_certain() -> None:
    asked = {each for name in PRE_TRADE for each in RULE_TYPES[name].inputs}

    assert asked == set(MISSING) | (CERTAIN & asked)


def _sound(name: str) -> tuple[Asked, Any]:
    limit, account, view, parameters = BREAKING[name]
    roomy = rule(name, ROOMY.get(name, D(limit) * 2 + 1), parameters=parameters)
    beside = account()
    if name == "max_correlation":
        beside = snapshot(position(1, instrument_id=MSFT))
    return (intent(100), beside, market(**view)), roomy


@pytest.mark.parametrize(("name", "number", "i"), CASES)
def test_a_number_that_is_missing_or_none_denies(name: str, number: str, i: int) -> None:
    sound, limit = _sound(name)
    order, account, view = MISSING[number][i](sound)

    decision = evaluate(order, account, (limit,), market=view, at=NOW)

    assert (decision.verdict, decision.quantity) == (Verdict.DENIED, D(0))


@pytest.mark.parametrize(("name", "number", "i"), CASES)
def test_an_exit_passes_whatever_is_missing(name: str, number: str, i: int) -> None:
    sound, limit = _sound(name)
    order, account, view = MISSING[number][i](sound)
    leaving = dataclasses.replace(order, reduce_only=True, side=order.side.opposite, quantity=D(5))

    assert evaluate(leaving, account, (limit,), market=view, at=NOW).quantity == 5


def test_preferences_that_can_not_be_read_deny_entries_alone() -> None:
    faults = ("The limits in force can not be read",)
    leaving = intent(5, side="sell", reduce_only=True)

    assert evaluate(intent(1), snapshot(), (), market=market(), at=NOW, faults=faults).is_denied
    assert evaluate(leaving, snapshot(), (), market=market(), at=NOW, faults=faults).quantity == 5
