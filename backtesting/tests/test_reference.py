"""The engine against results that others published: backtrader's, PyAlgoTrade's and LEAN's, on their own data."""

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting import engine
from backtesting.spec import ScriptedOrder, Sizing
from backtesting.tests.scene import Says, by_hand, instrument, run_one, spec_of
from domain.bars import BarArrays, Timeframe
from domain.costs import FeeModel
from domain.orders import OrderSide, OrderSpec, OrderType
from domain.sizing import SizingMethod
from marketdata.indicators.averages import sma
from marketdata.tests.reference import shared
from risk.decisions import RuleSpec
from strategies.base import Signals, Strategy

FOLDER = "reference/backtest_engine"
ONE = Sizing(SizingMethod.FIXED_QUANTITY, D(1))


class CrossesMean(Strategy):
    """In when the close crosses above its mean, out when it crosses below (or lies below, without `crosses`)."""

    name = "crosses_mean"
    title = description = "for tests"

    def __init__(self, *, crosses: bool) -> None:
        self.crosses = crosses

    def warmup(self, params: Any) -> int:
        """The mean, and one bar before."""
        return 15 if self.crosses else 14

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Compare the close with the mean of fifteen."""
        mean = sma(bars.c, 15)
        above, below = bars.c > mean, bars.c < mean
        if self.crosses:
            was_below = np.concatenate(([False], bars.c[:-1] <= mean[:-1]))
            was_above = np.concatenate(([False], bars.c[:-1] >= mean[:-1]))
            above, below = above & was_below, below & was_above
        return Signals(entry=above, exit=below)


def expected(name: str) -> dict[str, Any]:
    """Return a published result."""
    found: dict[str, Any] = json.loads(shared(f"{FOLDER}/{name}").read_text(encoding="utf-8"))
    return found


def daily(name: str, columns: tuple[str, ...]) -> BarArrays:
    """Return the bars of a published data file."""
    with shared(f"{FOLDER}/{name}").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row[columns[0]])
    days = [datetime.fromisoformat(row[columns[0]]).replace(tzinfo=UTC) for row in rows]
    t = np.array([int(day.timestamp()) for day in days], dtype=np.int64)
    return BarArrays(t, *(np.array([float(row[name]) for row in rows]) for name in columns[1:]))


def test_backtrader_crossover_of_2006_fill_by_fill() -> None:
    wanted = expected("backtrader_sma15_stock.json")["expected"]
    bars = daily("2006-day-001.csv", ("Date", "Open", "High", "Low", "Close", "Volume"))

    result = run_one(CrossesMean(crosses=True), bars, sizing=ONE)

    prices = {side: [f"{f.price:.2f}" for f in result.fills if f.side == side] for side in OrderSide}
    assert prices[OrderSide.BUY] == wanted["buy_fills"]
    assert prices[OrderSide.SELL] == wanted["sell_fills"]
    closes = {side: [f"{s.price:.2f}" for s in result.signals if str(s.row.side) == side] for side in ("buy", "exit")}
    assert closes == {"buy": wanted["close_at_buy_signal"], "exit": wanted["close_at_sell_signal"]}
    assert (result.equity, result.cash) == (D(str(wanted["final_value"])), D(str(wanted["final_cash"])))


def test_pyalgotrade_oracle_of_2000_by_date_and_final_value() -> None:
    wanted = expected("pyalgotrade_orcl_sma15.json")["expected"]
    names = ("date", "adj_open", "adj_high", "adj_low", "adj_close", "adj_volume")
    bars = daily("orcl_2000_wiki.csv", names)

    # Adjusted prices lie on no tick; a fill is at the open whatever the tick.
    result = run_one(
        CrossesMean(crosses=False),
        bars,
        sizing=Sizing(SizingMethod.FIXED_QUANTITY, D(10)),
        starting_cash=D(1000),
    )

    told = [
        {"date": f"{f.at - timedelta(days=1):%Y-%m-%d}", "side": str(f.side).upper(), "price": round(float(f.price), 2)}
        for f in result.fills
    ]
    assert told == wanted["events"]
    assert float(result.equity) == pytest.approx(wanted["final_portfolio_value"], abs=0.005)


@pytest.mark.timeout(900)  # the first one may have to compile the kernel
@pytest.mark.parametrize("exact", [False, True], ids=["kernel", "exact"])
def test_backtrader_and_pyalgotrade_are_reproduced_through_the_public_engine(exact: bool) -> None:
    stock = expected("backtrader_sma15_stock.json")["expected"]
    oracle = expected("pyalgotrade_orcl_sma15.json")["expected"]
    names = ("date", "adj_open", "adj_high", "adj_low", "adj_close", "adj_volume")

    one = engine.run(
        spec_of(CrossesMean(crosses=True), sizing=ONE),
        {"AAA": daily("2006-day-001.csv", ("Date", "Open", "High", "Low", "Close", "Volume"))},
        exact=exact,
    )
    ten = engine.run(
        spec_of(CrossesMean(crosses=False), starting_cash=D(1000)),
        {"AAA": daily("orcl_2000_wiki.csv", names)},
        exact=exact,
    )

    assert one.path == ten.path == ("exact" if exact else "kernel")
    for side in ("buy", "sell"):
        prices = one.fills["price"][one.fills["side"] == side]
        assert [f"{price:.2f}" for price in prices] == stock[f"{side}_fills"]
    assert (round(one.final_equity, 2), round(float(one.cash[-1]), 2)) == (stock["final_value"], stock["final_cash"])
    assert [(row["side"].upper(), round(row["price"], 2)) for row in ten.fills.rows()] == [
        (each["side"], each["price"]) for each in oracle["events"]
    ]
    assert ten.final_equity == pytest.approx(oracle["final_portfolio_value"], abs=0.005)


def quotes(path: str) -> BarArrays:
    """Return the bars of an ask: what purchases are made at."""
    names = ("ask_open", "ask_high", "ask_low", "ask_close", "ask_size")
    with gzip.open(shared(path), "rt", encoding="utf-8") as file:
        table = [row for row in csv.DictReader(file) if row["timestamp"].startswith("2017-09-03") and row["ask_open"]]
    t = np.array([int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in table], dtype=np.int64)
    return BarArrays(t, *(np.array([float(row[name]) for row in table]) for name in names))


def test_lean_refuses_fills_and_cancels_limit_orders_as_we_do() -> None:
    """It says that its cash does not pay for an order; we, that the account would hold more than it is worth."""
    wanted = expected("lean_cancel_open_orders.json")["case"]
    orders = (  # placed, canceled, symbol, quantity, limit: as its rules tell
        ("06:00", "06:06", "BTCUSD", "100", "4734.64"),
        ("06:00", None, "ETHUSD", "1.35505027", "368.8"),
        ("06:06", "06:12", "BTCUSD", "0.10576312", "4727.61"),
        ("06:12", "06:18", "BTCUSD", "0.10576267", "4727.63"),
        ("06:18", "06:24", "BTCUSD", "0.10547724", "4740.42"),
    )
    assert all(
        f"{quantity} {symbol[:3]} at {price}" in " ".join(wanted["rules"]) for _, _, symbol, quantity, price in orders
    )

    spec = spec_of(
        Says(),
        instruments=tuple(instrument(name, lot_size=D("0.00000001")) for name in ("BTCUSD", "ETHUSD")),
        timeframe=Timeframe.M1,
        starting_cash=D(wanted["cash"]),
        rules=(RuleSpec(key="cash", name="No borrowing", type="max_leverage", limit=D(1)),),
        scripted=tuple(
            ScriptedOrder(
                at=moment(placed),
                order=OrderSpec(
                    symbol=symbol, side=OrderSide.BUY, quantity=D(quantity), type=OrderType.LIMIT, limit_price=D(price)
                ),
                cancel_at=moment(canceled) if canceled else None,
            )
            for placed, canceled, symbol, quantity, price in orders
        ),
    )
    bars = {
        "BTCUSD": quotes("data/crypto/BTCUSD_1m_quote_gdax.csv.gz"),
        "ETHUSD": quotes(f"{FOLDER}/lean_ethusd_quote_2017-09-03.csv.gz"),
    }

    result = engine.run(spec, bars)

    words = {"denied": "Invalid", "filled": "Filled", "canceled": "Canceled"}
    assert [words[status] for status in result.orders["status"]] == wanted["expected_order_status"]
    assert (len(result.fills), result.fees_paid) == (int(wanted["expected"]["Total Trades"]), 0)
    assert result.fills["price"].tolist() == [368.74, 4738.97]  # the first asks at or below the limits


def moment(clock: str) -> datetime:
    """Return a time of day of the third of September 2017."""
    return datetime.fromisoformat(f"2017-09-03T{clock}Z")


def spy() -> BarArrays:
    """Return SPY's minutes of January 2011 that lie in regular sessions (the file stamps bars by their end)."""
    with gzip.open(shared("data/us_intraday_1m/SPY_1m_2011-01.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "14:31" <= row["timestamp"][11:16] <= "21:00"]
    ends = [int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows]
    t = np.array(ends, dtype=np.int64) - 60
    return BarArrays(
        t, *(np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume"))
    )


@pytest.mark.parametrize("case", range(3))
def test_pyalgotrade_market_orders_on_one_minute_bars(case: int) -> None:
    told = expected("pyalgotrade_spy_1m_market_orders.json")["cases"][case]
    wanted = told["expected"]
    orders = [
        by_hand(datetime.fromisoformat(at), OrderSide(side.lower()), quantity) for at, side, quantity in told["orders"]
    ]
    fees = FeeModel(per_order=D("0.01")) if "commission" in told["name"] else FeeModel()

    spec = spec_of(
        Says(),
        instruments=(instrument(calendar="XNYS"),),
        timeframe=Timeframe.M1,
        scripted=tuple(orders),
        starting_cash=D(1000),
        fees=fees,
    )
    result = engine.run(spec, {"AAA": spy()})

    assert float(result.cash[-1]) == wanted["final_cash"]
    closed = result.trades["is_closed"]
    if "fills" in told:
        assert result.fills["price"].tolist() == told["fills"]
    if "closed_trades" in wanted:
        pnl = result.trades["pnl"][closed]
        assert len(pnl) == wanted["closed_trades"]
        assert round(float(pnl.mean()), 2) == wanted["mean_pnl"]
        assert float(pnl.std(ddof=1)) == pytest.approx(wanted["std_pnl_ddof1"], abs=0.005)
        won, lost = pnl[pnl > 0], pnl[pnl < 0]
        assert [round(float(each.mean()), 2) for each in (won, lost)] == [wanted["mean_profit"], wanted["mean_loss"]]
        assert (len(won), len(lost)) == (wanted.get("profitable", 1), wanted.get("unprofitable", 1))
        assert round(float(pnl.std()), 2) == wanted.get("std_pnl_ddof0", round(float(pnl.std()), 2))
    if "commission_per_closed_trade" in wanted:
        assert result.trades["fees"][closed].tolist() == wanted["commission_per_closed_trade"]
