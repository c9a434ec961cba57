"""The kernel's crosses are the library's at every bar, also where running sums would lose what they are asked for."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backtesting import engine
from backtesting.kernel import crosses
from backtesting.kernel.layout import EVENT
from backtesting.sweep import figures_of
from backtesting.tests.scene import spec_of
from backtesting.tests.test_sweep import assert_figures
from domain.bars import BarArrays, Floats
from marketdata.indicators.averages import sma
from strategies.library.sma_cross import SmaCross, SmaCrossParams

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]  # the first one may have to compile the kernel
N = 9_000  # more than two stretches of running sums


def walk(rng: np.random.Generator) -> Floats:
    """Cents, that rise and fall by a fifth of a per cent a bar."""
    return np.round(80 * np.exp(np.cumsum(rng.normal(0, 0.002, N))), 2)


def steps(rng: np.random.Generator, around: float) -> Floats:
    """A few prices, each for twenty bars: averages are often exactly equal."""
    return np.round(around * np.repeat(rng.choice([1.0, 1.01, 0.99], N // 20), 20), 12)


def collapse(rng: np.random.Generator) -> Floats:
    """A coin that loses all but a hundred-millionth in a bar, in the middle of a stretch of sums."""
    return np.concatenate((walk(rng)[:6_000], steps(rng, 80e-8)[6_000:]))


def rocket(rng: np.random.Generator) -> Floats:
    """The other way round, and down again after three bars: a bar that a feed got wrong."""
    closes = steps(rng, 80e-8)
    closes[5_000:5_003] = 80.0
    return closes


PATHS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "walk": walk,
    "steps": lambda rng: steps(rng, 100.0),
    "still": lambda rng: np.full(N, 0.1),
    "collapse": collapse,
    "rocket": rocket,
}


def expected(closes: Floats, fast: int, slow: int) -> list[tuple[int, int]]:
    """Return the crosses by the averages that strategies compute."""
    sign = np.sign(sma(closes, fast) - sma(closes, slow))[slow - 1 :]
    rows = np.flatnonzero((sign[1:] != sign[:-1]) & (sign[1:] != 0)) + 1
    return [(int(row) + slow - 1, int(sign[row])) for row in rows]


def told(events: np.ndarray, count: int, column: int) -> list[tuple[int, int]]:
    """Return what the kernel wrote of one instrument."""
    mine = events[:count][events[:count]["col"] == column]
    return [(int(row), 1 if kind == crosses.UP else -1) for row, kind in zip(mine["row"], mine["kind"], strict=True)]


@pytest.mark.parametrize(("fast", "slow"), [(2, 3), (20, 50), (300, 1_200), (7, 5_000)])
@pytest.mark.parametrize("path", PATHS)
def test_they_are_those_of_the_library(path: str, fast: int, slow: int) -> None:
    rng = np.random.default_rng(len(path) * slow)
    panel = np.column_stack([PATHS[path](rng) for _ in range(3)])
    events = np.empty(3 * N, dtype=EVENT)

    together = crosses.of_many(panel, fast, slow, np.zeros(3, dtype=np.int64), events)

    for j in range(3):
        closes = np.ascontiguousarray(panel[:, j : j + 1])
        wanted = expected(closes[:, 0], fast, slow)
        assert told(events, together, j) == wanted
        alone = np.empty(N, dtype=EVENT)
        assert told(alone, crosses.of_one(closes, fast, slow, 0, alone), 0) == wanted
    assert together or path == "still" or slow == 5_000


@pytest.mark.parametrize("n", [1, 2, 49, 50, 51, 57, 58, 59, 4_096 + 49, 4_096 + 50, 4_096 + 51])
def test_they_are_those_of_the_library_at_the_edges_of_stretches(n: int) -> None:
    closes = walk(np.random.default_rng(n))[:n]
    events = np.empty(n, dtype=EVENT)

    count = crosses.of_one(closes.reshape(-1, 1), 20, 50, 0, events)

    assert told(events, count, 0) == (expected(closes, 20, 50) if n >= 50 else [])


@pytest.mark.parametrize("path", ["steps", "collapse", "rocket"])
def test_a_sweep_finds_the_same(path: str) -> None:
    closes = PATHS[path](np.random.default_rng(5))
    times = np.arange(N, dtype=np.int64) * 3_600
    bars = {"AAA": BarArrays(times, closes, closes, closes, closes, np.full(N, 1e6))}
    spec = spec_of(SmaCross(), params=SmaCrossParams())
    combinations = [SmaCrossParams(fast=f, slow=s) for f in (5, 20) for s in (21, 50, 1_500)]

    table = engine.sweep(spec, bars, combinations)

    for k, params in enumerate(combinations):
        assert_figures(table, k, figures_of(engine.run(replace(spec, params=params), bars, exact=k == 1), N))
