"""Statistics of trades against published figures."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portfolio.statistics import ClosedTrade, mean_interval, student_quantile, trade_statistics, wilson

D = Decimal


def trade(pnl: int, *, tags: tuple[str, ...] = (), day: int = 1) -> ClosedTrade:
    return ClosedTrade(
        pnl_net=D(pnl),
        fees=D(1),
        return_fraction=pnl / 1000,
        r_multiple=None if pnl == 0 else pnl / 50,
        entry_at=datetime(2024, 1, day, 23, tzinfo=UTC),
        symbol="AAPL",
        strategy="",
        tags=tags,
    )


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (9, 2.2622), (29, 2.0452), (100, 1.9840)],
)
def test_student_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(degrees) == pytest.approx(quantile, abs=2e-3)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 and 0 of 20, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_figures_of_a_few_trades() -> None:
    (found,) = trade_statistics([trade(100), trade(-50), trade(30), trade(0)])

    assert (found.trades, found.wins, found.losses, found.win_rate) == (4, 2, 1, 0.5)
    assert (found.pnl_net, found.expectancy, found.average_win, found.average_loss) == (D(80), D(20), D(65), D(-50))
    assert (found.profit_factor, found.average_return, found.fees) == (2.6, 0.02, D(4))
    assert found.average_r == pytest.approx(80 / 150)
    low, high = found.expectancy_interval or (0, 0)
    assert (low + high) / 2 == pytest.approx(20) and low < 0 < high


def test_too_few_trades_have_no_interval() -> None:
    assert mean_interval([1.0, 2.0]) is None
    (nothing,) = trade_statistics([])
    assert (nothing.trades, nothing.win_rate, nothing.win_rate_interval, nothing.expectancy) == (0, None, None, None)


def test_a_trade_is_in_each_of_its_groups_in_the_users_zone() -> None:
    trades = [trade(10, tags=("a", "b"), day=1), trade(-5, day=5)]

    tags = [(g.group, g.trades) for g in trade_statistics(trades, group_by="tag")]
    assert tags == [("(none)", 1), ("a", 1), ("b", 1)]
    days = trade_statistics(trades, group_by="weekday", zone="Asia/Tokyo")
    assert [g.group for g in days] == ["tuesday", "saturday"]
    assert [g.group for g in trade_statistics(trades, group_by="hour", zone="America/New_York")] == ["18"]
