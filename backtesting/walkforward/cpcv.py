"""Combinatorial purged cross-validation (CPCV): many out-of-sample paths from one history. Pure.

Source: Lopez de Prado (2018), "Advances in Financial Machine Learning", ch. 7 (purging, embargo) and 12 (CPCV).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from analytics.metrics.ratios import sharpe
from analytics.metrics.series import cumulative
from backtesting.robustness.sharpe import sharpes_of
from backtesting.walkforward.windows import Span
from domain.bars import Floats, Ints
from domain.errors import ValidationFailed

MAX_GROUPS = 20
MAX_SPLITS = 5_000
MIN_TRAIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class Split:
    """One way to set groups aside: which are tested, and the spans left to train on, purged and embargoed."""

    index: int
    test_groups: tuple[int, ...]
    train: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Cpcv:
    """Groups of time, every split, and the paths: ``paths[p][g]`` is the split whose test gives group g of path p."""

    n_bars: int
    groups: tuple[Span, ...]
    splits: tuple[Split, ...]
    paths: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CpcvResult:
    """What choosing the best variant on the training gave out of sample.

    ``choices`` : int64[n_splits], chosen variant; ``returns``, ``equity`` : float64[n_paths, n_bars], the latter from 1
    ``sharpes`` : float64[n_paths], a year; ``probability_of_loss`` : share of the paths that end below their start
    """

    plan: Cpcv
    choices: Ints
    returns: Floats
    equity: Floats
    sharpes: Floats
    probability_of_loss: float


def cpcv(n_bars: int, *, n_groups: int = 6, n_test_groups: int = 2, purge: int = 0, embargo: int = 0) -> Cpcv:
    """Plan the splits: each choice of ``n_test_groups`` out of ``n_groups`` stretches of time is tested once.

    Parameters
    ----------
    purge : bars taken from the training on either side of a tested stretch (a position may reach over the border)
    embargo : bars taken from the training behind a tested stretch besides

    Returns
    -------
    Cpcv with ``C(N, k)`` splits and ``C(N, k) k / N`` paths. Six groups, two tested: 15 splits, 5 paths.

    Raises
    ------
    ValidationFailed
        For numbers out of bounds, and where a split leaves fewer than 20 bars to train on.
    """
    _check(n_bars, n_groups, n_test_groups, {"purge": purge, "embargo": embargo})
    edges = [n_bars * i // n_groups for i in range(n_groups + 1)]
    groups = tuple(Span(start, stop) for start, stop in pairwise(edges))
    splits = tuple(
        Split(index, chosen, _train(n_bars, [groups[g] for g in chosen], purge, embargo))
        for index, chosen in enumerate(combinations(range(n_groups), n_test_groups))
    )
    fewest = min(sum(len(span) for span in split.train) for split in splits)
    if fewest < MIN_TRAIN_ROWS:
        message = f"A split leaves {fewest} bars to train on; {MIN_TRAIN_ROWS} are needed: purge and embargo less."
        raise ValidationFailed(message, field="purge")
    return Cpcv(n_bars, groups, splits, _paths(splits, n_groups))


def _check(n_bars: int, n_groups: int, n_test_groups: int, gaps: Mapping[str, int]) -> None:
    if not 2 <= n_groups <= MAX_GROUPS or n_bars // n_groups < 2:
        raise ValidationFailed(f"{n_groups} groups of {n_bars} bars: give 2 to {MAX_GROUPS}.", field="groups")
    if not 1 <= n_test_groups < n_groups or math.comb(n_groups, n_test_groups) > MAX_SPLITS:
        message = f"{n_test_groups} of {n_groups} groups to test: 1 to {n_groups - 1}, at most {MAX_SPLITS} splits."
        raise ValidationFailed(message, field="test_groups")
    for name, value in gaps.items():
        if not 0 <= value <= n_bars:
            raise ValidationFailed(f"{value} is not between 0 and the {n_bars} bars there are.", field=name)


def _train(n_bars: int, tested: list[Span], purge: int, embargo: int) -> tuple[Span, ...]:
    kept = np.ones(n_bars, dtype=np.bool_)
    for span in tested:
        kept[max(0, span.start - purge) : span.stop + purge + embargo] = False
    edges = np.diff(np.concatenate(([0], kept.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
    return tuple(Span(start, stop) for start, stop in zip(starts, stops, strict=True))


def _paths(splits: tuple[Split, ...], n_groups: int) -> tuple[tuple[int, ...], ...]:
    of_group = [[split.index for split in splits if group in split.test_groups] for group in range(n_groups)]
    return tuple(zip(*of_group, strict=True))


def path_returns(plan: Cpcv, returns_by_split: Floats) -> Floats:
    """Return the paths' returns, float64[n_paths, n_bars], from float64[n_splits, n_bars] (only tests are read)."""
    found = np.empty((len(plan.paths), plan.n_bars))
    for row, path in enumerate(plan.paths):
        for span, split in zip(plan.groups, path, strict=True):
            found[row, span.start : span.stop] = returns_by_split[split, span.start : span.stop]
    return found


def validated(plan: Cpcv, matrix: Floats, *, periods_per_year: float) -> CpcvResult:
    """Choose the variant with the highest Sharpe ratio on each split's training and follow it through its tests.

    A variant that never moves in a training is chosen only where none does: it did nothing there.

    Parameters
    ----------
    matrix : float64[n_bars, n_variants], returns of one period of every variant over the whole history
    """
    if len(matrix) != plan.n_bars:
        raise ValueError(f"{len(matrix)} returns do not fit a plan of {plan.n_bars} bars")
    clean = np.nan_to_num(matrix, nan=0.0)
    choices = np.array([_best(clean[_rows(split)]) for split in plan.splits], dtype=np.int64)
    returns = path_returns(plan, clean[:, choices].T)
    equity = np.array([cumulative(path, 1.0) for path in returns])
    return CpcvResult(
        plan=plan,
        choices=choices,
        returns=returns,
        equity=equity,
        sharpes=np.array([sharpe(path, periods_per_year) for path in returns]),
        probability_of_loss=float(np.mean(equity[:, -1] < 1.0)),
    )


def _best(training: Floats) -> int:
    moves = np.ptp(training, axis=0) > 0
    return int(np.argmax(np.where(moves, sharpes_of(training), -np.inf)))


def _rows(split: Split) -> Ints:
    return np.concatenate([np.arange(span.start, span.stop) for span in split.train])
