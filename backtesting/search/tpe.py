"""Combinations that Optuna's tree-structured Parzen estimator would try next. Pure: a function of what was told.

Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization". The study is built again from the results each
time, so a search that stopped goes on where it was, on any machine, with the same suggestions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from backtesting.search.constraints import Combo
from backtesting.search.draws import IsValid, drawn
from backtesting.search.space import Dimension, FloatRange, IntRange, Space
from domain.errors import ValidationFailed

MAX_TPE = 2_000
N_RANDOM_FIRST = 10
_TRIES = 40
optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True, slots=True)
class Told:
    """A combination that was run, and its score (higher is better; None: it could not be scored)."""

    combo: Combo
    score: float | None


def suggest(
    space: Space, told: Sequence[Told], *, n: int, seed: int = 0, is_valid: IsValid | None = None
) -> tuple[Combo, ...]:
    """Return the next ``n`` combinations, none of them told before; fewer where the space has no more.

    Parameters
    ----------
    space : parameters and constraints
    told : results so far, in the order in which they were asked for
    n : how many to run before asking again; points asked together keep apart (constant liar)
    seed : of the search; the suggestions depend on it and on ``told`` alone

    Notes
    -----
    The first ten are random. What breaks a constraint is told to the estimator as the worst result and not returned.
    Raises ValidationFailed beyond 2,000 trials or when no combination keeps the constraints.
    """
    if n < 1 or len(told) + n > MAX_TPE:
        raise ValidationFailed(f"{len(told) + n:,} trials are more than {MAX_TPE:,} with tpe.", field="trials")
    search = _Search(space, told, seed, is_valid)
    found = search.next(n)
    if not found and not told:
        raise ValidationFailed("No combination keeps all constraints and the strategy's own bounds.", field="space")
    return found


class _Search:
    """One batch of suggestions over a study of what was told."""

    def __init__(self, space: Space, told: Sequence[Told], seed: int, is_valid: IsValid | None) -> None:
        self.space, self.is_valid = space, is_valid
        self.rng = np.random.default_rng([seed, len(told)])
        self.seen = {tuple(each.combo.values()) for each in told}
        scores = [each.score for each in told if each.score is not None]
        self.worst = min(scores, default=0.0) - 1e-9
        sampler = optuna.samplers.TPESampler(
            seed=int(self.rng.integers(2**31)), n_startup_trials=N_RANDOM_FIRST, constant_liar=True
        )
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.distributions = {each.name: _distribution(each) for each in space.dimensions}
        self.study.add_trials([self._trial(each) for each in told])

    def _trial(self, told: Told) -> optuna.trial.FrozenTrial:
        value = self.worst if told.score is None else told.score
        return optuna.trial.create_trial(params=dict(told.combo), distributions=self.distributions, value=value)

    def next(self, n: int) -> tuple[Combo, ...]:
        """Return up to n new combinations."""
        found: list[Combo] = []
        for _ in range(n * _TRIES):
            if len(found) == n:
                break
            trial = self.study.ask(self.distributions)
            combo: Combo = {name: trial.params[name] for name in self.distributions}
            if self._takes(combo):
                found.append(combo)
            else:
                self.study.tell(trial, self.worst)
                combo = drawn(self.space, self.rng)
                if len(found) < n and self._takes(combo):
                    found.append(combo)
        return tuple(found)

    def _takes(self, combo: Combo) -> bool:
        key = tuple(combo.values())
        allowed = key not in self.seen and self.space.holds(combo) and (self.is_valid is None or self.is_valid(combo))
        if allowed:
            self.seen.add(key)
        return allowed


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, IntRange):
        high = dimension.low + ((dimension.n_values or 1) - 1) * dimension.step
        return IntDistribution(dimension.low, high, step=dimension.step)
    if isinstance(dimension, FloatRange):
        return _float_distribution(dimension)
    return CategoricalDistribution(dimension.values)


def _float_distribution(dimension: FloatRange) -> BaseDistribution:
    n_values = dimension.n_values
    if n_values is None:
        return FloatDistribution(dimension.low, dimension.high, log=dimension.is_log)
    # Steps of floats are told as their rounded values, so that what is run and what is reported are the same number.
    return CategoricalDistribution([dimension.value(i) for i in range(n_values)])
