"""The engine against cases worked out by hand: when orders fill, at what price, what they cost, what is left."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from backtesting.exact import run_exact
from backtesting.tests.scene import Says, by_hand, closed_at, instrument, ohlc, rows, run_one, spec_of
from domain.bars import Timeframe
from domain.costs import FeeModel, SlippageModel
from domain.orders import OrderRole, OrderSide, OrderStatus, OrderType, TimeInForce
from domain.signals import SignalOutcome
from domain.sizing import SizingMethod
from preferences.categories import TradingPreferences
from risk.decisions import Action, RuleSpec

FLAT = (100, 101, 99, 100)


def rule(kind: str, limit: str, **more: object) -> RuleSpec:
    """Return a rule of the whole account."""
    return RuleSpec(key=kind, name=kind, type=kind, limit=D(limit), **more)


def fills(result) -> list[tuple]:
    """Return (bar, side, quantity, price, fee) of each fill."""
    return [(int(f.at.timestamp()) // 86_400 - 1, str(f.side), f.quantity, f.price, f.fee) for f in result.fills]


def test_a_signal_at_a_close_fills_at_the_next_open_and_equity_follows_the_closes() -> None:
    bars = ohlc(FLAT, (102, 106, 101, 105), (107, 110, 106, 108), (111, 112, 109, 110))

    result = run_one(Says(entry=rows(0), exit=rows(2)), bars)

    assert fills(result) == [(1, "buy", 10, 102, 0), (3, "sell", 10, 111, 0)]
    # 10,000 - 1,020 + 10 x close, then 10,000 + 90
    assert result.curve.equity == (D(10_000), D(10_030), D(10_060), D(10_090))
    assert result.curve.cash == (D(10_000), D(8_980), D(8_980), D(10_090))
    assert [t.trip.pnl for t in result.trades] == [D(90)]
    assert (result.trades[0].lowest, result.trades[0].highest) == (D(101), D(111))
    assert result.positions == ()


def test_nothing_is_known_of_a_bar_before_its_close() -> None:
    result = run_one(Says(entry=rows(0)), ohlc(FLAT))

    assert fills(result) == [] and result.orders[0].status is OrderStatus.ACCEPTED


def test_fees_and_slippage_are_paid_on_both_sides() -> None:
    bars = ohlc(FLAT, (100, 100, 100, 100), (100, 100, 100, 100), (110, 110, 110, 110))
    fees = FeeModel(per_share=D("0.005"), percent=D("0.1"), minimum=D("1.50"))
    slippage = SlippageModel(bps=D(10), spread=D("0.02"))

    result = run_one(Says(entry=rows(0), exit=rows(2)), bars, fees=fees, slippage=slippage)

    # buy: 100 + 0.10 + 0.01 = 100.11; fee 1.0011 + 0.05 = 1.05 -> at least 1.50
    # sell: 110 - 0.11 - 0.01 = 109.88; fee 1.0988 + 0.05 = 1.15 -> at least 1.50
    assert fills(result) == [(1, "buy", 10, D("100.11"), D("1.50")), (3, "sell", 10, D("109.88"), D("1.50"))]
    assert result.cash == D(10_000) - D("1001.10") + D("1098.80") - 3
    assert result.fees_paid == 3
    assert result.trades[0].trip.pnl_net == D("97.70") - 3


def test_a_stop_fills_at_its_level_inside_the_bar() -> None:
    bars = ohlc(FLAT, (100, 101, 98, 100), (100, 101, 94, 99), FLAT)

    result = run_one(Says(entry=rows(0), stop={0: 95.0}), bars)

    assert fills(result) == [(1, "buy", 10, 100, 0), (2, "sell", 10, 95, 0)]
    assert result.orders[1].role is OrderRole.STOP_LOSS


def test_a_stop_that_the_market_gaps_over_fills_at_the_open() -> None:
    bars = ohlc(FLAT, (100, 101, 98, 100), (90, 92, 88, 91), FLAT)

    result = run_one(Says(entry=rows(0), stop={0: 95.0}), bars)

    assert fills(result)[1] == (2, "sell", 10, 90, 0)


def test_a_target_that_the_market_gaps_over_fills_at_the_better_open() -> None:
    bars = ohlc(FLAT, (100, 101, 98, 100), (115, 118, 112, 113), FLAT)

    result = run_one(Says(entry=rows(0), take_profit={0: 110.0}), bars)

    assert fills(result)[1] == (2, "sell", 10, 115, 0)


def test_a_bar_that_touches_stop_and_target_is_taken_to_hit_the_stop() -> None:
    bars = ohlc(FLAT, (100, 101, 99, 100), (100, 120, 80, 100), FLAT)

    result = run_one(Says(entry=rows(0), stop={0: 95.0}, take_profit={0: 110.0}), bars)

    assert fills(result)[1] == (2, "sell", 10, 95, 0)
    by_role = {order.role: order.status for order in result.orders}
    assert by_role[OrderRole.TAKE_PROFIT] is OrderStatus.CANCELED


def test_a_bracket_works_in_the_bar_of_its_own_entry() -> None:
    bars = ohlc(FLAT, (100, 111, 99, 105), FLAT)

    result = run_one(Says(entry=rows(0), stop={0: 95.0}, take_profit={0: 110.0}), bars)

    assert fills(result) == [(1, "buy", 10, 100, 0), (1, "sell", 10, 110, 0)]
    assert result.curve.equity[1] == D(10_100)


def test_percents_of_the_rules_protect_an_entry_that_names_no_stop() -> None:
    bars = ohlc(FLAT, (100, 101, 99, 100), (100, 101, 97, 98))

    result = run_one(Says(entry=rows(0)), bars, rules=(rule("stop_loss", "2"), rule("take_profit", "6")))

    children = {order.role: (order.stop_price, order.limit_price) for order in result.orders[1:]}
    assert children == {OrderRole.STOP_LOSS: (D(98), None), OrderRole.TAKE_PROFIT: (None, D(106))}
    assert fills(result)[1] == (2, "sell", 10, 98, 0)


def test_an_exit_closes_the_position_and_takes_its_protection_off() -> None:
    bars = ohlc(FLAT, FLAT, FLAT, FLAT)

    result = run_one(Says(entry=rows(0), exit=rows(1), stop={0: 90.0}), bars)

    assert fills(result) == [(1, "buy", 10, 100, 0), (2, "sell", 10, 100, 0)]
    assert [o.status for o in result.orders] == [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.FILLED]
    assert result.orders[2].reduce_only


def test_shorts_are_taken_only_where_they_are_allowed() -> None:
    bars = ohlc(FLAT, (100, 100, 95, 96), (96, 97, 89, 90), (91, 92, 90, 91))
    strategy = Says(short_entry=rows(0), short_exit=rows(2))

    allowed, refused = run_one(strategy, bars, allow_short=True), run_one(strategy, bars)

    assert fills(allowed) == [(1, "sell", 10, 100, 0), (3, "buy", 10, 91, 0)]
    assert allowed.equity == D(10_090)
    assert refused.signals == () and refused.orders == ()


def test_a_stop_of_a_short_lies_above_it() -> None:
    bars = ohlc(FLAT, (100, 101, 99, 100), (100, 104, 99, 103))

    result = run_one(Says(short_entry=rows(0)), bars, allow_short=True, rules=(rule("stop_loss", "3"),))

    assert fills(result)[1] == (2, "buy", 10, 103, 0)


def test_an_entry_while_holding_or_an_exit_while_flat_is_no_signal() -> None:
    bars = ohlc(*[FLAT] * 6)

    result = run_one(Says(entry=rows(0, 1, 2), exit=rows(4, 5)), bars)

    assert [(s.at, str(s.row.side)) for s in result.signals] == [(closed_at(0), "buy"), (closed_at(4), "exit")]


def test_a_denied_order_is_kept_with_its_reasons_and_sends_nothing() -> None:
    result = run_one(Says(entry=rows(0)), ohlc(FLAT, FLAT), rules=(rule("max_order_value", "999"),))

    order, signal = result.orders[0], result.signals[0]
    assert order.status is OrderStatus.DENIED and "999" in order.reason
    assert (signal.outcome, signal.code) == (SignalOutcome.DENIED, "risk")
    assert order.decision is not None and order.decision.reasons[0].value == 1000
    assert fills(result) == []


def test_a_rule_that_resizes_lets_the_part_through_that_fits() -> None:
    rules = (rule("max_order_value", "750", action=Action.RESIZE),)

    result = run_one(Says(entry=rows(0)), ohlc(FLAT, FLAT), rules=rules)

    assert (result.orders[0].requested_quantity, result.orders[0].quantity) == (10, 7)
    assert fills(result) == [(1, "buy", 7, 100, 0)]


def test_a_daily_loss_stops_entries_until_the_next_session() -> None:
    # The session of bar 1 loses 200 of 10,000 (2 %); its re-entry is refused, that of the next session is not.
    bars = ohlc(FLAT, (100, 100, 80, 80), (80, 80, 80, 80), (80, 80, 80, 80))
    rules = (rule("max_daily_loss", "1.5"),)

    result = run_one(Says(entry=rows(0, 1, 2), stop={0: 80.0}), bars, rules=rules)

    assert [(s.outcome, s.code) for s in result.signals] == [
        (SignalOutcome.EXECUTED, ""),
        (SignalOutcome.DENIED, "risk"),
        (SignalOutcome.EXECUTED, ""),
    ]


@pytest.mark.parametrize(
    ("trading", "strategy", "code"),
    [
        ({"min_confidence_threshold": D("0.9")}, Says(entry=rows(0), confidence={0: 0.8}), "below_confidence"),
        ({"max_daily_trades": 0}, Says(entry=rows(0)), "daily_trade_limit"),
        ({"max_concurrent_positions": 0}, Says(entry=rows(0)), "max_positions"),
    ],
)
def test_preferences_skip_entries_with_their_code(trading: dict, strategy: Says, code: str) -> None:
    result = run_one(strategy, ohlc(FLAT, FLAT), trading=TradingPreferences(**trading))

    assert [(s.outcome, s.code) for s in result.signals] == [(SignalOutcome.SKIPPED, code)]
    assert result.orders == ()


def test_a_size_below_one_lot_is_no_order() -> None:
    spec = spec_of(Says(entry=rows(0)))
    spec = replace(spec, sizing=replace(spec.sizing, method=SizingMethod.PERCENT_EQUITY, value=D("0.5")))

    result = run_exact(spec, {"AAA": ohlc(FLAT, FLAT)})

    assert [(s.outcome, s.code) for s in result.signals] == [(SignalOutcome.SKIPPED, "no_size")]


def test_a_limit_entry_waits_one_bar_and_is_then_canceled() -> None:
    trading = TradingPreferences(preferred_order_types=("limit", "market"), order_timeout_seconds=60)
    bars = ohlc(FLAT, (103, 105, 102, 104), (103, 105, 99, 104))

    result = run_one(Says(entry=rows(0)), bars, trading=trading)

    order = result.orders[0]
    assert (order.type, order.limit_price, order.status) == (OrderType.LIMIT, D(100), OrderStatus.CANCELED)
    assert "60 seconds" in order.reason and fills(result) == []


def test_a_stop_on_the_wrong_side_of_the_entry_is_refused() -> None:
    result = run_one(Says(entry=rows(0), stop={0: 105.0}), ohlc(FLAT, FLAT))

    assert result.signals[0].outcome is SignalOutcome.DENIED
    assert "105" in result.signals[0].message and result.orders == ()


def test_instruments_share_the_cash_and_are_taken_in_the_order_of_their_symbols() -> None:
    two = (instrument("BBB"), instrument("AAA"))
    spec = spec_of(Says(entry=rows(0)), instruments=two)
    spec = replace(spec, rules=(rule("position_limit", "1"),))

    result = run_exact(spec, {"AAA": ohlc(FLAT, FLAT), "BBB": ohlc(FLAT, FLAT)})

    assert [(s.symbol, s.outcome) for s in result.signals] == [
        ("AAA", SignalOutcome.EXECUTED),
        ("BBB", SignalOutcome.DENIED),
    ]


def test_instruments_whose_bars_close_at_other_times_keep_their_own_marks() -> None:
    spec = spec_of(Says(entry=rows(0)), instruments=(instrument("AAA"), instrument("BBB")))
    late = ohlc((50, 50, 50, 50), (50, 50, 50, 50), (60, 60, 60, 60), start=43_200)

    result = run_exact(spec, {"AAA": ohlc(FLAT, FLAT, (110, 110, 110, 110)), "BBB": late})

    assert list(result.curve.t) == [86_400, 129_600, 172_800, 216_000, 259_200, 302_400]
    assert result.curve.equity[-2:] == (D(10_100), D(10_200))


def test_cash_and_positions_always_add_up_to_the_fills() -> None:
    bars = ohlc(*[(100 + i % 7, 104 + i % 7, 96 + i % 7, 100 + (i + 1) % 7) for i in range(60)])
    strategy = Says(entry=rows(*range(0, 60, 2)), exit=rows(*range(1, 60, 5)))

    result = run_one(strategy, bars, rules=(rule("stop_loss", "3"),), fees=FeeModel(percent=D("0.1")))

    assert len(result.fills) > 10
    assert result.cash == D(10_000) + sum(f.cash_change for f in result.fills)
    held = sum(f.signed_quantity for f in result.fills)
    assert held == sum(p.quantity for p in result.positions)
    assert result.equity == result.cash + sum(p.quantity * p.mark for p in result.positions)


def test_the_same_run_twice_gives_the_same_result() -> None:
    bars = ohlc(*[(100 + i % 7, 104 + i % 7, 96 + i % 7, 100 + (i + 1) % 7) for i in range(40)])
    strategy = Says(entry=rows(0, 9, 20), exit=rows(7, 15))

    assert repr(run_one(strategy, bars)) == repr(run_one(strategy, bars))


def test_decisions_begin_at_the_row_that_is_named() -> None:
    result = run_one(Says(entry=rows(0, 2)), ohlc(*[FLAT] * 5), first_decision={"AAA": 1})

    assert [s.at for s in result.signals] == [closed_at(2)]
    assert result.curve.at[0] == closed_at(1)


# --- orders placed by hand -------------------------------------------------------------------------------------------

QUIET = Says()


def test_a_stop_limit_triggers_and_waits_for_its_limit() -> None:
    bars = ohlc(FLAT, (104, 108, 103, 107), (107, 108, 104.5, 106))
    order = by_hand(
        closed_at(0), OrderSide.BUY, 5, type=OrderType.STOP_LIMIT, stop_price=D(103), limit_price=D("103.50")
    )
    later = replace(order, order=replace(order.order, limit_price=D(105)))

    first, second = run_one(QUIET, bars, scripted=(order,)), run_one(QUIET, bars, scripted=(later,))

    assert fills(first) == [(1, "buy", 5, D("103.50"), 0)]
    assert fills(second) == [(1, "buy", 5, D(104), 0)]


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    bars = ohlc(FLAT, FLAT, (100, 110, 100, 109), (109, 110, 105, 106), (106, 107, 98, 99))
    buy = by_hand(closed_at(0), OrderSide.BUY, 5)
    trail = by_hand(closed_at(1), OrderSide.SELL, 5, type=OrderType.TRAILING_STOP, trail_percent=D(10))

    result = run_one(QUIET, bars, scripted=(buy, trail))

    # 10 % under the best high: 110 -> 99; the last bar's low of 98 reaches it.
    assert fills(result) == [(1, "buy", 5, 100, 0), (4, "sell", 5, 99, 0)]


def test_a_day_order_ends_with_the_session_and_one_for_the_open_at_the_open() -> None:
    limit = {"type": OrderType.LIMIT, "limit_price": D(90)}
    day = by_hand(closed_at(0), OrderSide.BUY, 5, time_in_force=TimeInForce.DAY, **limit)
    ioc = by_hand(closed_at(0), OrderSide.BUY, 4, time_in_force=TimeInForce.IOC, **limit)
    gtc = by_hand(closed_at(0), OrderSide.BUY, 3, **limit)
    bars = ohlc(FLAT, FLAT, (95, 95, 89, 90))

    result = run_one(QUIET, bars, scripted=(day, ioc, gtc))

    assert [o.status for o in result.orders] == [OrderStatus.EXPIRED, OrderStatus.EXPIRED, OrderStatus.FILLED]
    assert fills(result) == [(2, "buy", 3, 90, 0)]


def test_one_order_can_turn_a_position_round() -> None:
    buy, sell = by_hand(closed_at(0), OrderSide.BUY, 1), by_hand(closed_at(1), OrderSide.SELL, 2)

    result = run_one(QUIET, ohlc(FLAT, FLAT, (104, 104, 104, 104)), scripted=(buy, sell))

    assert [(p.quantity, p.average_price) for p in result.positions] == [(D(-1), D(104))]
    assert [(t.trip.pnl, t.is_closed) for t in result.trades] == [(D(4), True), (D(0), False)]


def test_an_intraday_day_order_lives_until_the_calendars_close() -> None:
    # 2011-01-03, XNYS: the session closes at 21:00Z; bars of an hour from 19:00Z.
    start = 1_294_081_200
    bars = ohlc(FLAT, FLAT, (99, 99, 95, 96), step=3600, start=start)
    made = instrument(calendar="XNYS")
    limit = {"type": OrderType.LIMIT, "limit_price": D(97), "time_in_force": TimeInForce.DAY}
    day = by_hand(datetime.fromtimestamp(start + 3600, tz=UTC), OrderSide.BUY, 5, **limit)

    result = run_one(QUIET, bars, instruments=(made,), timeframe=Timeframe.H1, scripted=(day,))

    assert result.orders[0].status is OrderStatus.EXPIRED


def test_a_resting_reduce_only_order_shrinks_with_its_position_and_ends_with_it() -> None:
    buy = by_hand(closed_at(0), OrderSide.BUY, 10)
    target = by_hand(closed_at(1), OrderSide.SELL, 10, type=OrderType.LIMIT, limit_price=D(110), reduce_only=True)
    part, rest = (by_hand(closed_at(i), OrderSide.SELL, n, reduce_only=True) for i, n in ((2, 4), (3, 6)))
    bars = ohlc(FLAT, FLAT, FLAT, (100, 112, 99, 111), (111, 112, 110, 111))

    shrunk = run_one(QUIET, bars, scripted=(buy, target, part))
    ended = run_one(QUIET, ohlc(*[FLAT] * 5), scripted=(buy, target, part, rest))

    assert fills(shrunk)[1:] == [(3, "sell", 4, 100, 0), (3, "sell", 6, 110, 0)]
    assert shrunk.positions == ended.positions == ()
    assert ended.orders[1].status is OrderStatus.CANCELED
