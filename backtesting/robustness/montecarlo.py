"""Monte Carlo over trades: the same trades in another order, or drawn again with replacement. Pure; seeded.

Shuffling keeps the end and shows how much of the drawdown was the order; resampling shows how much of the result was
which trades happened to come. A trade counts by what it did to the account it was made with: gains of a grown account
drawn at the start would be as many times too large as it grew.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backtesting.robustness.bootstrap import Bands, bands_of, sampled_steps
from domain.bars import Floats
from domain.errors import ValidationFailed

MIN_TRADES = 5
MAX_PATHS = 10_000
_BATCH_CELLS = 2_000_000
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


class Redraw(StrEnum):
    """How the trades of a path are chosen."""

    SHUFFLE = "shuffle"
    RESAMPLE = "resample"


@dataclass(frozen=True, slots=True, eq=False)
class TradeSimulation:
    """What the trades could have given. Drawdowns are fractions, negative; ruin is equity below ``ruin_fraction``.

    ``drawdowns`` : the 5th (worst), 50th and 95th percentile; ``final`` : percentiles of ``bands.levels``
    ``drawdown_percentile`` : share of the paths with a deeper drawdown than the real order had
    """

    bands: Bands
    final: tuple[float, ...]
    drawdowns: tuple[float, float, float]
    real_drawdown: float
    drawdown_percentile: float
    probability_of_loss: float
    probability_of_ruin: float
    ruin_fraction: float
    n_paths: int
    n_trades: int


def trade_monte_carlo(
    pnl: Floats,
    starting_equity: float,
    *,
    n_paths: int = 1_000,
    seed: int = 0,
    method: Redraw = Redraw.RESAMPLE,
    ruin_fraction: float = 0.5,
) -> TradeSimulation | None:
    """Simulate paths of a strategy's trades; None below five trades.

    Parameters
    ----------
    pnl : float64[n_trades], net P&L in the order of closing; each becomes the share of the equity before it that it won
        or lost, and a path compounds the shares (nothing is left from a trade on that lost all)
    starting_equity : before the first trade, above 0
    ruin_fraction : equity below this fraction of the start counts as ruin

    Raises
    ------
    ValidationFailed
        For a number of paths outside 1 to 10,000 or no equity at the start.
    """
    if not 1 <= n_paths <= MAX_PATHS:
        raise ValidationFailed(f"{n_paths} paths: give 1 to {MAX_PATHS:,}.", field="n_paths")
    if not starting_equity > 0:
        raise ValidationFailed(f"Starting equity {starting_equity} must be above 0.", field="starting_equity")
    if len(pnl) < MIN_TRADES:
        return None
    rng = np.random.default_rng(seed)
    steps = sampled_steps(len(pnl))
    growth = _growth(pnl, starting_equity)
    size = max(1, _BATCH_CELLS // len(pnl))
    counts = [min(size, n_paths - done) for done in range(0, n_paths, size)]
    drawn = [_paths(growth, starting_equity, count, method, rng) for count in counts]
    kept = np.concatenate([paths[:, steps[1:]] for paths in drawn])
    falls, lowest = np.concatenate([_deepest(p) for p in drawn]), np.concatenate([p.min(axis=1) for p in drawn])
    real = float(_deepest(_compounded(growth[None, :], starting_equity))[0])
    worst, middle, mild = np.quantile(falls, [0.05, 0.5, 0.95])
    return TradeSimulation(
        bands=bands_of(kept, starting_equity, steps, _LEVELS),
        final=tuple(float(each) for each in np.quantile(kept[:, -1], _LEVELS)),
        drawdowns=(float(worst), float(middle), float(mild)),
        real_drawdown=real,
        drawdown_percentile=float(np.mean(falls < real)),
        probability_of_loss=float(np.mean(kept[:, -1] < starting_equity)),
        probability_of_ruin=float(np.mean(lowest < ruin_fraction * starting_equity)),
        ruin_fraction=ruin_fraction,
        n_paths=n_paths,
        n_trades=len(pnl),
    )


def _growth(pnl: Floats, start: float) -> Floats:
    """Return what each trade made of one unit of the equity before it: float64[n_trades], 0 once all is lost."""
    after = start + np.cumsum(pnl)
    before = after - pnl
    lives = np.minimum.accumulate(np.minimum(before, after)) > 0
    found = np.zeros(len(pnl))
    np.divide(after, before, out=found, where=lives)
    return found


def _paths(growth: Floats, start: float, n: int, method: Redraw, rng: np.random.Generator) -> Floats:
    if method is Redraw.RESAMPLE:
        return _compounded(growth[rng.integers(0, len(growth), (n, len(growth)))], start)
    return _compounded(rng.permuted(np.tile(growth, (n, 1)), axis=1), start)


def _compounded(growth: Floats, start: float) -> Floats:
    return start * np.column_stack((np.ones(len(growth)), np.cumprod(growth, axis=1)))


def _deepest(paths: Floats) -> Floats:
    peak = np.maximum.accumulate(paths, axis=1)
    found: Floats = (paths / peak - 1.0).min(axis=1)
    return found
