"""How orders execute against one bar: each case worked out by hand."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.costs import Costs, FeeModel, SlippageModel
from domain.matching import BarPrices, ExecutionKind, MatchOrder, Phase, next_execution, trailed_stop
from domain.orders import OrderSide, OrderType, TimeInForce

BAR = BarPrices(open=D(100), high=D(110), low=D(90), close=D(105), volume=D(1000))
FREE = Costs()
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def order(order_id="a", *, side=BUY, type=OrderType.MARKET, sequence=1, quantity=10, **more):
    return MatchOrder(order_id=order_id, sequence=sequence, side=side, type=type, quantity=D(quantity), **more)


def limit(price, **more):
    return order(type=OrderType.LIMIT, limit_price=D(price), **more)


def stop(price, **more):
    return order(type=OrderType.STOP, stop_price=D(price), **more)


def test_market_order_fills_at_the_open():
    done = next_execution([order()], BAR, FREE)

    assert (done.kind, done.price, done.phase, done.quantity) == (ExecutionKind.FILL, D(100), Phase.OPEN, D(10))


def test_market_orders_fill_in_their_sequence_and_before_gapped_stops_and_limits():
    book = [limit(101, order_id="limit"), stop(99, order_id="stop"), order("second", sequence=9), order("first")]
    told = []
    while (done := next_execution(book, BAR, FREE)) is not None:
        told.append(done.order_id)
        book = [o for o in book if o.order_id != done.order_id]

    assert told == ["first", "second", "stop", "limit"]


@pytest.mark.parametrize(
    ("placed", "price", "phase"),
    [
        (limit(95), D(95), Phase.INTRABAR),
        (limit(90), D(90), Phase.INTRABAR),
        (limit(102), D(100), Phase.OPEN),
        (limit(105, side=SELL), D(105), Phase.INTRABAR),
        (limit(98, side=SELL), D(100), Phase.OPEN),
        (stop(108), D(108), Phase.INTRABAR),
        (stop(98), D(100), Phase.OPEN),
        (stop(92, side=SELL), D(92), Phase.INTRABAR),
        (stop(101, side=SELL), D(100), Phase.OPEN),
    ],
)
def test_limits_and_stops_fill_at_their_level_or_at_a_better_or_gapped_open(placed, price, phase):
    done = next_execution([placed], BAR, FREE)

    assert (done.price, done.phase) == (price, phase)


@pytest.mark.parametrize("placed", [limit(89), limit(111, side=SELL), stop(111), stop(89, side=SELL)])
def test_a_level_that_the_bar_does_not_reach_executes_nothing(placed):
    assert next_execution([placed], BAR, FREE) is None


def test_a_bar_that_touches_stop_and_target_takes_the_stop():
    book = [limit(109, side=SELL, order_id="target"), stop(91, side=SELL, order_id="stop", sequence=2)]

    assert next_execution(book, BAR, FREE).order_id == "stop"


def test_a_target_released_inside_the_bar_waits_for_the_next_one_but_a_stop_does_not():
    target = limit(109, side=SELL, arrival=Phase.INTRABAR)
    loss = stop(91, side=SELL, arrival=Phase.INTRABAR)

    assert next_execution([target], BAR, FREE) is None
    assert next_execution([loss], BAR, FREE).price == D(91)


def test_orders_released_at_the_open_take_part_in_the_bar():
    target = limit(109, side=SELL, arrival=Phase.OPEN)

    assert next_execution([target], BAR, FREE).price == D(109)


def test_a_stop_that_arrives_beyond_its_level_triggers_at_the_open():
    beyond = stop(103, side=SELL, arrival=Phase.OPEN)

    assert next_execution([beyond], BAR, FREE).price == D(100)


def test_a_market_order_that_arrives_inside_the_bar_waits_for_the_next_open():
    assert next_execution([order(arrival=Phase.INTRABAR)], BAR, FREE) is None


def test_a_stop_limit_triggers_first_and_then_is_a_limit():
    placed = order(type=OrderType.STOP_LIMIT, stop_price=D(108), limit_price=D(109))
    done = next_execution([placed], BAR, FREE)
    triggered = order(
        type=OrderType.STOP_LIMIT, stop_price=D(108), limit_price=D(109), triggered=True, arrival=Phase.OPEN
    )

    assert done.kind is ExecutionKind.TRIGGER
    assert next_execution([triggered], BAR, FREE).kind is ExecutionKind.FILL


@pytest.mark.parametrize(
    ("side", "stop_price", "limit_price", "filled"),
    [(BUY, 108, 109, 108), (SELL, 95, 94, 95), (BUY, 108, 108, 108), (BUY, 108, 107, None), (SELL, 95, 96, None)],
)
def test_a_stop_limit_reached_inside_the_bar_fills_at_its_stop_where_its_limit_allows(
    side, stop_price, limit_price, filled
):
    fees = Costs(fees=FeeModel(maker_percent=D(0), taker_percent=D(1)), slippage=SlippageModel(bps=D(10)))
    reached = order(
        side=side,
        type=OrderType.STOP_LIMIT,
        stop_price=D(stop_price),
        limit_price=D(limit_price),
        triggered=True,
        arrival=Phase.INTRABAR,
    )

    done = next_execution([reached], BAR, fees)

    if filled is None:
        assert done is None, "the bar's better prices may lie before the moment at which the stop was reached"
    else:
        assert (done.price, done.fee) == (filled, D(filled) / 10), "it takes, and does not slip past its limit"


def test_a_stop_limit_that_the_open_reaches_takes_there():
    fees = Costs(fees=FeeModel(maker_percent=D(0), taker_percent=D(1)))
    reached = order(type=OrderType.STOP_LIMIT, stop_price=D(99), limit_price=D(101), triggered=True, arrival=Phase.OPEN)

    done = next_execution([reached], BAR, fees)

    assert (done.price, done.fee) == (D(100), D(10))


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG])
def test_orders_for_the_open_expire_when_the_open_does_not_fill_them(tif):
    done = next_execution([limit(95, time_in_force=tif)], BAR, FREE)

    assert done.kind is ExecutionKind.EXPIRE


def test_orders_for_the_close_fill_at_the_close_or_expire():
    filled = next_execution([order(time_in_force=TimeInForce.CLS)], BAR, FREE)
    expired = next_execution([limit(104, time_in_force=TimeInForce.CLS)], BAR, FREE)

    assert (filled.price, filled.phase) == (D(105), Phase.CLOSE)
    assert expired.kind is ExecutionKind.EXPIRE


def test_slippage_is_against_the_order_and_on_the_tick():
    costs = Costs(slippage=SlippageModel(bps=D(1), spread=D("0.01")), tick=D("0.01"))

    assert next_execution([order()], BAR, costs).price == D("100.02")  # 100 + 0.01 + 0.005, up to the tick
    assert next_execution([order(side=SELL)], BAR, costs).price == D("99.98")


def test_limit_orders_do_not_slip():
    costs = Costs(slippage=SlippageModel(bps=D(50)))

    assert next_execution([limit(95)], BAR, costs).price == D(95)


@pytest.mark.parametrize(
    ("model", "fee"),
    [
        (FeeModel(percent=D("0.1")), D("1.00")),
        (FeeModel(per_order=D(1), per_share=D("0.005")), D("1.05")),
        (FeeModel(per_share=D("0.005"), minimum=D(1)), D("1.00")),
        (FeeModel(maker_percent=D("0.02"), taker_percent=D("0.05")), D("0.50")),
        (FeeModel(percent=D("0.12345")), D("1.23")),
    ],
)
def test_fees_are_the_sum_of_their_parts_rounded_to_the_cent(model, fee):
    assert next_execution([order()], BAR, Costs(fees=model)).fee == fee


def test_a_limit_that_waited_pays_the_maker_fee():
    costs = Costs(fees=FeeModel(maker_percent=D("0.02"), taker_percent=D("0.05")))

    assert next_execution([limit(95)], BAR, costs).fee == D("0.19")


def test_a_trailing_stop_only_moves_with_the_position():
    higher = BarPrices(open=D(100), high=D(120), low=D(100), close=D(118))
    lower = BarPrices(open=D(118), high=D(119), low=D(110), close=D(111))

    first = trailed_stop(SELL, None, D(10), BAR, D("0.01"))
    second = trailed_stop(SELL, first, D(10), higher, D("0.01"))

    assert (first, second) == (D(99), D(108))
    assert trailed_stop(SELL, second, D(10), lower, D("0.01")) == D(108)


prices = st.decimals(min_value=1, max_value=500, places=2)


@given(st.lists(prices, min_size=4, max_size=4), prices, st.sampled_from([BUY, SELL]), st.booleans())
def test_no_fill_lies_outside_the_bar_or_beyond_its_limit(four, level, side, is_stop):
    low, a, b, high = sorted(four)
    bar = BarPrices(open=a, high=high, low=low, close=b)
    placed = stop(level, side=side) if is_stop else limit(level, side=side)

    done = next_execution([placed], bar, FREE)

    if done is not None:
        assert low <= done.price <= high
        if not is_stop:
            assert (level - done.price) * side.sign >= 0
