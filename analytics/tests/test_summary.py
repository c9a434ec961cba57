"""The whole summary, the rolling figures and the monthly table, on series small enough to check by hand."""

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from analytics.metrics import drawdowns, performance, ratios, rolling, series
from analytics.metrics.annual import DAILY, DAILY_ALWAYS_OPEN, DAY_SECONDS, WEEKLY, basis_for
from analytics.metrics.catalogue import METRICS
from analytics.metrics.drawdowns import worst_drawdowns
from analytics.metrics.months import monthly_table
from analytics.metrics.summary import Curve, summarize
from analytics.metrics.trades import TradeColumns
from analytics.tearsheet import tear_sheet
from domain.bars import Ints, Timeframe


def days(n: int, start: str = "2024-01-01") -> Ints:
    first = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())
    return first + 75_600 + np.arange(n, dtype=np.int64) * DAY_SECONDS  # 21:00 of each day


def trades_of(*pnl: float) -> TradeColumns:
    n = len(pnl)
    return TradeColumns(
        pnl=np.array(pnl),
        returns=np.array(pnl) / 100,
        entry_t=days(n),
        exit_t=days(n) + 2 * DAY_SECONDS,
        fees=np.full(n, 1.0),
        entry_value=np.full(n, 100.0),
        mae=np.full(n, -0.02),
        mfe=np.array([0.1, *[math.nan] * (n - 1)]),
        direction=np.ones(n),
    )


def test_summary_of_a_curve_worked_out_by_hand() -> None:
    curve = Curve(days(4), np.array([110.0, 99.0, 99.0, 121.0]), starting_equity=100.0)

    found = summarize(curve, trades_of(10.0, -4.0, 0.0), basis=DAILY, exposure=np.array([0.5, 1.0, 0.0, 0.5]))

    assert found["total_return"] == pytest.approx(0.21)
    assert found["max_drawdown"] == pytest.approx(-0.1)
    assert found["max_drawdown_days"] == 3
    assert (found["trades"], found["wins"], found["losses"]) == (3, 1, 1)
    assert found["win_rate"] == pytest.approx(1 / 3)
    assert found["profit_factor"] == pytest.approx(2.5)
    assert found["expectancy"] == pytest.approx(2.0)
    assert found["average_holding_days"] == 2
    assert (found["exposure"], found["average_exposure"]) == (0.75, 0.5)
    assert found["fees_paid"] == 3
    assert found["average_mfe"] == pytest.approx(0.1)
    # bought 3 x 100, sold 100 + gross: 10+1, -4+1, 0+1 more; mean equity 107.25 over three days
    assert found["turnover"] == pytest.approx((600 + 9) / 107.25 / (3 / 365.25))
    assert found["calmar"] == pytest.approx((1.21 ** (252 / 4) - 1) / 0.1)


def test_what_is_held_with_no_equity_left_is_time_in_the_market() -> None:
    curve = Curve(days(4), np.array([100.0, 50.0, -20.0, -30.0]), 100.0)

    found = summarize(curve, trades_of(), basis=DAILY, exposure=np.array([0.0, 6.0, np.nan, np.nan]))

    assert (found["exposure"], found["average_exposure"]) == (0.75, 3.0)


def test_every_figure_of_the_catalogue_is_there_and_unknown_ones_are_none() -> None:
    found = summarize(Curve(days(0), np.empty(0)), TradeColumns.empty(), basis=DAILY)

    assert list(found) == [each.name for each in METRICS]
    assert found["sharpe"] is None and found["trades"] == 0 and found["final_equity"] is None


def test_what_is_infinite_is_none() -> None:
    curve = Curve(days(3), np.array([101.0, 102.01, 103.0301]), starting_equity=100.0)

    found = summarize(curve, trades_of(1.0), basis=DAILY)

    assert found["sharpe"] is None and found["profit_factor"] is None and found["calmar"] is None


def test_minutes_are_summed_up_by_day_but_their_falls_are_seen() -> None:
    t = np.concatenate([days(2) + minute * 60 for minute in (-120, -60, 0)])
    order = np.argsort(t)
    equity = np.array([100.0, 50.0, 101.0, 102.0, 103.0, 104.0])

    found = summarize(Curve(t[order], equity, 100.0), TradeColumns.empty(), basis=DAILY)

    assert found["n_returns"] == 2
    assert found["max_drawdown"] == pytest.approx(-0.5)


def test_the_benchmark_itself_has_beta_one_and_no_alpha() -> None:
    equity = 100 * np.cumprod(1 + np.random.default_rng(1).normal(0, 0.01, 60))

    found = summarize(Curve(days(60), equity), TradeColumns.empty(), basis=DAILY, benchmark=equity * 3)

    assert found["beta"] == pytest.approx(1) and found["alpha"] == pytest.approx(0, abs=1e-9)
    assert found["correlation"] == pytest.approx(1) and found["benchmark_return"] == found["total_return"]


