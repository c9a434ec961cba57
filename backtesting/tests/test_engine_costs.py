"""The engine with costs that look around them: a bar's volume, interest and borrow cost, tiers of fees."""

from decimal import Decimal as D

import pytest

from backtesting import engine
from backtesting.spec import Dividend
from backtesting.tabulate import result_of
from backtesting.tests.scene import DAY, Says, by_hand, closed_at, ohlc, rows, run_one, spec_of
from backtesting.tests.test_engine import FLAT, fills
from domain.costs import FeeModel, FeeTier, FinancingModel, SlippageModel
from domain.orders import OrderSide, OrderStatus, OrderType


def test_a_large_order_fills_bar_by_bar_and_its_stop_grows_with_it() -> None:
    bars = ohlc(FLAT, (100, 101, 99, 100), (102, 103, 101, 102), (104, 105, 103, 104), (90, 91, 89, 90), FLAT)
    slippage = SlippageModel(max_volume_percent=D("0.4"))  # 4 of the 1,000 that each bar trades

    result = run_one(Says(entry=rows(0), stop={0: 95.0}), bars, slippage=slippage)

    bought, stopped = result.orders[0], result.orders[1]
    assert fills(result)[:3] == [(1, "buy", 4, 100, 0), (2, "buy", 4, 102, 0), (3, "buy", 2, 104, 0)]
    assert fills(result)[3:] == [(4, "sell", 4, 90, 0), (5, "sell", 4, 100, 0)]  # reached at 90, the rest goes on
    assert bought.average_fill_price == D("101.6")
    assert (stopped.quantity, stopped.filled_quantity, stopped.status) == (10, 8, OrderStatus.PARTIALLY_FILLED)
    assert result.positions[0].quantity == 2


def test_a_spread_at_entries_is_paid_by_what_may_open_a_position_and_by_nothing_else() -> None:
    bars = ohlc(*[FLAT] * 7, (90, 90, 90, 90))
    slippage = SlippageModel(entry_bps=D(100), bps=D(10))
    orders = (
        by_hand(closed_at(1), OrderSide.BUY, 4),
        by_hand(closed_at(2), OrderSide.SELL, 3, reduce_only=True),
        by_hand(closed_at(3), OrderSide.SELL, 1),
        by_hand(closed_at(4), OrderSide.BUY, 1, type=OrderType.LIMIT, limit_price=D(100)),
    )

    result = run_one(Says(entry=rows(0), stop={0: 95.0}), bars, slippage=slippage, scripted=orders)

    assert [row[:4] for row in fills(result)] == [
        (1, "buy", 10, D("101.10")),  # 10 and 100 basis points
        (2, "buy", 4, D("101.10")),
        (3, "sell", 3, D("99.90")),  # reduce-only: 10
        (4, "sell", 1, D("98.90")),  # not said to be reduce-only: it could go short
        (5, "buy", 1, D(100)),  # a limit never fills beyond its price
        (7, "sell", 10, D("89.91")),  # the stop, at the open that gaps: 10
    ]


@pytest.mark.timeout(900)  # the first one may have to compile the kernel
@pytest.mark.parametrize("exact", [False, True])
def test_slippage_is_no_gain_below_a_tick(exact: bool) -> None:
    bars = ohlc(*[(0.004, 0.004, 0.004, 0.004)] * 4)  # before splits, on a tick of 0.01
    spec = spec_of(Says(short_entry=rows(0)), slippage=SlippageModel(bps=D(10)), allow_short=True)

    run = engine.run(spec, {"AAA": bars}, exact=exact)

    assert run.fills["price"].tolist() == [0.004]


@pytest.mark.timeout(900)  # the first one may have to compile the kernel
@pytest.mark.parametrize("exact", [False, True])
def test_a_target_that_the_entry_itself_gapped_over_takes_and_one_that_waited_makes(exact: bool) -> None:
    bars = ohlc(FLAT, (110, 112, 109, 111), FLAT, (104, 106, 103, 104), FLAT)
    spec = spec_of(
        Says(entry=rows(0, 2), take_profit={0: 105.0, 2: 105.0}),
        fees=FeeModel(maker_percent=D("0.1"), taker_percent=D(1)),
    )

    run = engine.run(spec, {"AAA": bars}, exact=exact)

    assert run.fills["price"].tolist() == [110, 110, 104, 105]  # out at the open that it came in at; out at its limit
    assert (run.fills["fee"] / (run.fills["price"] * run.fills["quantity"]) * 100).round(4).tolist() == [1, 1, 1, 0.1]


def test_interest_and_borrow_cost_change_cash_and_nothing_else() -> None:
    bars = ohlc(*[FLAT] * 366)
    financing = FinancingModel(borrow_percent=D("3.65"), cash_percent=D("7.3"))

    idle = run_one(Says(), bars, financing=FinancingModel(cash_percent=D("7.3")))
    short = run_one(Says(short_entry=rows(0)), bars, financing=financing, allow_short=True)

    # 365 days between 366 marks, interest on interest: 10,000 × (1 + 0.0002)^365
    assert abs(idle.equity - D(10_000) * (1 + D("0.0002")) ** 365) < D("1e-6")
    assert idle.financing == idle.equity - 10_000
    # the first day on 10,000 in cash, then on 11,000 with 1,000 sold short at 0.01 % a day
    cash = D(10_000) * (1 + D("0.0002"))
    cash += 1_000
    for _ in range(364):
        cash += cash * D("0.0002") - 1_000 * D("0.0001")
    assert abs(short.cash - cash) < D("1e-6")
    assert short.equity == short.cash - 1_000 and short.trades[0].trip.pnl_net == 0
    assert result_of(short, spec_of(Says()), {"AAA": bars}).financing == float(short.financing)


def test_tiers_look_at_what_was_traded_in_the_thirty_days_before() -> None:
    bars = ohlc(*[FLAT] * 45)
    fees = FeeModel(percent=D("0.1"), tiers=(FeeTier(above=D(1_000), percent=D("0.05")),))

    result = run_one(Says(entry=rows(0, 4, 40), exit=rows(2, 36)), bars, fees=fees)

    # 1,000 each: the second and third know of the first, the one on day 37 knows of nothing in its 30 days
    assert [(row[0], row[4]) for row in fills(result)] == [
        (1, D("1.00")),
        (3, D("0.50")),
        (5, D("0.50")),
        (37, D("1.00")),
        (41, D("0.50")),
    ]


def test_dividends_are_paid_on_what_is_held_when_the_ex_day_opens() -> None:
    bars = ohlc(*[FLAT] * 8)
    due = (Dividend("AAA", 1 * DAY, D(5)), Dividend("AAA", 3 * DAY, D("0.25")), Dividend("AAA", 6 * DAY, D(7)))

    result = run_one(Says(entry=rows(0), exit=rows(4)), bars, dividends=due)

    # Bought at the open of day 1 (too late for the first), sold at that of day 5 (too early for the last).
    assert result.dividends == D("2.50") == result.cash - 10_000
    assert [trade.trip.pnl_net for trade in result.trades] == [0]
    short = run_one(Says(short_entry=rows(0)), bars, dividends=due, allow_short=True)
    assert short.dividends == D("-72.50")
