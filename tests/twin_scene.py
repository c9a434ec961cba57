"""What tests of a strategy's twin share: a strategy that is played bar by bar, and what its twin says of it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import TestCase, override_settings

from analytics.twin.values import Cause
from backtesting.spec import Sizing
from domain.sizing import SizingMethod
from marketdata import replay_services as replays
from marketdata.models import Replay
from strategies.models import Strategy
from tests.parity_bars import walk
from tests.parity_ways import LOOSE, Case, instrument_of, strategy_of
from tradeplatform.twins import Twin, twin_of
from trading import pipeline
from trading.services.strategies import start_strategy

CASE = Case(
    "sma_cross",
    {"fast": 2, "slow": 4},
    sizing=Sizing(SizingMethod.PERCENT_EQUITY, Decimal(5)),
    limits=LOOSE,
    fees={"per_share": "0.01"},
    slippage={"bps": "2"},
)
WIDE = {
    **LOOSE,
    "max_position_size_percent": Decimal(60),
    "max_portfolio_exposure_percent": Decimal(100),
    "max_sector_concentration_percent": Decimal(100),
}
N_BARS = 90


@pytest.fixture(autouse=True)
def own_bars(tmp_path: Any) -> Iterator[None]:
    with override_settings(BARS_URL=str(tmp_path / "bars")):
        yield


def made(case: Case = CASE, *, seed: int = 1, symbol: str = "ONE") -> Strategy:
    return strategy_of(case, [instrument_of(walk(N_BARS, seed=seed), symbol)])


def play(strategy: Strategy, n: int = N_BARS) -> None:
    """Play bars through the pipeline, with all that follows from them."""
    clock = Replay.objects.get(instruments=strategy.instruments.first())
    for _ in range(n):
        with committed():
            replays.play(clock)
        with committed():
            pipeline.run_account(strategy.account_id)


def committed() -> Any:
    """Run what waits for a commit at the end of the block, as outside a test."""
    return TestCase.captureOnCommitCallbacks(execute=True)


def now(strategy: Strategy) -> Any:
    return Replay.objects.get(instruments=strategy.instruments.first()).market_time


def twin(strategy: Strategy) -> Twin:
    found = twin_of(strategy.user, strategy.pk)
    assert found.comparison is not None
    return found


def causes(strategy: Strategy) -> list[Cause]:
    """Return the causes of the differences in the order of their first time; nothing may be unexplained."""
    found = twin(strategy).comparison
    assert found is not None
    told = [each.cause for each in found.differences]
    assert Cause.UNEXPLAINED not in told, [each for each in found.differences if each.cause is Cause.UNEXPLAINED]
    assert all(each.message for each in found.differences)
    return list(dict.fromkeys(told))


def started(case: Case = CASE, n: int = 30) -> Strategy:
    strategy = made(case)
    start_strategy(strategy, by="test")
    play(strategy, n)
    return strategy
