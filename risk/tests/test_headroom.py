"""Headroom: the gate's measures without an order, nearest limit first."""

from decimal import Decimal as D

from risk.decisions import Scope
from risk.headroom import headroom_of
from risk.tests.examples import AAPL, NOW, XOM, position, rule, snapshot, working


def test_the_limit_that_is_nearest_to_being_reached_comes_first():
    rules = [rule("max_exposure", 80), rule("max_position_size", 5)]

    found = headroom_of(snapshot(position(80)), rules, at=NOW)

    assert [(each.name, each.value, each.used) for each in found] == [
        ("max_position_size", D(4), D("0.8")),
        ("max_exposure", D(4), D("0.05")),
    ]
    assert found[0].where == "AAPL" and found[0].figures == "4 of 5 %"


def test_working_orders_count_as_if_they_were_filled_on_their_worse_side():
    found = headroom_of(
        snapshot(position(80), working(40), working(10, side="sell")), [rule("max_leverage", 1)], at=NOW
    )

    assert found[0].value == D("0.06")


def test_the_worst_instrument_is_named():
    found = headroom_of(snapshot(position(10), position(60, instrument_id=XOM)), [rule("max_position_size", 5)], at=NOW)

    assert (found[0].where, found[0].value) == ("XOM", D(3))


def test_losses_are_measured_with_nothing_held():
    found = headroom_of(snapshot(equity=98_500), [rule("max_daily_loss", 3), rule("max_drawdown", 10)], at=NOW)

    assert [(each.name, each.used) for each in found] == [("max_daily_loss", D("0.5")), ("max_drawdown", D("0.15"))]


def test_counts_leave_out_the_order_that_is_not_there():
    rules = [rule("max_open_orders", 5), rule("max_session_trades", 10), rule("position_limit", 4)]

    found = headroom_of(snapshot(working(5), position(1), n_session_trades=3), rules, at=NOW)

    assert {each.name: each.value for each in found} == {
        "max_open_orders": D(1), "max_session_trades": D(3), "position_limit": D(1),
    }  # fmt: skip


def test_a_rule_of_one_instrument_looks_at_that_one_alone():
    narrow = rule("max_position_size", 5, scope=Scope.INSTRUMENT, instrument_id=AAPL)

    found = headroom_of(snapshot(position(10), position(60, instrument_id=XOM)), [narrow], at=NOW)

    assert found[0].value == D("0.5")


def test_what_only_an_order_can_break_is_left_out():
    assert headroom_of(snapshot(position(10)), [rule("max_order_value", 1000), rule("price_collar", 5)], at=NOW) == []
