"""The worked examples of docs/backtesting.md, through the service as a user meets it."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting import selectors
from backtesting.models import Job, JobStatus
from backtesting.result_rows import trade_row
from backtesting.tests.jobs import done, request
from core.testing import make_user
from domain.bars import BarArrays
from domain.sizing import SizingMethod
from marketdata.tests.factories import MONDAY, make_instrument, store_bars

pytestmark = pytest.mark.django_db

DAY = 86_400
BUYS_AND_SELLS = '''
import numpy as np
from strategies.base import Params, Signals, Strategy


class Planned(Strategy):
    """Buys when a close is exactly 100.01 and sells when it is exactly 110.01."""

    name = "planned"
    title = description = "for examples"

    def warmup(self, params):
        return 2

    def signals(self, bars, params):
        at, protected = bars.c == 100.01, bars.v < 10
        stop = np.where(at & protected, 95.0, np.nan)
        target = np.where(at & (bars.v == 7), 120.0, np.nan)
        return Signals(entry=at, exit=bars.c == 110.01, stop=stop, take_profit=target)
'''


@pytest.fixture
def run(tmp_path: Any, settings: Any) -> Any:
    """Return a function that runs the planned strategy over (open, high, low, close) rows; ten shares an entry."""
    settings.STRATEGIES_DIR = str(tmp_path)
    (tmp_path / "planned.py").write_text(BUYS_AND_SELLS)

    def of(*rows: tuple[float, float, float, float], volume: float = 1000.0, **changes: Any) -> Job:
        columns = np.array(rows, dtype=np.float64).T
        t = MONDAY + np.arange(len(rows), dtype=np.int64) * DAY
        row = make_instrument("PLAN", lot_size=D(1))
        store_bars(row, BarArrays(t, *columns, np.full(len(rows), volume)))
        told = {"type": "planned", "parameters": {}, "fees": {}, "sizing_method": SizingMethod.FIXED_QUANTITY}
        job = done(make_user(), request("PLAN", **{**told, "sizing_value": D(10), **changes}))
        assert job.status == JobStatus.COMPLETED, job.error
        return job

    return of


CALM = (100.0, 101.0, 99.0, 100.0)
BUY = (100.0, 101.0, 99.0, 100.01)
SELL = (109.0, 111.0, 108.0, 110.01)


def trades(job: Job) -> list[dict[str, Any]]:
    return [trade_row(row) for row in selectors.rows_of(job, "trades")]


def test_example_1_a_signal_at_a_close_fills_at_the_next_open(run: Any) -> None:
    job = run(CALM, CALM, BUY, (102.0, 103.0, 101.0, 102.5), SELL, (112.0, 113.0, 111.0, 112.0))

    (trade,) = trades(job)

    # said at the close of bar 2 (100.01): filled at the open of bar 3; sold at the open of bar 5
    assert (trade["entry_price"], trade["exit_price"], trade["pnl_net"]) == ("102", "112", "100")
    assert job.metrics["final_equity"] == 100_100.0


def test_example_2_bars_before_the_start_warm_up_and_the_curve_begins_with_the_first_decision(run: Any) -> None:
    start = datetime.fromtimestamp(MONDAY + 2 * DAY, tz=UTC)
    rows = (CALM, CALM, BUY, (102.0, 103.0, 101.0, 102.5), CALM, CALM)

    job = run(*rows, start=start)

    # the warm-up of 2 bars lies before the start: bar 2, the first of the range, decides
    assert len(selectors.equity_of(job).t) == 4 and len(trades(job)) == 1
    assert "warm_up" not in [each["code"] for each in job.warnings]


def test_example_2_without_earlier_bars_the_warm_up_is_taken_from_the_range_and_told(run: Any) -> None:
    job = run(CALM, CALM, CALM, CALM, CALM)

    assert len(selectors.equity_of(job).t) == 3
    assert "warm_up" in [each["code"] for each in job.warnings]


def test_example_3_a_stop_fills_at_its_price_and_at_the_open_where_the_bar_gaps_over_it(run: Any) -> None:
    job = run(CALM, CALM, BUY, (100.0, 101.0, 99.0, 100.0), (88.0, 89.0, 87.0, 88.0), CALM, volume=8.0)

    (trade,) = trades(job)

    # stop at 95, the bar opens at 88: out at 88
    assert (trade["exit_price"], trade["exit_role"], trade["pnl_net"]) == ("88", "stop_loss", "-120")


def test_example_3_a_bar_that_touches_stop_and_target_counts_as_stopped(run: Any) -> None:
    job = run(CALM, CALM, BUY, (100.0, 101.0, 99.0, 100.0), (100.0, 125.0, 94.0, 100.0), CALM, volume=7.0)

    (trade,) = trades(job)

    assert (trade["exit_price"], trade["exit_role"]) == ("95", "stop_loss")


def test_example_4_fees_and_slippage_are_paid_on_both_sides(run: Any) -> None:
    rows = (CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.5), SELL, (110.0, 113.0, 109.0, 112.0))
    fees = {"percent": D("0.1"), "per_order": D("1")}

    job = run(*rows, fees=fees, slippage={"bps": D(10)})

    (trade,) = trades(job)
    # buy 100 x 1.001 = 100.10, fee 1.001 + 1 = 2.00; sell 110 x 0.999 = 109.89, fee 1.0989 + 1 = 2.10
    assert (trade["entry_price"], trade["exit_price"], trade["fees"]) == ("100.1", "109.89", "4.1")
    assert trade["pnl_net"] == "93.8"


def test_example_4_a_spread_at_entries_is_not_paid_on_the_way_out(run: Any) -> None:
    rows = (CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.5), SELL, (110.0, 113.0, 109.0, 112.0))

    (trade,) = trades(run(*rows, slippage={"bps": D(10), "entry_bps": D(100)}))

    # buy 100 x 1.011, sell 110 x 0.999
    assert (trade["entry_price"], trade["exit_price"]) == ("101.1", "109.89")


def test_example_5_figures_are_fractions_of_daily_returns_on_a_year_of_365_round_the_clock(
    run: Any,
) -> None:
    job = run(CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.0), (102.0, 103.0, 101.0, 101.0), (101.0, 106.0, 100.0, 105.0))

    equity = np.array([100_000.0, 100_020.0, 100_010.0, 100_050.0])
    returns = equity[1:] / equity[:-1] - 1
    returns = np.concatenate(([0.0], returns))  # the first mark is what there was at the start
    assert job.metrics["total_return"] == pytest.approx(0.0005)
    assert job.metrics["max_drawdown"] == pytest.approx(100_010 / 100_020 - 1)
    assert job.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365))
    assert job.metrics["trades"] == 0 and job.summary["n_open_trades"] == 1
