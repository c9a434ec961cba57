"""The engine against small published results: Chan's share of IGE, backtesting.py's commissions and gaps."""

import csv
import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from analytics.metrics import drawdowns, ratios, series
from analytics.metrics.annual import DAY_SECONDS
from backtesting import engine
from backtesting.spec import SizedAt, Sizing
from backtesting.tables import Result
from backtesting.tests.scene import Says, instrument, ohlc, rows, spec_of
from domain.bars import BarArrays
from domain.costs import FeeModel, SlippageModel
from domain.sizing import SizingMethod
from marketdata.tests.reference import shared

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel
PATHS = pytest.mark.parametrize("exact", [False, True], ids=["kernel", "exact"])


def published(name: str) -> dict[str, Any]:
    """Return a published result."""
    found: dict[str, Any] = json.loads(shared(f"reference/{name}").read_text(encoding="utf-8"))
    return found


def units(n: int) -> Sizing:
    """Return entries of n units."""
    return Sizing(SizingMethod.FIXED_QUANTITY, D(n))


def flat(prices: Any, t: Any) -> BarArrays:
    """Return bars that stand at one price each."""
    column = np.array(prices, dtype=np.float64)
    return BarArrays(np.array(t, dtype=np.int64), column, column, column, column, np.full(len(column), 1e6))


# --- E. Chan, "Quantitative Trading" (2009), example 3.4, as pyalgotrade tests it ------------------------------------


