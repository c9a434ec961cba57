"""Metrics against numbers that others published: empyrical, backtesting.py on GOOG, Chan's book, freqtrade."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from analytics.metrics import benchmark, drawdowns, performance, ratios, series, trades
from analytics.metrics.annual import DAY_SECONDS
from domain.bars import Floats, Ints
from marketdata.tests.reference import columns, floats, shared

PERIODS = {"daily": 252, "weekly": 52, "monthly": 12}
START = int(datetime(2000, 1, 30, 12, tzinfo=UTC).timestamp())


def published(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared(f"reference/{name}").read_text(encoding="utf-8"))
    return found


def number(value: Any) -> float:
    return math.nan if value is None else float(value)


def empyrical(test: str) -> list[dict[str, Any]]:
    """Return the cases of one test, each with its series as arrays."""
    told = published("metrics/empyrical_cases.json")
    known = {name: np.array([number(each) for each in values]) for name, values in told["series"].items()}
    known["flat_line_1_tz"] = np.full(1000, 0.01)
    for case in told["cases"]:
        for name in ("returns", "benchmark", "risk_free", "required_return"):
            if name in case:
                value = case[name]
                case[name] = known[value] if value in known else float(value)
    return [case for case in told["cases"] if case["test"] == test]


def assert_same(found: Any, expected: Any, places: float = 1e-8) -> None:
    wanted = (
        np.array([number(each) for each in expected]) if isinstance(expected, list) else np.array([number(expected)])
    )
    assert np.atleast_1d(found) == pytest.approx(wanted, abs=places, nan_ok=True)


def test_cumulative_returns_are_empyricals() -> None:
    for case in empyrical("test_cum_returns"):
        assert_same(series.cumulative(case["returns"], case["starting_value"]), case["expected"], 1e-4)


def test_final_cumulative_returns_are_empyricals() -> None:
    for case in empyrical("test_cum_returns_final"):
        start = case["starting_value"]
        total = performance.total_return(case["returns"])
        assert_same(total if start == 0 else start * (1 + total), case["expected"], 1e-4)


def times_of(case: dict[str, Any]) -> Ints:
    """Return the days of a series (the file names none: daily, Sundays, month ends)."""
    n = len(case["returns"])
    days = np.datetime64("2000-01-30") + np.arange(n)
    if case["name"] == "weekly_returns":
        days = np.datetime64("2000-01-30") + 7 * np.arange(n)
    if case["name"] == "monthly_returns":
        months = np.datetime64("2000-02") + np.arange(n)
        days = months.astype("datetime64[D]") - 1
    seconds: Ints = days.astype("datetime64[s]").astype(np.int64) + 43_200
    return seconds


def test_aggregated_returns_are_empyricals() -> None:
    groups = {
        "weekly": series.week_numbers,
        "monthly": series.month_numbers,
        "quarterly": series.quarter_numbers,
        "yearly": series.year_numbers,
    }
    names = [
        case["returns"]
        for case in published("metrics/empyrical_cases.json")["cases"]
        if case["test"] == "test_aggregate_returns"
    ]
    for name, case in zip(names, empyrical("test_aggregate_returns"), strict=True):
        t = times_of({**case, "name": name})
        _, found = series.aggregated(groups[case["convert_to"]](t), case["returns"])
        assert_same(found, case["expected"])


def test_drawdowns_are_empyricals() -> None:
    for case in empyrical("test_max_drawdown"):
        assert_same(drawdowns.max_drawdown_of_returns(case["returns"]), case["expected"])


def test_annual_returns_are_empyricals() -> None:
    for case in empyrical("test_annual_ret"):
        assert_same(performance.annual_return(case["returns"], PERIODS[case["period"]]), case["expected"])


def test_volatilities_are_empyricals() -> None:
    for case in empyrical("test_annual_volatility"):
        assert_same(performance.annual_volatility(case["returns"], PERIODS[case["period"]]), case["expected"])


def test_sharpe_ratios_are_empyricals() -> None:
    for case in empyrical("test_sharpe_ratio"):
        assert_same(ratios.sharpe(case["returns"], 252, case["risk_free"]), case["expected"])


def test_downside_risks_are_empyricals() -> None:
    for case in empyrical("test_downside_risk"):
        found = ratios.downside_risk(case["returns"], PERIODS[case["period"]], case["required_return"])
        assert_same(found, case["expected"])


def test_omega_ratios_are_empyricals() -> None:
    for case in empyrical("test_omega"):
        found = ratios.omega(case["returns"], 252, case["risk_free"], case["required_return"])
        assert_same(found, case["expected"])


def test_alpha_and_beta_are_empyricals() -> None:
    for case in empyrical("test_alpha_beta"):
        other = case["benchmark"][: len(case["returns"])]
        found = benchmark.alpha_beta(case["returns"], other, 252)
        assert_same([found.alpha, found.beta], case["expected"])


def seconds_of(texts: list[str]) -> Ints:
    stamps = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts]
    return np.array([int(each.timestamp()) for each in stamps], dtype=np.int64)


@pytest.fixture
def goog() -> tuple[dict[str, float], Ints, Floats, dict[str, list[str]]]:
    """What backtesting.py published of SMA 10/30 on GOOG: statistics, equity per bar, trades."""
    folder = "backtest_engine"
    wanted = published(f"{folder}/backtestingpy_goog_sma_10_30.json")["expected"]
    equity = columns(f"reference/{folder}/backtestingpy_goog_sma_10_30_equity.csv.gz")
    told = columns(f"reference/{folder}/backtestingpy_goog_sma_10_30_trades.csv")
    return wanted, seconds_of(equity["time"]), floats(equity["Equity"]), told


def test_statistics_of_returns_are_those_of_backtesting_py_on_goog(goog: Any) -> None:
    wanted, t, equity, _ = goog
    returns = series.returns_of(equity)

    annual = performance.annual_return(returns, 252)
    volatility = performance.compounded_volatility(returns, 252)

    deepest = drawdowns.max_drawdown(equity)
    days = (t[-1] - t[0]) / DAY_SECONDS
    assert days == 3116
    growth = performance.cagr(equity[0], equity[-1], float(t[-1] - t[0]))
    assert 100 * growth == pytest.approx(wanted["CAGR [%]"], rel=1e-9)
    assert 100 * annual == pytest.approx(wanted["Return (Ann.) [%]"], rel=1e-9)
    assert 100 * volatility == pytest.approx(wanted["Volatility (Ann.) [%]"], rel=1e-9)
    assert annual / volatility == pytest.approx(wanted["Sharpe Ratio"], rel=1e-9)
    assert annual / ratios.downside_risk(returns, 252) == pytest.approx(wanted["Sortino Ratio"], rel=1e-9)
    assert ratios.calmar(returns, 252) == pytest.approx(wanted["Calmar Ratio"], rel=1e-9)
    assert 100 * deepest == pytest.approx(wanted["Max. Drawdown [%]"], rel=1e-12)
    assert 100 * drawdowns.average_drawdown(equity) == pytest.approx(wanted["Avg. Drawdown [%]"], rel=1e-9)
    assert drawdowns.longest_days(t, equity) == 584
    assert (equity.max(), equity[-1]) == (wanted["Equity Peak [$]"], pytest.approx(wanted["Equity Final [$]"]))


def test_statistics_of_trades_are_those_of_backtesting_py_on_goog(goog: Any) -> None:
    wanted, _, _, told = goog
    pnl, fractions = floats(told["PnL"]), floats(told["ReturnPct"])

    holding = trades.average_holding_days(seconds_of(told["EntryTime"]), seconds_of(told["ExitTime"]))

    assert len(pnl) == wanted["# Trades"]
    assert 100 * trades.win_rate(pnl) == pytest.approx(wanted["Win Rate [%]"])
    assert trades.profit_factor(fractions) == pytest.approx(wanted["Profit Factor"])
    assert 100 * fractions.mean() == pytest.approx(wanted["Expectancy [%]"])
    assert 100 * trades.geometric_mean(fractions) == pytest.approx(wanted["Avg. Trade [%]"])
    assert trades.sqn(pnl) == pytest.approx(wanted["SQN"])
    assert trades.kelly(pnl) == pytest.approx(wanted["Kelly Criterion"])
    assert 100 * fractions.max() == pytest.approx(wanted["Best Trade [%]"])
    assert 100 * fractions.min() == pytest.approx(wanted["Worst Trade [%]"])
    assert round(holding) == 46  # it rounds to whole days


def test_beta_of_log_returns_is_that_of_backtesting_py_on_goog(goog: Any) -> None:
    wanted, _, equity, _ = goog
    close = floats(columns("reference/backtest_engine/goog_daily_2004-2013.csv")["close"])

    found = benchmark.beta(np.diff(np.log(equity)), np.diff(np.log(close)))

    assert found == pytest.approx(wanted["Beta"], rel=1e-9)


def test_sharpe_and_drawdown_of_chans_book() -> None:
    wanted = published("metrics/ernie_chan_ige.json")["expected"]
    table = columns("reference/metrics/ige_2001-2007.csv.gz")
    equity, t = floats(table["adj_close"]), seconds_of(table["date"])
    returns = series.returns_of(equity, float(equity[0]))

    assert ratios.sharpe(returns, 252, 0.04 / 252) == pytest.approx(wanted["sharpe_annualised_rf_4pct"], abs=5e-5)
    assert -drawdowns.max_drawdown(equity) == pytest.approx(wanted["max_drawdown"], abs=5e-6)
    assert drawdowns.longest_under_water_days(t, equity) == wanted["longest_drawdown_days"]


@pytest.mark.parametrize("case", range(3))
def test_small_drawdowns_of_pyalgotrade(case: int) -> None:
    told = published("metrics/ernie_chan_ige.json")["drawdown_small_cases"][case]
    equity = np.array(told["equity"], dtype=np.float64)
    t = np.arange(len(equity), dtype=np.int64) * DAY_SECONDS

    assert -drawdowns.max_drawdown(equity) == pytest.approx(told["max_drawdown"], abs=5e-3)
    assert drawdowns.longest_under_water_days(t, equity) == told["longest_days"]


def test_trade_statistics_of_freqtrade() -> None:
    told = published("metrics/freqtrade_expected.json")
    wanted, summary = told["expected"], told["summary"]
    table = columns("reference/metrics/freqtrade_trades.csv.gz")
    pnl, fractions = floats(table["profit_abs"]), floats(table["profit_ratio"])

    assert len(pnl) == summary["total_trades"]
    assert (np.sum(fractions > 0), np.sum(fractions < 0)) == (summary["wins"], summary["losses"])
    assert fractions.mean() == pytest.approx(summary["profit_mean"], rel=1e-9)
    assert trades.profit_factor(pnl) == pytest.approx(summary["profit_factor"], rel=1e-9)
    assert trades.expectancy(pnl) == pytest.approx(wanted["expectancy"], rel=1e-9)
    assert trades.expectancy_ratio(pnl) == pytest.approx(wanted["expectancy_ratio"], rel=1e-9)
