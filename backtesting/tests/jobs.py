"""A small world for tests of jobs: users, instruments with a seeded random walk, requests, and work done in place."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from backtesting.models import Job
from backtesting.services import submitting, working
from backtesting.services.requests import RunRequest
from domain.bars import BarArrays, Timeframe
from domain.sizing import SizingMethod
from marketdata.models import Instrument
from marketdata.tests.factories import MONDAY, make_instrument, store_bars

N_BARS = 400


def walk(n: int = N_BARS, *, seed: int = 1, drift: float = 0.0, timeframe: Timeframe = Timeframe.D1) -> BarArrays:
    """Return bars whose closes walk at random from 100, on a tick of 0.01."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(drift, 0.015, n))), 2)
    opened = np.round(np.concatenate(([100.0], close[:-1])), 2)
    top = np.maximum(opened, close) + np.round(rng.uniform(0.01, 1.0, n), 2)
    low = np.minimum(opened, close) - np.round(rng.uniform(0.01, 1.0, n), 2)
    t = MONDAY + np.arange(n, dtype=np.int64) * timeframe.seconds
    return BarArrays(t, opened, np.round(top, 2), np.round(low, 2), close, np.full(n, 10_000.0))


def stored_walk(symbol: str = "WALK", *, n: int = N_BARS, seed: int = 1, **changes: Any) -> Instrument:
    """Add an instrument with stored bars."""
    row = make_instrument(symbol)
    store_bars(row, walk(n, seed=seed, **changes))
    return row


def request(*symbols: str, **changes: Any) -> RunRequest:
    """Return a plain moving average cross without rules, all in, at a fee of 0.1 %."""
    made = RunRequest(
        type="sma_cross",
        parameters={"fast": 5, "slow": 20},
        symbols=symbols or ("WALK",),
        timeframe=Timeframe.D1,
        fees={"percent": Decimal("0.1")},
        sizing_method=SizingMethod.PERCENT_EQUITY,
        sizing_value=Decimal(95),
        risk_rules="none",
    )
    return replace(made, **changes)


def in_place(function: Callable[..., Any], *args: Any, should_stop: Callable[[], bool] = lambda: False) -> Any:
    """Calculate here instead of in a child process."""
    should_stop()
    return function(*args)


def done(user: Any, asked: RunRequest | None = None) -> Job:
    """Submit a run and do it."""
    job = submitting.submit_backtest(user, asked or request())
    working.work_all(in_place)
    job.refresh_from_db()
    return job
