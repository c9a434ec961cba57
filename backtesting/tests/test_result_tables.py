"""`engine.run` gives arrays and tables that say what the run did."""

import numpy as np

from backtesting import engine
from backtesting.result_tables import share_of
from backtesting.tests.scene import D, Says, closed_at, instrument, ohlc, rows, spec_of
from domain.costs import FeeModel

FLAT = (100, 101, 99, 100)


def test_tables_of_one_round_trip_and_the_curves() -> None:
    bars = ohlc(FLAT, FLAT, (104, 110, 103, 108), (107, 108, 95, 96), FLAT)
    spec = spec_of(Says(entry=rows(0), exit=rows(2)), fees=FeeModel(per_order=D(1)))

    result = engine.run(spec, {"AAA": bars}, exact=True)

    assert result.path == "exact"
    (trade,) = result.trades.rows()
    assert (trade["entry_price"], trade["exit_price"], trade["pnl"], trade["pnl_net"]) == (100.0, 107.0, 70.0, 68.0)
    assert (trade["entry_row"], trade["exit_row"], trade["exit_role"]) == (1, 3, "exit")
    assert (trade["lowest"], trade["highest"]) == (99.0, 110.0)
    assert [row["order"] for row in result.fills.rows()] == [1, 2]
    assert result.orders.rows(1, 2)[0]["created_at"] == closed_at(2)
    assert result.exposure.tolist() == [0, 1000, 1080, 0, 0] and result.cash.tolist() == [1e4, 8999, 8999, 10068, 10068]
    assert np.array_equal(result.equity, result.cash + result.net_exposure)


def test_a_sweep_measures_every_combination_over_the_same_moments() -> None:
    bars = ohlc(FLAT, FLAT, (104, 110, 103, 108), (107, 108, 95, 96), FLAT)
    spec = spec_of(Says(entry=rows(0)), instruments=(instrument(),))
    done: list[int] = []

    table = engine.sweep(spec, {"AAA": bars}, [spec.params, spec.params], progress=done.append)

    equity = np.array([1e4, 1e4, 10_080, 9_960, 10_000])
    returns = np.diff(equity) / equity[:-1]
    assert table.final_equity.tolist() == [10_000, 10_000] and table.n_trades.tolist() == [0, 0] and done[-1] == 2
    assert np.allclose(table.max_drawdown, 1 - 9_960 / 10_080)
    assert np.allclose(table.sharpe, returns.mean() / returns.std(ddof=1))


def test_a_share_of_no_equity_is_nothing_where_nothing_is_held_and_else_what_the_reader_asks_for() -> None:
    value, equity = np.array([50.0, 50.0, 0.0]), np.array([100.0, -10.0, -10.0])

    assert share_of(value, equity).tolist() == [0.5, 0.0, 0.0]
    assert share_of(value, equity, lost=np.inf).tolist() == [0.5, np.inf, 0.0]
