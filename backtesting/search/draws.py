"""Which combinations a grid or random sweep runs, always the same for the same input, and how they are cut in chunks.

Pure. The whole plan is made from the space and the seed, so that any worker can work out any chunk by itself and a
chunk that is run again has the same combinations.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

import numpy as np

from backtesting.search.constraints import Combo
from backtesting.search.space import MAX_GRID, Space
from domain.errors import ValidationFailed

MAX_TRIALS = MAX_GRID
_TRIES_A_DRAW = 50
MOST_TRIES = 100_000  # of one search: a few seconds, which somebody waits for
MOST_MISSES = 10_000  # in a row, after which the constraints are held to leave nothing more
IsValid = Callable[[Combo], bool]


class Method(StrEnum):
    """How a sweep looks for combinations."""

    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"


def planned(
    space: Space, *, method: Method, n: int | None = None, seed: int = 0, is_valid: IsValid | None = None
) -> tuple[Combo, ...]:
    """Return the combinations of a grid (all) or a random search (``n`` different ones), in a fixed order.

    Parameters
    ----------
    space : parameters and constraints
    n : draws of a random search; fewer come where the space has fewer, or its constraints leave hardly any
    is_valid : the strategy's own check of a combination

    Raises
    ------
    ValidationFailed
        A grid beyond its bound or over a continuous range, a number of draws out of bounds, or nothing left by the
        constraints.
    """
    allowed = _allowed(space, is_valid)
    if method is Method.GRID:
        found = tuple(combo for combo in _grid(space) if allowed(combo))
    elif method is Method.RANDOM:
        found = _random(space, _checked(n), seed, allowed)
    else:
        raise ValueError(f"{method} is not planned beforehand; see backtesting.search.tpe")
    if not found:
        raise ValidationFailed("No combination keeps all constraints and the strategy's own bounds.", field="space")
    return found


def _allowed(space: Space, is_valid: IsValid | None) -> IsValid:
    return lambda combo: space.holds(combo) and (is_valid is None or is_valid(combo))


def _checked(n: int | None) -> int:
    if n is None or not 1 <= n <= MAX_TRIALS:
        raise ValidationFailed(f"{n or 'No'} trials: a search needs 1 to {MAX_TRIALS:,}.", field="trials")
    return n


def _grid(space: Space) -> Iterator[Combo]:
    size = space.size
    if size is None:
        name = next(each.name for each in space.dimensions if each.n_values is None)
        raise ValidationFailed("A grid needs a step here; or choose random or tpe.", field=f"space.{name}.step")
    if size > MAX_GRID:
        message = f"A grid of {size:,} combinations is beyond {MAX_GRID:,}: take larger steps, or random or tpe."
        raise ValidationFailed(message, field="space", code="grid_too_large")
    return (space.point(index) for index in range(size))


def _random(space: Space, n: int, seed: int, allowed: IsValid) -> tuple[Combo, ...]:
    rng = np.random.default_rng(seed)
    if space.size is not None and space.size <= MAX_GRID:
        points = (space.point(int(index)) for index in rng.permutation(space.size))
        return tuple(combo for combo, _ in zip(filter(allowed, points), range(n), strict=False))
    found: dict[tuple[object, ...], Combo] = {}
    misses = 0
    for _ in range(min(n * _TRIES_A_DRAW, MOST_TRIES)):
        combo = drawn(space, rng)
        is_new = allowed(combo) and tuple(combo.values()) not in found
        misses = 0 if is_new else misses + 1
        if is_new:
            found[tuple(combo.values())] = combo
        if len(found) == n or misses == MOST_MISSES:
            break
    return tuple(found.values())


def drawn(space: Space, rng: np.random.Generator) -> Combo:
    """Draw one combination, constraints not yet asked."""
    shares = rng.random(len(space.dimensions))
    return {each.name: each.at(float(share)) for each, share in zip(space.dimensions, shares, strict=True)}


def chunk_span(n: int, index: int, n_chunks: int) -> tuple[int, int]:
    """Return the first and the end row of one of ``n_chunks`` even chunks of ``n`` rows.

    Raises ValueError for an index outside 0..n_chunks-1. ``chunk_span(10, 1, 3)`` is ``(3, 6)``.
    """
    if not 0 <= index < n_chunks:
        raise ValueError(f"chunk {index} is not one of {n_chunks}")
    return n * index // n_chunks, n * (index + 1) // n_chunks


def chunk(combos: Sequence[Combo], index: int, n_chunks: int) -> Sequence[Combo]:
    """Return one of ``n_chunks`` even chunks; all together are the combinations, each once."""
    start, stop = chunk_span(len(combos), index, n_chunks)
    return combos[start:stop]
