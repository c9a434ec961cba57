"""The engine against what backtesting.py published for its moving averages on Google: trades, equity, statistics."""

import csv
import gzip
import json
import math
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from analytics.metrics import benchmark, drawdowns, performance, ratios, series, trades
from analytics.metrics.annual import DAY_SECONDS
from backtesting import engine
from backtesting.spec import SizedAt, Sizing
from backtesting.tables import Result
from backtesting.tests.scene import instrument, spec_of
from domain.bars import BarArrays, Floats
from domain.sizing import SizingMethod
from marketdata.tests.reference import shared
from strategies.base import Signals
from strategies.library.sma_cross import SmaCross, SmaCrossParams

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel
FOLDER = "reference/backtest_engine"
NAME = "backtestingpy_goog_sma_10_30"
YEAR = 252


class Cross(SmaCross):
    """Decides from the first bar at which both averages exist."""

    def warmup(self, params: SmaCrossParams) -> int:
        """The slow average; a cross needs the bar before too."""
        return params.slow

    def compiled(self, params: SmaCrossParams) -> None:
        """It says more than crosses."""

    def signals(self, bars: BarArrays, params: SmaCrossParams) -> Signals:
        """Leave at the last open too: its release 0.6.6 closes what is still held there, not at the last close."""
        said = super().signals(bars, params)
        assert said.exit is not None and said.short_exit is not None
        said.exit[-2] = said.short_exit[-2] = True
        return said


