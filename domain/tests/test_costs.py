"""What executions cost: tiers, impact, room in a bar, interest; each number worked out by hand."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.costs import Costs, FeeModel, FeeTier, FinancingModel, SlippageModel, rising
from domain.matching import BarPrices, ExecutionKind, MatchOrder, Phase, next_execution
from domain.orders import OrderSide, OrderType, TimeInForce

BAR = BarPrices(open=D(100), high=D(110), low=D(90), close=D(105), volume=D(1000))
TENTH = Costs(slippage=SlippageModel(max_volume_percent=D(10)))
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def order(quantity: int, kind: OrderType = OrderType.MARKET, **more: object) -> MatchOrder:
    return MatchOrder(order_id="a", sequence=1, side=more.pop("side", BUY), type=kind, quantity=D(quantity), **more)


@pytest.mark.parametrize(
    ("traded", "maker", "fee"),
    [
        (0, False, "1.00"),  # 1,000 at 0.1 %
        (4_999, False, "1.00"),
        (5_000, False, "0.60"),  # at 0.06 %
        (5_000, True, "0.20"),  # the maker's 0.02 % of the model itself
        (20_000, True, "0.00"),  # the maker's 0 % of the last tier
        (20_000, False, "0.60"),  # what a tier does not name stays as the tier before left it
    ],
)
def test_the_highest_tier_that_was_reached_sets_the_rates_it_names(traded: int, maker: bool, fee: str) -> None:
    tiers = (FeeTier(above=D(5_000), percent=D("0.06")), FeeTier(above=D(20_000), maker_percent=D(0)))
    model = FeeModel(percent=D("0.1"), maker_percent=D("0.02"), tiers=tiers)

    assert model.fee(D(10), D(100), maker=maker, traded=D(traded)) == D(fee)
    assert rising(tiers) and not rising(tiers[::-1])


@pytest.mark.parametrize(
    ("side", "share", "price"),
    [(BUY, "0.5", "102.50"), (SELL, "0.5", "97.50"), (BUY, "1", "110.00"), (BUY, "0", "100"), (BUY, "0.01", "100.01")],
)
def test_impact_grows_with_the_square_of_the_share_of_the_bar(side: OrderSide, share: str, price: str) -> None:
    model = SlippageModel(volume_impact=D("0.1"))

    assert model.price(D(100), side, D("0.01"), share=D(share)) == D(price)


def test_an_order_of_a_bar_without_volume_pays_as_if_it_took_all_of_it() -> None:
    costs = Costs(slippage=SlippageModel(volume_impact=D("0.1")))
    empty = BarPrices(open=D(100), high=D(100), low=D(100), close=D(100))

    assert next_execution([order(1)], empty, costs).price == D(110)
    assert next_execution([order(500)], BAR, costs).price == D("102.50")


def test_a_market_order_takes_what_the_bar_has_room_for_and_no_more() -> None:
    first = next_execution([order(250)], BAR, TENTH)
    again = next_execution([order(150)], BAR, Costs(slippage=TENTH.slippage, taken=D(100)))

    assert (first.kind, first.quantity, first.price) == (ExecutionKind.FILL, D(100), D(100))
    assert again is None


def test_the_room_is_in_whole_lots() -> None:
    assert Costs(slippage=TENTH.slippage, lot=D(30)).room(D(1000)) == D(90)
    assert Costs(slippage=TENTH.slippage, lot=D("0.001"), taken=D("99.9995")).room(D(1000)) == 0
    assert Costs().room(D(0)) is None


def test_fill_or_kill_never_fills_in_part_and_immediate_or_cancel_ends_after_its_part() -> None:
    killed = next_execution([order(250, time_in_force=TimeInForce.FOK)], BAR, TENTH)
    taken = next_execution([order(250, time_in_force=TimeInForce.IOC)], BAR, TENTH)
    rest = next_execution(
        [order(150, time_in_force=TimeInForce.IOC)], BAR, Costs(slippage=TENTH.slippage, taken=D(100))
    )

    assert killed.kind is ExecutionKind.EXPIRE
    assert (taken.kind, taken.quantity) == (ExecutionKind.FILL, D(100))
    assert rest.kind is ExecutionKind.EXPIRE


def test_a_stop_that_finds_no_room_stays_reached_and_fills_at_the_next_open() -> None:
    full = Costs(slippage=TENTH.slippage, taken=D(100))
    stop = order(20, OrderType.STOP, side=SELL, stop_price=D(95))

    reached = next_execution([stop], BAR, full)
    waits = order(20, OrderType.STOP, side=SELL, stop_price=D(95), triggered=True)
    higher = BarPrices(open=D(107), high=D(108), low=D(106), close=D(107), volume=D(1000))

    assert (reached.kind, reached.phase) == (ExecutionKind.TRIGGER, Phase.INTRABAR)
    assert next_execution([waits], BAR, full) is None
    assert next_execution([waits], higher, TENTH).price == D(107)


def test_a_limit_order_fills_in_parts_at_its_limit() -> None:
    done = next_execution([order(250, OrderType.LIMIT, limit_price=D(95))], BAR, TENTH)

    assert (done.quantity, done.price) == (D(100), D(95))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(1, 100), st.integers(0, 3_000))
def test_a_bar_never_gives_more_than_its_part_whatever_works_in_it(
    quantities: list[int], percent: int, volume: int
) -> None:
    bar = BarPrices(open=D(100), high=D(110), low=D(90), close=D(105), volume=D(volume))
    left = {
        f"{i}": order(quantity, OrderType.STOP if i % 3 == 0 else OrderType.MARKET, stop_price=D(105))
        for i, quantity in enumerate(quantities)
    }
    taken = D(0)
    for _ in range(40):
        book = [
            MatchOrder(
                order_id=key, sequence=int(key), side=BUY, type=each.type, quantity=each.quantity,
                stop_price=each.stop_price, triggered=each.triggered,
            )
            for key, each in left.items()
        ]  # fmt: skip
        costs = Costs(slippage=SlippageModel(max_volume_percent=D(percent)), taken=taken)
        done = next_execution(book, bar, costs)
        if done is None:
            break
        each = left.pop(done.order_id)
        taken += done.quantity
        rest = each.quantity - done.quantity
        if rest:
            left[done.order_id] = order(int(rest), each.type, stop_price=each.stop_price, triggered=True)
    else:
        raise AssertionError("a bar never ends")

    assert taken <= D(volume) * percent / 100
    assert taken + sum(each.quantity for each in left.values()) == sum(quantities)


@pytest.mark.parametrize(
    ("cash", "shorts", "days", "earned"),
    [
        (10_000, 0, 365, "400"),  # 4 % on cash
        (-10_000, 0, 365, "-800"),  # 8 % on debt
        (0, 5_000, 73, "-30"),  # 3 % on shorts for a fifth of a year
        (10_000, 5_000, 36.5, "25"),  # 40 earned, 15 paid
    ],
)
def test_interest_is_simple_and_by_the_second(cash: int, shorts: int, days: float, earned: str) -> None:
    model = FinancingModel(borrow_percent=D(3), cash_percent=D(4), margin_percent=D(8))

    assert model.earned(cash=D(cash), short_value=D(shorts), seconds=D(str(days * 86_400))) == D(earned)
    assert FinancingModel().is_free and not model.is_free
