"""Parity: the same bars through the live pipeline with the paper broker and through the backtest engine give equal
signals, orders, fills, trades and equity, to the last digit. The pipeline runs in this process, without Celery."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from backtesting.spec import Sizing
from domain.bars import Timeframe
from domain.sizing import SizingMethod
from marketdata.action_services import record_action
from marketdata.models import ActionKind
from tests.parity_bars import aapl, minutes, walk
from tests.parity_ways import (
    LOOSE,
    WHOLE,
    Case,
    assert_equal,
    instrument_of,
    live,
    own_bars,
    past,
    strategy_of,
    tables_of,
)

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900), pytest.mark.long]


@pytest.mark.parametrize(
    "case",
    [
        Case("sma_cross", {"fast": 20, "slow": 50}),
        Case("trend_filter", {"fast": 10, "slow": 30, "higher": "1w", "trend": 10}),
        Case("rsi_reversion", {"period": 14}),
        Case("breakout", {"entry_lookback": 20, "exit_lookback": 10}),
        # With the usual limits it would trade, or be refused, at every other bar.
        Case("buy_and_hold", {}, limits=LOOSE),
    ],
    ids=lambda case: case.type,
)
def test_pipeline_and_engine_agree_on_apple_2000_to_2013(case: Case) -> None:
    bars = aapl() if WHOLE else aapl().tail(900)
    strategy = strategy_of(case, [instrument_of(bars, "AAPL")])

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    assert len(theirs.fills) >= (20 if WHOLE else 2) and len(theirs.curve) > len(bars) - 470
    assert_equal(ours, theirs)


@pytest.mark.parametrize(
    "case",
    [
        Case(
            "sma_cross",
            {"fast": 3, "slow": 8, "reverse": True},
            allow_short=True,
            fees={"per_share": "0.005", "minimum": "1", "percent": "0.01"},
            slippage={"bps": "3", "spread": "0.02"},
        ),
        Case(
            "breakout",
            {"entry_lookback": 5, "exit_lookback": 4, "channel_stop": True},
            sizing=Sizing(SizingMethod.RISK_PER_TRADE, Decimal("0.2")),
            allow_short=True,
        ),
        Case("buy_and_hold", {}, sizing=Sizing(SizingMethod.FIXED_VALUE, Decimal(12_000))),
    ],
    ids=lambda case: f"{case.type}, {case.sizing.method}",
)
def test_pipeline_and_engine_agree_on_two_instruments_with_costs_shorts_and_denials(case: Case) -> None:
    rows = [instrument_of(walk(160, seed=seed), symbol) for seed, symbol in ((1, "ONE"), (2, "TWO"))]
    strategy = strategy_of(case, rows)

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    assert theirs.signals
    assert_equal(ours, theirs)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        (SizingMethod.FIXED_QUANTITY, "30"),
        (SizingMethod.FIXED_VALUE, "2500"),
        (SizingMethod.PERCENT_EQUITY, "4"),
        (SizingMethod.RISK_PER_TRADE, "0.05"),  # the strategy names no stop: that of the rules
        (SizingMethod.ATR_VOLATILITY, "0.1"),
        (SizingMethod.KELLY, "0.2"),
        (SizingMethod.EQUAL_WEIGHT, "2"),
    ],
)
@pytest.mark.parametrize("timeframe", [Timeframe.D1, Timeframe.M1] if WHOLE else [Timeframe.D1])
def test_pipeline_and_engine_size_alike_by_every_method(method: SizingMethod, value: str, timeframe: Timeframe) -> None:
    wide = {"max_position_size_percent": Decimal(40), "max_portfolio_exposure_percent": Decimal(100)}
    limits = {**LOOSE, **wide, "max_sector_concentration_percent": Decimal(40)}
    sizing = Sizing(method, Decimal(value))
    case = Case("sma_cross", {"fast": 2, "slow": 3}, sizing=sizing, limits=limits, timeframe=timeframe)
    series = [walk(100, seed=3 + i) if timeframe is Timeframe.D1 else minutes(2, seed=3 + i, each=50) for i in range(3)]
    rows = [instrument_of(bars, f"NO{i}", sector=f"Sector {i}", timeframe=timeframe) for i, bars in enumerate(series)]
    strategy = strategy_of(case, rows)

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    sizes = {row[4] for row in theirs.fills}
    assert len(theirs.trades) > 15 and (len(sizes) > 1 or method is SizingMethod.FIXED_QUANTITY)
    assert_equal(ours, theirs)


def test_pipeline_and_engine_measure_past_prices_alike() -> None:
    rules: tuple[dict[str, Any], ...] = (
        {"name": "Alike", "type": "max_correlation", "limit": Decimal("0.1")},
        {"name": "Tail", "type": "value_at_risk", "limit": Decimal("0.35")},
        {"name": "Thin", "type": "liquidity", "limit": Decimal("0.008"), "action": "resize"},
    )
    case = Case("sma_cross", {"fast": 2, "slow": 5}, limits=LOOSE, rules=rules)
    rows = [instrument_of(walk(130, seed=8 + i), f"NO{i}", sector=f"Sector {i}") for i in range(3)]
    strategy = strategy_of(case, rows)

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    refused = " ".join(row[-1] for row in theirs.orders)
    assert all(words in refused for words in ("Alike", "Tail", "can not be measured"))
    assert {row[4] for row in theirs.fills} >= {"80"}  # 0.008 % of a million
    assert_equal(ours, theirs)


@pytest.mark.parametrize(
    "rules",
    [
        (
            {"name": "Long enough", "type": "max_holding_time", "limit": Decimal(4 * 86_400)},
            {"name": "In a row", "type": "loss_streak", "limit": Decimal(5)},
        ),
        (
            {
                "name": "In summer flat",
                "type": "flat_by",
                "limit": Decimal(0),
                "parameters": {"time": "19:30", "timezone": "UTC", "until": "20:30"},
            },
            {"name": "Open", "type": "unprotected_position", "limit": Decimal(5 * 10**9), "action": "reduce_only"},
        ),
    ],
    ids=["holding time, streak", "flat by, unprotected"],
)
def test_pipeline_and_engine_watch_positions_alike(rules: tuple[dict[str, Any], ...]) -> None:
    limits = {**LOOSE, "stop_loss_percent": Decimal(0)}
    case = Case("sma_cross", {"fast": 3, "slow": 5}, limits=limits, rules=rules)
    instruments = [instrument_of(walk(150, seed=20 + i), f"NO{i}", sector=f"Sector {i}") for i in range(2)]
    strategy = strategy_of(case, instruments)

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    assert len(theirs.fills) >= 4
    unasked = len(theirs.fills) - sum(row[5] == "executed" for row in theirs.signals)
    refused = " ".join(row[-1] for row in theirs.orders)
    assert unasked or "In summer flat" in refused  # exits that no signal asked for, entries that came too late
    assert_equal(ours, theirs)


def test_a_known_split_is_no_loss_live_and_in_the_past_alike() -> None:
    """Apple's split of 21 June 2000: on the prices as they were traded it looks like a fall by half."""
    bars, case = aapl().head(160), Case("buy_and_hold", {}, limits=LOOSE)
    row = instrument_of(bars, "AAPL")
    record_action(row, kind=ActionKind.SPLIT, ex_date=date(2000, 6, 21), value=Decimal(2))
    strategy = strategy_of(case, [row])

    ours, theirs = live(strategy), tables_of(past(strategy, case))

    assert_equal(ours, theirs)
    equity = [Decimal(point[1]) for point in theirs.curve]
    assert max(abs(b / a - 1) for a, b in pairwise(equity)) < Decimal("0.2")