def google() -> BarArrays:
    """Return the bars."""
    with shared(f"{FOLDER}/goog_daily_2004-2013.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    t = [int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp()) for row in rows]
    columns = (np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume"))
    return BarArrays(np.array(t, dtype=np.int64), *columns)


@pytest.fixture(scope="module")
def result() -> Result:
    """Run it: 99.99 % of equity in whole shares at the fill, long and short, turning at once, without costs."""
    spec = spec_of(
        Cross(),
        params=SmaCrossParams(fast=10, slow=30),
        instruments=(instrument(),),
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, D("99.99"), SizedAt.FILL),
        allow_short=True,
        turns_at_once=True,
        starting_cash=D(10_000),
    )
    return engine.run(spec, {"AAA": google()})


def published() -> dict[str, Any]:
    """Return the statistics."""
    found: dict[str, Any] = json.loads(shared(f"{FOLDER}/{NAME}.json").read_text(encoding="utf-8"))["expected"]
    return found


def test_every_trade_is_the_published_one(result: Result) -> None:
    with shared(f"{FOLDER}/{NAME}_trades.csv").open(encoding="utf-8") as file:
        wanted = list(csv.DictReader(file))
    ours = result.trades
    sign = np.where(ours["side"] == "buy", 1, -1)

    assert len(ours) == published()["# Trades"] == len(wanted)
    assert (ours["quantity"] * sign).tolist() == [float(row["Size"]) for row in wanted]
    assert ours["entry_row"].tolist() == [int(row["EntryBar"]) for row in wanted]
    assert ours["exit_row"].tolist() == [int(row["ExitBar"]) for row in wanted]
    for column, name in (("entry_price", "EntryPrice"), ("exit_price", "ExitPrice"), ("pnl", "PnL")):
        np.testing.assert_allclose(ours[column], [float(row[name]) for row in wanted], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["return_fraction"], [float(row["ReturnPct"]) for row in wanted], atol=1e-9)


def test_equity_is_the_published_one_at_every_bar(result: Result) -> None:
    with gzip.open(shared(f"{FOLDER}/{NAME}_equity.csv.gz"), "rt", encoding="utf-8") as file:
        wanted = np.array([float(row["Equity"]) for row in csv.DictReader(file)])

    np.testing.assert_allclose(result.equity, wanted[len(wanted) - len(result.equity) :], rtol=1e-9)


@pytest.fixture(scope="module")
def equity(result: Result) -> Floats:
    """Equity at every bar; backtesting.py counts the warm-up too."""
    return np.concatenate((np.full(len(google()) - len(result.equity), 10_000.0), result.equity))


def test_all_published_statistics_are_ours(result: Result, equity: Floats) -> None:
    wanted = published()

    found = {
        **of_equity(equity, result),
        **of_trades(result),
        **of_the_market(equity, result),
        **of_time(equity, result),
    }

    assert set(found) == set(wanted) and len(found) == 31
    for name, value in found.items():
        expected = value if isinstance(value, str) else pytest.approx(wanted[name], rel=1e-6)
        assert (wanted[name] if isinstance(value, str) else value) == expected, name


def of_equity(equity: Floats, result: Result) -> dict[str, float]:
    """Return what is made of equity and its daily returns; its Sharpe ratio divides by a compounded volatility."""
    returns = series.returns_of(equity)
    annual, volatility = performance.annual_return(returns, YEAR), performance.compounded_volatility(returns, YEAR)
    t = google().t
    return {
        "Equity Final [$]": result.final_equity,
        "Equity Peak [$]": float(equity.max()),
        "Return [%]": 100 * performance.total_return(returns),
        "Return (Ann.) [%]": 100 * annual,
        "CAGR [%]": 100 * performance.cagr(equity[0], equity[-1], float(t[-1] - t[0])),
        "Volatility (Ann.) [%]": 100 * volatility,
        "Sharpe Ratio": annual / volatility,
        "Sortino Ratio": annual / ratios.downside_risk(returns, YEAR),
        "Calmar Ratio": ratios.calmar(returns, YEAR),
        "Max. Drawdown [%]": 100 * drawdowns.max_drawdown(equity),
        "Avg. Drawdown [%]": 100 * drawdowns.average_drawdown(equity),
    }


def of_trades(result: Result) -> dict[str, float]:
    """Return what is made of round trips."""
    gains, pnl = result.trades["return_fraction"], result.trades["pnl"]
    return {
        "# Trades": len(pnl),
        "Win Rate [%]": 100 * trades.win_rate(pnl),
        "Best Trade [%]": 100 * gains.max(),
        "Worst Trade [%]": 100 * gains.min(),
        "Avg. Trade [%]": 100 * trades.geometric_mean(gains),
        "Expectancy [%]": 100 * gains.mean(),
        "Profit Factor": trades.profit_factor(gains),
        "SQN": trades.sqn(pnl),
        "Kelly Criterion": trades.kelly(pnl),
    }


def of_the_market(equity: Floats, result: Result) -> dict[str, float]:
    """Return what is measured against holding Google; its beta is of log returns, its alpha of whole returns."""
    close = google().c
    beta = benchmark.beta(np.diff(np.log(equity)), np.diff(np.log(close)))
    held = 100 * (close[-1] / close[len(close) - len(result.equity) - 1] - 1)
    gained = 100 * (equity[-1] / equity[0] - 1)
    return {"Buy & Hold Return [%]": held, "Beta": beta, "Alpha [%]": gained - beta * held}


def of_time(equity: Floats, result: Result) -> dict[str, float | str]:
    """Return what is counted in days (it rounds up to whole ones) and in bars held."""
    t, entry, leave = google().t, result.trades["entry_row"], result.trades["exit_row"]
    held = np.zeros(len(t), dtype=bool)
    for start, stop in zip(entry, leave, strict=True):
        held[start : stop + 1] = True
    falls = [fall.days for fall in drawdowns.drawdowns(t, equity)]
    return {
        "Exposure Time [%]": 100 * float(held.mean()),
        "Start": f"{datetime.fromtimestamp(int(t[0]), tz=UTC):%Y-%m-%d}",
        "End": f"{datetime.fromtimestamp(int(t[-1]), tz=UTC):%Y-%m-%d}",
        "Duration": f"{(t[-1] - t[0]) // DAY_SECONDS} days",
        "Avg. Drawdown Duration": f"{math.ceil(np.mean(falls))} days",
        "Max. Drawdown Duration": f"{drawdowns.longest_days(t, equity):.0f} days",
        "Avg. Trade Duration": f"{math.ceil(trades.average_holding_days(t[entry], t[leave]))} days",
        "Max. Trade Duration": f"{(t[leave] - t[entry]).max() // DAY_SECONDS} days",
    }
