"""Which protective orders a position needs after a fill."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from domain.orders import OrderRole, OrderSide
from domain.protection import Cancel, Place, ProtectionPlan, Protective, Resize, actions

PLAN = ProtectionPlan(stop_percent=D(2), target_percent=D(6))
TICK = D("0.01")


def asked(quantity, average, working=(), plan=PLAN):
    return actions(plan=plan, quantity=D(quantity), average=D(average), tick=TICK, working=working)


def working(role, quantity, price, order_id=None, side=OrderSide.SELL):
    return Protective(order_id=order_id or role.value, role=role, side=side, quantity=D(quantity), price=D(price))


def test_a_new_long_position_gets_a_stop_below_and_a_target_above():
    assert asked(10, 100) == (
        Place(OrderRole.STOP_LOSS, OrderSide.SELL, D(10), D("98.00")),
        Place(OrderRole.TAKE_PROFIT, OrderSide.SELL, D(10), D("106.00")),
    )


def test_a_new_short_position_gets_a_stop_above_and_a_target_below():
    assert asked(-10, 100) == (
        Place(OrderRole.STOP_LOSS, OrderSide.BUY, D(10), D("102.00")),
        Place(OrderRole.TAKE_PROFIT, OrderSide.BUY, D(10), D("94.00")),
    )


def test_given_prices_win_over_percents():
    plan = ProtectionPlan(stop_price=D(90), stop_percent=D(2))

    assert asked(10, 100, plan=plan) == (Place(OrderRole.STOP_LOSS, OrderSide.SELL, D(10), D(90)),)


def test_a_larger_position_resizes_both_and_moves_percents_with_the_average():
    there = (working(OrderRole.STOP_LOSS, 10, 98), working(OrderRole.TAKE_PROFIT, 10, 106))

    assert asked(20, 110, there) == (
        Resize("stop_loss", D(20), D("107.80")),
        Resize("take_profit", D(20), D("116.60")),
    )


def test_a_flat_position_cancels_what_works():
    there = (working(OrderRole.STOP_LOSS, 10, 98), working(OrderRole.TAKE_PROFIT, 10, 106))

    assert asked(0, 0, there) == (Cancel("stop_loss"), Cancel("take_profit"))


def test_a_second_stop_is_canceled():
    there = (working(OrderRole.STOP_LOSS, 10, 98), working(OrderRole.STOP_LOSS, 10, 98, "again"))
    plan = ProtectionPlan(stop_percent=D(2))

    assert asked(10, 100, there, plan) == (Cancel("again"),)


def test_a_position_that_turned_round_gets_new_orders_on_the_other_side():
    there = (working(OrderRole.STOP_LOSS, 10, 98),)
    plan = ProtectionPlan(stop_percent=D(2))

    assert asked(-5, 100, there, plan) == (
        Cancel("stop_loss"),
        Place(OrderRole.STOP_LOSS, OrderSide.BUY, D(5), D("102.00")),
    )


amounts = st.integers(min_value=-50, max_value=50)


@given(amounts, amounts, st.booleans())
def test_carrying_out_the_actions_leaves_nothing_to_do(before, after, has_target):
    plan = ProtectionPlan(stop_percent=D(2), target_percent=D(6) if has_target else None)
    book = {}
    for quantity in (before, after):
        for action in asked(quantity, 100, tuple(book.values()), plan):
            if isinstance(action, Place):
                book[action.role.value] = working(action.role, action.quantity, action.price, side=action.side)
            elif isinstance(action, Resize):
                old = book[action.order_id]
                book[action.order_id] = working(old.role, action.quantity, action.price, side=old.side)
            else:
                del book[action.order_id]

    assert asked(after, 100, tuple(book.values()), plan) == ()
    assert all(order.quantity == abs(after) for order in book.values())
