"""R multiples of a run's trades: net P&L by what was at risk at the entry, worked out by hand, on both engines."""

import math
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest

from backtesting import engine
from backtesting.result_rows import trade_row
from backtesting.result_tables import rows as stored_rows
from backtesting.result_tables import tables_of
from backtesting.tables import Result, r_multiples
from backtesting.tests.scene import Says, ohlc, rows, spec_of
from domain.bars import BarArrays
from domain.costs import FeeModel
from risk.decisions import RuleSpec

pytestmark = pytest.mark.timeout(600)  # the first one may have to compile the kernel
# Decided at the close of bar 0, filled at the open of bar 1 (100); left at the close of bar 3, filled at 110.
UP = ohlc((99, 101, 98, 100), (100, 104, 99, 103), (103, 107, 102, 106), (106, 111, 105, 110), (110, 112, 108, 111))
# The same downwards: sold short at 100, bought back at 90.
DOWN = ohlc((101, 102, 99, 100), (100, 101, 96, 97), (97, 98, 93, 94), (94, 95, 89, 90), (90, 92, 88, 89))


@pytest.fixture(params=["kernel", "exact"])
def run(request: pytest.FixtureRequest) -> Any:
    def of(strategy: Says, bars: BarArrays, **changes: Any) -> Result:
        found = engine.run(spec_of(strategy, **changes), {"AAA": bars}, exact=request.param == "exact")
        assert found.path == request.param
        return found

    return of


def test_a_gain_of_twice_the_risk_is_two(run: Any) -> None:
    """Ten shares from 100 with a stop at 95 risk 50; 10 a share make 100."""
    result = run(Says(entry=rows(0), exit=rows(3), stop={0: 95.0}), UP)

    assert (result.trades["initial_stop"][0], result.trades["r_multiple"][0]) == (95.0, 2.0)


def test_fees_count_and_a_short_trade_risks_upwards(run: Any) -> None:
    """Ten shares short from 100 with a stop at 104 risk 40; 100 less 2 × 5 of fees is 90."""
    fees = FeeModel(per_order=D(5))

    result = run(Says(short_entry=rows(0), short_exit=rows(3), stop={0: 104.0}), DOWN, allow_short=True, fees=fees)

    assert (result.trades["initial_stop"][0], result.trades["r_multiple"][0]) == (104.0, 2.25)


def test_a_stopped_trade_lost_what_was_risked(run: Any) -> None:
    result = run(Says(entry=rows(0), stop={0: 99.0}), UP)

    assert result.trades["exit_role"][0] == "stop_loss"
    assert (result.trades["exit_price"][0], result.trades["r_multiple"][0]) == (99.0, -1.0)


def test_a_stop_of_the_rules_counts_and_lies_on_the_tick(run: Any) -> None:
    """3.333 % below 100 is 96.667; the order stands at 96.67."""
    rule = RuleSpec(key="s", name="s", type="stop_loss", limit=D("3.333"))

    result = run(Says(entry=rows(0), exit=rows(3)), UP, rules=(rule,))

    stops = result.orders["stop_price"][result.orders["role"] == "stop_loss"]
    assert stops.tolist() == [96.67] == result.trades["initial_stop"].tolist()
    assert result.trades["r_multiple"][0] == pytest.approx(100 / 33.3)


def test_what_is_still_open_is_measured_at_the_last_close(run: Any) -> None:
    result = run(Says(entry=rows(0), stop={0: 95.0}), UP)

    assert not result.trades["is_closed"][0] and result.trades["r_multiple"][0] == pytest.approx(110 / 50)


def test_without_a_stop_there_is_none_and_the_row_says_null(run: Any) -> None:
    result = run(Says(entry=rows(0), exit=rows(3)), UP)
    table = next(each for each in tables_of(result) if each.name == "trades")

    row = trade_row(stored_rows(table.data, offset=0, limit=1)[0])

    assert math.isnan(result.trades["r_multiple"][0])
    assert (row["initial_stop"], row["r_multiple"]) == (None, None)


def test_the_stored_row_tells_stop_and_multiple(run: Any) -> None:
    result = run(Says(entry=rows(0), exit=rows(3), stop={0: 95.0}), UP)
    table = next(each for each in tables_of(result) if each.name == "trades")

    row = trade_row(stored_rows(table.data, offset=0, limit=1)[0])

    assert (row["initial_stop"], row["r_multiple"]) == ("95", 2.0)


def test_a_run_stored_by_an_older_version_has_none() -> None:
    result = engine.run(spec_of(Says(entry=rows(0), exit=rows(3), stop={0: 95.0})), {"AAA": UP}, exact=True)
    old = {name: value for name, value in result.trades.rows()[0].items() if name not in ("initial_stop", "r_multiple")}

    row = trade_row({**old, "entry_at": 0, "exit_at": 0})

    assert (row["initial_stop"], row["r_multiple"]) == (None, None)


def test_a_stop_at_the_entry_risked_nothing_that_could_be_measured_by() -> None:
    found = r_multiples(np.array([5.0]), np.array([100.0]), np.array([100.0]), np.array([1.0]))

    assert math.isnan(found[0])
