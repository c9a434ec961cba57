"""The engine against what backtesting.py published for its moving averages on Google: trades, equity, statistics."""

import csv
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from analytics.metrics import drawdowns, performance
from backtesting import engine
from backtesting.spec import SizedAt, Sizing
from backtesting.tables import Result
from backtesting.tests.scene import instrument, spec_of
from domain.bars import BarArrays
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
    trades = result.trades
    sign = np.where(trades["side"] == "buy", 1, -1)

    assert len(trades) == published()["# Trades"] == len(wanted)
    assert (trades["quantity"] * sign).tolist() == [float(row["Size"]) for row in wanted]
    assert trades["entry_row"].tolist() == [int(row["EntryBar"]) for row in wanted]
    assert trades["exit_row"].tolist() == [int(row["ExitBar"]) for row in wanted]
    for column, name in (("entry_price", "EntryPrice"), ("exit_price", "ExitPrice"), ("pnl", "PnL")):
        np.testing.assert_allclose(trades[column], [float(row[name]) for row in wanted], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(trades["return_fraction"], [float(row["ReturnPct"]) for row in wanted], atol=1e-9)


def test_equity_is_the_published_one_at_every_bar(result: Result) -> None:
    with gzip.open(shared(f"{FOLDER}/{NAME}_equity.csv.gz"), "rt", encoding="utf-8") as file:
        wanted = np.array([float(row["Equity"]) for row in csv.DictReader(file)])

    np.testing.assert_allclose(result.equity, wanted[len(wanted) - len(result.equity) :], rtol=1e-9)


def test_the_statistics_are_the_published_ones(result: Result) -> None:
    wanted, bars, trades = published(), google(), result.trades
    equity = np.concatenate((np.full(len(bars) - len(result.equity), 10_000.0), result.equity))
    returns = np.diff(equity) / equity[:-1]
    annual = performance.annual_return(returns, YEAR)
    gains = trades["return_fraction"]
    pnl = trades["pnl"]
    held = np.zeros(len(bars), dtype=bool)
    for start, stop in zip(trades["entry_row"], trades["exit_row"], strict=True):
        held[start : stop + 1 if stop >= 0 else len(bars)] = True
    deepest = drawdowns.max_drawdown(equity)
    found = {
        "Equity Final [$]": result.final_equity,
        "Equity Peak [$]": equity.max(),
        "Return [%]": 100 * performance.total_return(returns),
        "Return (Ann.) [%]": 100 * annual,
        "Max. Drawdown [%]": -100 * abs(deepest),
        "Calmar Ratio": annual / abs(deepest),
        "Win Rate [%]": 100 * (pnl > 0).mean(),
        "Best Trade [%]": 100 * gains.max(),
        "Worst Trade [%]": 100 * gains.min(),
        "Expectancy [%]": 100 * gains.mean(),
        "Profit Factor": gains[gains > 0].sum() / -gains[gains < 0].sum(),
        "SQN": np.sqrt(len(pnl)) * pnl.mean() / pnl.std(ddof=1),
        "Exposure Time [%]": 100 * held.mean(),
    }

    for name, value in found.items():
        assert value == pytest.approx(wanted[name], rel=1e-6), name
