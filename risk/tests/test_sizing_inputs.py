"""Inputs of the sizing methods: figures worked out by hand, exact whatever else is handed in."""

from collections.abc import Sequence
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from domain.bars import BarArrays
from domain.instruments import AssetClass, InstrumentSpec
from domain.orders import OrderSide
from risk.decisions import RuleSpec
from risk.sizing import Size
from risk.sizing_inputs import (
    Sources,
    average_true_range,
    preferred_value,
    size_entry,
    stop_from_percent,
    trade_returns,
)

SPEC = InstrumentSpec(UUID(int=1), "AAPL", "XNYS", AssetClass.EQUITY, "USD", D("0.01"), D(1), "Technology", "XNYS")


def bars(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]) -> BarArrays:
    h, l, c = (np.array(each, dtype=np.float64) for each in (highs, lows, closes))  # noqa: E741  as in BarArrays
    return BarArrays(np.arange(len(c), dtype=np.int64) * 86_400, c, h, l, c, np.full(len(c), 1e6))


def steady(n: int) -> BarArrays:
    return bars([101.0] * n, [99.0] * n, [100.0] * n)


def test_the_average_true_range_counts_gaps_from_the_close_before() -> None:
    series = bars([101.0] * 14 + [120.1], [99.0] * 14 + [118.0], [100.0] * 14 + [119.0])

    found = average_true_range(series)

    assert found == (13 * D(2) + D("20.1")) / 14  # 120.1 - 100, the close before


def test_the_average_true_range_needs_fifteen_bars_and_forgets_older_ones() -> None:
    wild = bars([500.0] * 30, [1.0] * 30, [100.0] * 30)

    assert average_true_range(steady(14)) is None
    assert average_true_range(BarArrays.join([wild, steady(15)])) == average_true_range(steady(15)) == 2


def test_returns_are_net_of_the_entry_and_skip_what_cost_nothing() -> None:
    assert trade_returns([(D(10), D(100)), (D(-1), D(3)), (D(1), D(0))]) == (D("0.1"), D("-0.333333333333"))


@pytest.mark.parametrize(
    ("method", "value"),
    [
        *(("percent_equity", 2), ("risk_per_trade", 2), ("atr_volatility", 2), ("fixed_quantity", 2)),
        *(("fixed_value", 1000), ("kelly", D("0.02")), ("equal_weight", 50)),
    ],
)
def test_the_position_size_of_the_preferences_fits_every_method(method: str, value: D) -> None:
    assert preferred_value(method, D(2), starting_cash=D(50_000)) == value


@pytest.mark.parametrize(
    ("side", "percent", "stop"), [("buy", D(2), D(98)), ("sell", D(2), D(102)), ("buy", D(100), None)]
)
def test_a_stop_lies_behind_the_entry(side: str, percent: D, stop: D | None) -> None:
    assert stop_from_percent(D(100), OrderSide(side), percent) == stop
    assert stop_from_percent(D(100), OrderSide(side), None) is None


def entered(method: str, value: str, *, stop: D | None = None, **sources: Any) -> Size:
    def nobody() -> Any:
        raise AssertionError(f"{method} does not need this")

    given = {"bars": nobody, "trades": nobody, "rules": nobody, **sources}
    return size_entry(
        method,
        D(value),
        equity=D(100_000),
        price=D(50),
        side=OrderSide.BUY,
        spec=SPEC,
        stop_price=stop,
        sources=Sources(**given),
    )


def test_each_method_is_fed_what_it_needs_and_nothing_else() -> None:
    stops = [RuleSpec(key=str(p), name="Stop", type="stop_loss", limit=D(p)) for p in (4, 2)]
    trades = [(D(10), D(100))] * 12 + [(D(-5), D(100))] * 8  # Kelly 0.4

    assert entered("percent_equity", "2").quantity == 40
    assert entered("atr_volatility", "0.5", bars=lambda: steady(20)).quantity == 250  # 500 / 2
    assert entered("kelly", "0.25", trades=lambda: trades).quantity == 200  # a tenth of equity
    assert entered("equal_weight", "1", n_instruments=4).quantity == 500
    assert entered("risk_per_trade", "1", stop=D(45)).quantity == 200
    assert entered("risk_per_trade", "1", rules=lambda: stops).quantity == 1000  # the nearer stop: 49


def test_what_is_missing_gives_no_size_and_says_what() -> None:
    assert "stop" in entered("risk_per_trade", "1", rules=list).explanation
    assert entered("atr_volatility", "1", bars=lambda: steady(3)).quantity == 0