def test_midnight_belongs_to_the_day_that_ends_there() -> None:
    t = np.array([1, DAY_SECONDS, DAY_SECONDS + 1], dtype=np.int64)

    found = series.period_values(t, np.array([1.0, 2.0, 3.0]))

    assert found[1].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("timeframe", "always_open", "basis"),
    [
        (Timeframe.M1, False, DAILY),
        (Timeframe.D1, False, DAILY),
        (Timeframe.H1, True, DAILY_ALWAYS_OPEN),
        (Timeframe.W1, True, WEEKLY),
    ],
)
def test_annualisation_of_timeframes(timeframe: Timeframe, always_open: bool, basis: object) -> None:
    assert basis_for(timeframe, always_open=always_open) == basis


def test_rolling_sharpe_ends_with_the_sharpe_of_the_last_window() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 50)

    found = rolling.rolling_sharpe(returns, 20, 252)

    assert np.isnan(found[:19]).all()
    assert found[-1] == pytest.approx(ratios.sharpe(returns[-20:], 252))
    assert rolling.rolling_return(returns, 50)[-1] == pytest.approx(np.prod(1 + returns) - 1)
    assert rolling.rolling_beta(returns, returns * 2, 20)[-1] == pytest.approx(0.5)
    assert rolling.rolling_volatility(returns, 100, 252).shape == (50,)


def test_monthly_table_names_gaps_and_compounds_years() -> None:
    t = np.array(
        [int(datetime(*at, tzinfo=UTC).timestamp()) for at in ((2023, 12, 29, 21), (2024, 1, 31, 21), (2024, 3, 1, 21))]
    )

    rows = monthly_table(t, np.array([110.0, 99.0, 108.9]), 100.0)

    assert [row.year for row in rows] == [2023, 2024]
    assert rows[0].months[11] == pytest.approx(0.1)
    assert rows[1].months[:3] == (pytest.approx(-0.1), None, pytest.approx(0.1))
    assert rows[1].total == pytest.approx(-0.01)


def test_worst_drawdowns_know_their_dates_and_whether_they_ended() -> None:
    t = days(6)

    deepest, other = worst_drawdowns(t, np.array([10.0, 8.0, 11.0, 5.5, 6.0, 6.0]))

    assert (deepest.depth, deepest.peak_t, deepest.trough_t, deepest.recovered_t) == (-0.5, t[2], t[3], None)
    assert (other.depth, other.recovered_t) == (pytest.approx(-0.2), t[2])


@pytest.mark.parametrize("seed", range(6))
def test_lengths_and_depths_of_falls_are_those_of_each_fall_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    equity = np.round(1_000 * np.exp(np.cumsum(rng.normal(0.001, 0.01, 300))), 1)
    t = days(300) + rng.integers(0, 9, 300).cumsum()

    falls = drawdowns.drawdowns(t, equity)

    assert len(falls) > 5
    assert drawdowns.longest_days(t, equity) == max(fall.days for fall in falls)
    assert drawdowns.average_drawdown(equity) == np.mean([fall.depth for fall in falls])
    assert drawdowns.longest_days(t[:1], equity[:1]) == drawdowns.average_drawdown(equity[:1]) == 0


CURVES = (
    np.full(40, 1_000.0),
    np.zeros(40),
    np.maximum(0.0, 1_000 - 50.0 * np.arange(40)),
    np.linspace(1.0, 1e12, 40),
    np.random.default_rng(8).normal(0, 500, 40),
)


@pytest.mark.parametrize("own", range(len(CURVES)))
@pytest.mark.parametrize("other", range(len(CURVES)))
def test_the_oddest_curves_are_measured_without_a_fault(own: int, other: int) -> None:
    curve = Curve(days(40), CURVES[own], 1_000.0)

    sheet = tear_sheet(curve, trades_of(0.0, -1.0), basis=DAILY, benchmark=CURVES[other], exposure=np.zeros(40))

    json.dumps(sheet.figures, allow_nan=False)
    for each in sheet.pictures.values():
        json.dumps(each.figure, allow_nan=False)


def test_losing_more_than_all_twice_is_no_gain() -> None:
    t, equity = days(5), np.array([100.0, -20.0, 10.0, -30.0, -40.0])

    assert performance.annual_return(np.array([-1.2, np.nan, -4.0, np.nan]), 252) == -1.0
    (year,) = monthly_table(t, equity, 100.0)
    assert year.total == -1.0 and min(each for each in year.months if each is not None) == -1.0
