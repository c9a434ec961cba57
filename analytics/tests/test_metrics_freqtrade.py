"""Figures of 179 trades against those that freqtrade published, whose ratios count trades where ours count days."""

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from analytics.metrics import drawdowns, performance, ratios, trades
from analytics.metrics.annual import DAY_SECONDS, YEAR_DAYS
from analytics.tests.test_metrics_reference import published, seconds_of
from marketdata.tests.reference import columns, floats


@pytest.fixture
def freqtrade() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What freqtrade published of 179 trades: its figures, its summary, and of each trade what we need."""
    told = published("metrics/freqtrade_expected.json")
    table = columns("reference/metrics/freqtrade_trades.csv.gz")
    of_trades = {
        "pnl": floats(table["profit_abs"]),
        "opened": seconds_of(table["open_date"]),
        "closed": seconds_of(table["close_date"]),
        "return": floats(table["profit_ratio"]),
        "balance": told["summary"]["starting_balance"],
    }
    return told["expected"], told["summary"], of_trades


def days_of(of_trades: dict[str, Any]) -> int:
    """Return the whole days between the first opening and the last closing."""
    return int((of_trades["closed"].max() - of_trades["opened"].min()) // DAY_SECONDS)


def test_sharpe_of_freqtrade_is_ours_of_trades_in_place_of_days(freqtrade: Any) -> None:
    """It divides the gain a day by the deviation (over n) from trade to trade, on a year of 365 days.

    So many "periods" turn our ratio of the trades into its: mean a trade into gain a day, n - 1 into n.
    """
    wanted, _, of_trades = freqtrade
    gains = of_trades["pnl"] / of_trades["balance"]
    n, n_days = len(gains), days_of(of_trades)

    found = ratios.sharpe(gains, 365 * (n / n_days) ** 2 * n / (n - 1))

    assert (n, n_days) == (179, 19)
    assert found == pytest.approx(wanted["sharpe"], rel=1e-8)


def test_sortino_of_freqtrade_divides_by_the_deviation_of_losing_trades(freqtrade: Any) -> None:
    wanted, _, of_trades = freqtrade
    gains = of_trades["pnl"] / of_trades["balance"]
    lost = gains[gains < 0]

    down = performance.annual_volatility(lost, (len(lost) - 1) / len(lost))  # over n

    assert gains.sum() / days_of(of_trades) / down * math.sqrt(365) == pytest.approx(wanted["sortino"], abs=5e-6)


def test_drawdown_and_calmar_of_freqtrade(freqtrade: Any) -> None:
    """Equity has one value a moment, as everywhere here: trades that close together count together."""
    wanted, summary, of_trades = freqtrade
    t, moment = np.unique(of_trades["closed"], return_inverse=True)
    gained_so_far = np.cumsum(np.bincount(moment, weights=of_trades["pnl"]))

    worst = drawdowns.worst_drawdowns(t, of_trades["balance"] + gained_so_far, 1)[0]
    of_profit_alone = drawdowns.max_drawdown(gained_so_far)

    assert -worst.depth == pytest.approx(summary["max_drawdown_account"], rel=1e-9)
    assert -of_profit_alone == pytest.approx(wanted["max_drawdown_relative_profit_only"], abs=1e-8)
    assert [worst.peak_t, worst.trough_t] == [
        int(datetime.fromisoformat(wanted[name]).timestamp()) for name in ("drawdown_high_date", "drawdown_low_date")
    ]
    gained = 100 * of_trades["pnl"].sum() / of_trades["balance"] / days_of(of_trades)
    assert gained / -worst.depth * math.sqrt(365) == pytest.approx(wanted["calmar"], rel=1e-7)


def test_sums_of_freqtrade(freqtrade: Any) -> None:
    _, summary, of_trades = freqtrade
    pnl, gain, opened, closed = (of_trades[name] for name in ("pnl", "return", "opened", "closed"))
    final = of_trades["balance"] + float(pnl.sum())

    grown = performance.cagr(of_trades["balance"], final, days_of(of_trades) * DAY_SECONDS * YEAR_DAYS / 365)

    assert final == pytest.approx(summary["final_balance"], rel=1e-12)
    assert grown == pytest.approx(summary["cagr"], rel=1e-9)  # it counts 365 days a year
    for which, name in (
        (gain == gain, "holding_avg_s"),
        (gain > 0, "winner_holding_avg_s"),
        (gain < 0, "loser_holding_avg_s"),
    ):
        held = trades.average_holding_days(opened[which], closed[which]) * DAY_SECONDS
        assert round(held / 60) * 60 == summary[name], name
    by_day = np.bincount((closed - closed.min() // DAY_SECONDS * DAY_SECONDS) // DAY_SECONDS, weights=pnl)
    assert (by_day.max(), by_day.min()) == (
        pytest.approx(summary["backtest_best_day_abs"]),
        pytest.approx(summary["backtest_worst_day_abs"]),
    )
    assert (int((by_day > 0).sum()), int((by_day < 0).sum())) == (summary["winning_days"], summary["losing_days"])
