"""Worlds with and without an edge, in which sweeps are made: the material of the verdict's test and its bench."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.bars import Floats

N_DAYS = 1_250
N_VARIANTS = 60


@dataclass(frozen=True, slots=True)
class World:
    """One world: the returns of every variant of a sweep, and those of just holding the instrument (None: none)."""

    matrix: Floats
    market: Floats | None = None


def independent_noise(rng: np.random.Generator) -> World:
    """Variants that have nothing in common and no edge."""
    return World(rng.normal(0, 0.01, (N_DAYS, N_VARIANTS)))


def alike_noise(rng: np.random.Generator) -> World:
    """Variants that correlate by 0.7, with fat tails and no edge."""
    common = rng.standard_t(4, (N_DAYS, 1))
    return World(0.01 * (np.sqrt(0.7) * common + np.sqrt(0.3) * rng.standard_t(4, (N_DAYS, N_VARIANTS))))


def crossings_of_a_walk(rng: np.random.Generator) -> World:
    """Moving-average crossings, long and short, on a random walk."""
    returns = rng.normal(0, 0.01, N_DAYS + 120)
    return World(crossings(returns, is_long_only=False), returns[120:])


def long_crossings_of_a_rising_walk(rng: np.random.Generator) -> World:
    """Moving-average crossings, long only, on a random walk that rises by 10 % a year: all they earn is the market."""
    returns = rng.normal(0.1 / 252, 0.01, N_DAYS + 120)
    return World(crossings(returns, is_long_only=True), returns[120:])


def one_region_with_an_edge(rng: np.random.Generator) -> World:
    """A Sharpe ratio of 2 a year in a fifth of the variants, that correlate by 0.7; none in the rest."""
    world = alike_noise(rng)
    edge = np.zeros(N_VARIANTS)
    edge[20:32] = 2.0 / np.sqrt(252)
    return World(world.matrix + edge * world.matrix.std(axis=0))


def edge_everywhere(rng: np.random.Generator) -> World:
    """A Sharpe ratio of 2 a year in every variant."""
    world = alike_noise(rng)
    return World(world.matrix + 2.0 / np.sqrt(252) * world.matrix.std(axis=0))


def crossings_of_trends(rng: np.random.Generator) -> World:
    """Moving-average crossings where the drift turns every 50 days or so: +-0.3 % a day under 1 % of noise."""
    n = N_DAYS + 120
    turns = rng.random(n) < 1 / 50
    drift = np.where(np.cumsum(turns) % 2 == 0, 0.003, -0.003)
    returns = drift + rng.normal(0, 0.01, n)
    return World(crossings(returns, is_long_only=False), returns[120:])


NOISE: dict[str, Callable[[np.random.Generator], World]] = {
    each.__name__: each
    for each in (independent_noise, alike_noise, crossings_of_a_walk, long_crossings_of_a_rising_walk)
}
EDGES: dict[str, Callable[[np.random.Generator], World]] = {
    each.__name__: each for each in (one_region_with_an_edge, edge_everywhere, crossings_of_trends)
}


def crossings(returns: Floats, *, is_long_only: bool) -> Floats:
    """Return what 60 pairs of averages earn: in from the bar after the fast one lies above the slow one."""
    price = np.concatenate(([0.0], np.cumsum(np.cumprod(1 + returns))))
    pairs = [(fast, slow) for fast in (3, 5, 8, 10, 12, 15, 18, 20, 25, 30) for slow in (40, 50, 60, 80, 100, 120)]
    found = np.empty((len(returns) - 120, len(pairs)))
    for column, (fast, slow) in enumerate(pairs):
        above = (price[120:-1] - price[120 - fast : -1 - fast]) / fast > (
            price[120:-1] - price[120 - slow : -1 - slow]
        ) / slow
        held = np.where(above, 1.0, 0.0 if is_long_only else -1.0)
        found[:, column] = held * returns[120:]
    return found
