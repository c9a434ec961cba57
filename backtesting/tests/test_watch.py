"""A run between orders: rules on positions close them, streaks stop new risk, broken rules do what they ask for."""

from decimal import Decimal as D
from typing import Any

import pytest

from backtesting.engine import panel, run
from backtesting.exact import run_exact
from backtesting.kernel.prepare import unknown
from backtesting.results import RunResult
from backtesting.tests.scene import Says, by_hand, closed_at, ohlc, rows, run_one, spec_of
from backtesting.watch import WATCHED
from domain.bars import Timeframe
from domain.costs import SlippageModel
from domain.orders import OrderSide, OrderStatus
from risk.decisions import Action, RuleSpec

DAY = 86_400
FLAT = (100, 101, 99, 100)


def rule(kind: str, limit: Any, **more: Any) -> RuleSpec:
    values = {"key": kind, **more}
    return RuleSpec(name=kind, type=kind, limit=D(limit), **values)


def fills(result: RunResult) -> list[tuple[int, str, int]]:
    return [(int(fill.at.timestamp()) // DAY - 1, fill.side.value, int(fill.quantity)) for fill in result.fills]


def test_a_position_is_closed_when_it_has_been_held_long_enough() -> None:
    held = rule("max_holding_time", 2 * DAY)

    result = run_one(Says(entry=rows(0)), ohlc(*[FLAT] * 7), rules=(held,))

    # Bought in bar 1, two days old at the close of bar 3: the exit fills at the next open.
    assert fills(result) == [(1, "buy", 10), (4, "sell", 10)]
    assert [order.reduce_only for order in result.orders] == [False, True]


def test_a_rule_that_only_warns_closes_nothing() -> None:
    result = run_one(Says(entry=rows(0)), ohlc(*[FLAT] * 7), rules=(rule("max_holding_time", DAY, action=Action.WARN),))

    assert fills(result) == [(1, "buy", 10)]


def test_positions_are_flat_by_their_time_and_nothing_is_entered_after_it() -> None:
    hour = 3_600
    bars = ohlc(*[FLAT] * 30, step=hour)  # closes at 01:00, 02:00, ...
    flat = rule("flat_by", 0, parameters={"time": "15:00", "timezone": "UTC"})

    result = run_one(Says(entry=rows(2, 16, 24)), bars, rules=(flat,), timeframe=Timeframe.H1)

    at = [(fill.at.hour, fill.side.value) for fill in result.fills]
    assert at == [(4, "buy"), (16, "sell"), (2, "buy")]  # the entry at 17:00 is refused, the one at 01:00 is not
    assert [order.status for order in result.orders if order.status is OrderStatus.DENIED] == [OrderStatus.DENIED]


def test_an_exit_that_works_already_is_not_doubled() -> None:
    rules = (rule("max_holding_time", DAY), rule("max_holding_time", 2 * DAY, key="second"))

    result = run_one(Says(entry=rows(0), exit=rows(2)), ohlc(*[FLAT] * 6), rules=rules)

    assert fills(result) == [(1, "buy", 10), (3, "sell", 10)]


def test_lost_trades_in_a_row_stop_new_ones() -> None:
    bars = ohlc(*[(100 - i, 100 - i, 99 - i, 99 - i) for i in range(12)])
    says = Says(entry=rows(0, 3, 6, 9), exit=rows(2, 5, 8))

    result = run_one(says, bars, rules=(rule("loss_streak", 2),))

    assert [side for _, side, _ in fills(result)] == ["buy", "sell"] * 2
    assert [order.status for order in result.orders][-1] is OrderStatus.DENIED


@pytest.mark.parametrize(
    ("action", "side_of_last"), [("halt", "buy"), ("flatten", "sell"), ("reject", "buy"), ("pause_strategy", "buy")]
)
def test_value_that_nothing_protects_for_too_long_does_what_its_rule_asks(action: str, side_of_last: str) -> None:
    # 10 × 100 lie open from the close of bar 1 on: 1,000 × 86,400 after a day.
    limit = rule("unprotected_position", 1_000 * DAY, action=Action(action))

    result = run_one(
        Says(entry=rows(0)), ohlc(*[FLAT] * 6), rules=(limit,), scripted=(by_hand(closed_at(3), OrderSide.BUY, 1),)
    )

    assert result.fills[-1].side.value == side_of_last
    by_hands = [order for order in result.orders if order.strategy_id is None]
    assert by_hands[0].status is OrderStatus.DENIED


def test_a_stop_protects() -> None:
    limit = rule("unprotected_position", 1)
    says = Says(entry=rows(0, 3), exit=rows(2), stop={0: 90.0, 3: 90.0})

    result = run_one(says, ohlc(*[FLAT] * 6), rules=(limit,))

    assert [order.status for order in result.orders if order.status is OrderStatus.DENIED] == []
    assert [side for _, side, _ in fills(result)] == ["buy", "sell", "buy"]


def test_slippage_beyond_its_budget_stops_new_risk() -> None:
    bars = ohlc(*[FLAT] * 8, step=3_600)
    says = Says(entry=rows(0, 4), exit=rows(2))
    costly = SlippageModel(bps=D(100))

    result = run_one(says, bars, rules=(rule("slippage_budget", "0.05"),), slippage=costly, timeframe=Timeframe.H1)

    assert [side for _, side, _ in fills(result)] == ["buy", "sell"]
    assert result.orders[-1].status is OrderStatus.DENIED


@pytest.mark.parametrize("kind", sorted(WATCHED))
def test_a_run_with_a_watched_rule_takes_the_plain_engine_which_knows_it(kind: str) -> None:
    bars = ohlc(*[FLAT] * 8)
    spec = spec_of(Says(entry=rows(0), exit=rows(5)), rules=(rule(kind, 2 * DAY, parameters={"time": "00:00"}),))

    public, exact = run(spec, {"AAA": bars}), run_exact(spec, {"AAA": bars})

    assert unknown(spec, panel(spec, {"AAA": bars})) != ""
    assert len(public.fills) == len(exact.fills)