def ige() -> tuple[Any, Any]:
    """Return the adjusted closes of IGE and their days."""
    with gzip.open(shared("reference/metrics/ige_2001-2007.csv.gz"), "rt", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    days = [datetime.fromisoformat(row["date"]).replace(tzinfo=UTC) for row in table]
    return [float(row["adj_close"]) for row in table], [int(day.timestamp()) for day in days]


def held(fee: str, *, exact: bool) -> Result:
    """Buy one share at the first adjusted close and sell it at the last; the cash pays for both and no more.

    Bars stand at the adjusted close, with one more before the first, at which it is decided.
    """
    closes, days = ige()
    bars = flat([closes[0], *closes], [days[0] - DAY_SECONDS, *days])
    spec = spec_of(
        Says(entry=rows(0), exit=rows(len(closes) - 1)),
        instruments=(instrument(tick_size=D("0.01")),),
        sizing=units(1),
        starting_cash=D("42.09") + D(fee),
        fees=FeeModel(per_order=D(fee)),
    )
    return engine.run(spec, {"AAA": bars}, exact=exact)


@PATHS
def test_chans_share_of_ige_gains_falls_and_has_his_sharpe_ratio(exact: bool) -> None:
    wanted = published("metrics/ernie_chan_ige.json")["expected"]

    result = held("0", exact=exact)
    equity, t = result.equity[1:], np.array(ige()[1], dtype=np.int64)

    returns = series.returns_of(equity, float(equity[0]))
    assert result.final_equity - 42.09 == pytest.approx(wanted["final_gain"], abs=1e-9)
    assert ratios.sharpe(returns, 252, 0.04 / 252) == pytest.approx(wanted["sharpe_annualised_rf_4pct"], abs=5e-5)
    once = ratios.sharpe(returns, 1, 0.04 / 252)
    assert once == pytest.approx(wanted["sharpe_not_annualised_rf_4pct"], abs=5e-5)
    assert -drawdowns.max_drawdown(equity) == pytest.approx(wanted["max_drawdown"], abs=5e-6)
    assert drawdowns.longest_under_water_days(t, equity) == wanted["longest_drawdown_days"]


@PATHS
def test_a_commission_lowers_chans_sharpe_ratio_as_published(exact: bool) -> None:
    wanted = published("metrics/ernie_chan_ige.json")["expected"]["sharpe_with_commission_0_5_per_order"]

    result = held("0.5", exact=exact)

    returns = series.returns_of(result.equity[1:], result.starting_cash)
    assert result.fees_paid == 1.0
    assert ratios.sharpe(returns, 252, 0.04 / 252) == pytest.approx(wanted, abs=5e-7)


# --- backtesting.py --------------------------------------------------------------------------------------------------


def case(name: str) -> dict[str, Any]:
    """Return what it expects of one of its small cases."""
    told = published("backtest_engine/backtestingpy_small_cases.json")["cases"]
    found: dict[str, Any] = next(each for each in told if each["name"] == name)["expected"]
    return found


def google() -> BarArrays:
    """Return its first twenty bars."""
    with shared("reference/backtest_engine/goog_daily_2004-2013.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))[:20]
    days = [datetime.fromisoformat(row["date"]).replace(tzinfo=UTC) for row in table]
    columns = (np.array([float(row[name]) for row in table]) for name in ("open", "high", "low", "close", "volume"))
    return BarArrays(np.array([int(day.timestamp()) for day in days], dtype=np.int64), *columns)


ALL_IN = Sizing(SizingMethod.PERCENT_EQUITY, D("99.99"), SizedAt.FILL)
SMALL = {  # its case: what we are told, how many it buys
    "spread and commission": (FeeModel(percent=D(1), digits=8), SlippageModel(entry_bps=D(100)), ALL_IN, 88),
    "fixed + relative commission, no spread": (
        FeeModel(per_order=D(100), percent=D(1), digits=8),
        SlippageModel(),
        replace(ALL_IN, fee_for_each=True),
        47,
    ),
    # Its function takes the size with its sign, and is asked with that of the trade at both ends: a long one pays twice
    # (the published equity says so).
    "commission 1% of traded value on signed size, given as a function": (
        FeeModel(percent=D(1), digits=8),
        SlippageModel(),
        ALL_IN,
        89,
    ),
}


@PATHS
@pytest.mark.parametrize("name", SMALL)
def test_commissions_and_spread_are_those_of_backtesting_py(name: str, exact: bool) -> None:
    """It puts in all it has; the plain engine, which sizes at the decision alone, is told how many that is."""
    fees, slippage, sizing, n = SMALL[name]
    spec = spec_of(
        Says(entry=rows(1), exit=rows(2)),
        instruments=(instrument(tick_size=D("0.0001")),),
        sizing=units(n) if exact else sizing,
        fees=fees,
        slippage=slippage,
    )

    result = engine.run(spec, {"AAA": google()}, exact=exact)

    wanted, spread = case(name), slippage.entry_bps / 10_000
    trade = result.trades.rows()[0]
    assert result.path == ("exact" if exact else "kernel")
    assert (trade["quantity"], trade["entry_price"]) == (
        n,
        pytest.approx(google().o[2] * (1 + float(spread)), rel=1e-12),
    )
    assert trade["exit_price"] == google().o[3]
    assert np.round(result.equity[2:4] + 1e-9, 2).tolist() == wanted["equity_bar_2_and_3"]


@PATHS
def test_a_target_that_is_jumped_over_fills_at_the_better_open_as_in_backtesting_py(exact: bool) -> None:
    wanted = case("commission totals")
    bars = ohlc(*((price,) * 4 for price in (1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 2.0)))
    fees = FeeModel(per_order=D(10), percent=D(1))
    spec = spec_of(Says(entry=rows(1), take_profit={1: 3.0}), sizing=units(100), fees=fees, starting_cash=D(5000))

    result = engine.run(spec, {"AAA": bars}, exact=exact)

    assert result.trades["exit_price"].tolist() == [4.0] and result.trades["exit_role"].tolist() == ["take_profit"]
    assert (result.fees_paid, result.final_equity) == (wanted["commissions"], wanted["final_equity"])


def test_lengths_and_peaks_of_drawdowns_are_those_of_backtesting_py() -> None:
    """Its series tells falls by how deep they are (of 10 here); each is named by the row at which it has ended."""
    wanted = case("drawdown durations and peaks")
    equity = 10.0 - np.array([0, 1, 7, 0, 4, 0, 0], dtype=np.float64)

    falls = drawdowns.drawdowns(np.arange(7, dtype=np.int64) * DAY_SECONDS, equity)

    assert {str(fall.last): fall.days for fall in falls} == wanted["durations"]
    assert {str(fall.last): round(-fall.depth * 10) for fall in falls} == wanted["peaks"]
