"""Does the best combination stand on a plateau or on a needle? Pure.

An edge that is real seldom vanishes when a window is one step longer; a lucky one does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backtesting.search.constraints import Combo, Value
from backtesting.search.objectives import best
from domain.bars import Floats, Ints

_STEADY, _SHAKY = 0.7, 0.3
_N_CANDIDATES = 200
_MAX_CELLS = 1_000_000
_DENSE = 0.5


@dataclass(frozen=True, slots=True)
class Plateau:
    """How the neighbours of the best combination score.

    ``stability`` is how much of the best score its neighbours keep on average: 1 all of it (a plateau), 0 none (a
    needle); None where there are too few. A best score below 0 (a drawdown) counts by its lead over the median of all.
    ``steadiest_index`` is the row whose own and neighbours' scores are highest together: the safer choice.
    """

    best_index: int
    best_score: float
    neighbour_mean: float | None
    neighbour_worst: float | None
    n_neighbours: int
    stability: float | None
    steadiest_index: int
    sentence: str


def plateau(combos: Sequence[Combo], scores: Floats) -> Plateau | None:
    """Look around the best combination; None where no combination has a score.

    Neighbours differ by one step of one numeric parameter (of the values that were tried); where the tried points are
    scattered (random search) they are the nearest ones, two for each parameter.

    Parameters
    ----------
    combos : the combinations, all with the same parameters; scores : float64[n], higher is better, NaN unusable
    """
    top = best(combos, scores)
    if top is None:
        return None
    usable = np.flatnonzero(np.isfinite(scores))
    around = _neighbours([combos[int(i)] for i in usable])
    order = usable[np.argsort(-scores[usable], kind="stable")][:_N_CANDIDATES]
    row_of = {int(row): i for i, row in enumerate(usable)}
    near = scores[usable][around(row_of[top])]
    means = {int(row): _joint(float(scores[row]), scores[usable][around(row_of[int(row)])]) for row in order}
    steadiest = max(means, key=lambda row: means[row])
    stability = _stability(float(scores[top]), near, float(np.median(scores[usable])))
    return Plateau(
        best_index=top,
        best_score=float(scores[top]),
        neighbour_mean=float(near.mean()) if len(near) else None,
        neighbour_worst=float(near.min()) if len(near) else None,
        n_neighbours=len(near),
        stability=stability,
        steadiest_index=steadiest if len(near) else top,
        sentence=_sentence(stability, len(near)),
    )


def _joint(own: float, near: Floats) -> float:
    """Mean of a score and its neighbours', the lack of neighbours held against it."""
    return float((own + near.sum()) / (1 + len(near))) if len(near) > 1 else -math.inf


def _stability(top: float, near: Floats, middle: float) -> float | None:
    if len(near) < 2 or (top <= 0 and top <= middle):
        return None
    floor = 0.0 if top > 0 else middle
    return float(np.clip((near.mean() - floor) / (top - floor), 0.0, 1.0))


def _sentence(stability: float | None, n: int) -> str:
    if stability is None:
        return "Too few neighbours of the best combination were tried to say whether it stands on a plateau."
    kept = f"its {n} neighbours keep {stability * 100:.0f} % of its score"
    if stability >= _STEADY:
        return f"The best combination stands on a plateau: {kept}."
    if stability <= _SHAKY:
        return f"The best combination is a needle: {kept}. One step aside and most of the result is gone."
    return f"The best combination stands on a slope: {kept}."


class _Around:
    """Rows of the neighbours of a row."""

    def __init__(self, ranks: Floats, kinds: Floats, is_dense: bool) -> None:
        self.ranks, self.kinds, self.is_dense = ranks, kinds, is_dense
        spread = np.ptp(ranks, axis=0) if len(ranks) else np.ones(ranks.shape[1])
        self.scaled = ranks / np.where(spread > 0, spread, 1.0)

    def __call__(self, row: int) -> Ints:
        same = np.all(self.kinds == self.kinds[row], axis=1)
        same[row] = False
        if self.is_dense:
            return np.flatnonzero(same & (np.abs(self.ranks - self.ranks[row]).sum(axis=1) == 1))
        rows = np.flatnonzero(same)
        distance = np.abs(self.scaled[rows] - self.scaled[row]).sum(axis=1)
        return rows[np.argsort(distance, kind="stable")[: 2 * self.ranks.shape[1]]]


def _neighbours(combos: Sequence[Combo]) -> _Around:
    names = list(combos[0])
    is_numeric = {name: all(_is_number(combo[name]) for combo in combos) for name in names}
    columns = {name: _ranked([combo[name] for combo in combos], is_numeric[name]) for name in names}
    n_cells = math.prod(len(np.unique(column)) for column in columns.values())
    ranks = _matrix([columns[name] for name in names if is_numeric[name]], len(combos))
    kinds = _matrix([columns[name] for name in names if not is_numeric[name]], len(combos))
    return _Around(ranks, kinds, is_dense=n_cells <= _MAX_CELLS and len(combos) >= _DENSE * n_cells)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranked(values: list[Value], is_numeric: bool) -> Floats:
    keys = sorted(set(values), key=lambda value: (float(value), "") if is_numeric else (0.0, repr(value)))
    place = {key: float(i) for i, key in enumerate(keys)}
    return np.array([place[value] for value in values])


def _matrix(columns: list[Floats], n: int) -> Floats:
    return np.column_stack(columns) if columns else np.zeros((n, 0))
