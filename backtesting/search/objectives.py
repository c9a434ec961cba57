"""What a sweep looks for: objectives over a run's figures, and requirements that a run must meet to count. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.metrics.catalogue import BY_NAME
from backtesting.search.constraints import Combo
from domain.bars import Floats
from domain.errors import ValidationFailed

FigureMap = Mapping[str, float | int | None]
MAX_REQUIREMENTS = 10


@dataclass(frozen=True, slots=True)
class Objective:
    """One figure to make as high (or low) as possible."""

    name: str
    title: str
    is_maximized: bool
    help: str


OBJECTIVES: dict[str, Objective] = {
    each.name: each
    for each in (
        Objective("sharpe", "Sharpe ratio", True, "Return for volatility."),
        Objective("sortino", "Sortino ratio", True, "Return for falls."),
        Objective("calmar", "Calmar ratio", True, "Return for the deepest drawdown."),
        Objective("omega", "Omega ratio", True, "Gains by losses of the returns."),
        Objective("total_return", "Total return", True, "What was earned, whatever the risk."),
        Objective("cagr", "Growth a year", True, "Compound growth a year, whatever the risk."),
        Objective("max_drawdown", "Deepest drawdown", True, "The smallest fall from a peak."),
        Objective("annual_volatility", "Volatility", False, "The smoothest curve."),
        Objective("profit_factor", "Profit factor", True, "Gains by losses of the trades."),
        Objective("expectancy_return", "Expectancy per trade", True, "Mean return of a trade."),
        Objective("sqn", "System quality", True, "Mean trade by its deviation, times root of the count."),
        Objective("stability", "Stability", True, "How straight the curve is."),
    )
}
DEFAULT_OBJECTIVE = "sharpe"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A bound on a figure: runs beyond it are not considered (e.g. at least 30 trades)."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, figures: FigureMap) -> bool:
        """Tell whether a run keeps it; a figure that is not known does not."""
        value = figures.get(self.metric)
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def objective_of(name: str, *, field: str = "objective") -> Objective:
    """Return an objective by name. Raises ValidationFailed that lists the known ones."""
    if name not in OBJECTIVES:
        raise ValidationFailed(f"{name[:60]!r} is no objective; known are: {', '.join(OBJECTIVES)}.", field=field)
    return OBJECTIVES[name]


def requirement_of(metric: str, at_least: float | None, at_most: float | None, *, field: str) -> Requirement:
    """Return a checked requirement. Raises ValidationFailed for an unknown figure, no bound or crossed ones."""
    if metric not in BY_NAME:
        listed = ", ".join(sorted(BY_NAME))
        raise ValidationFailed(f"{metric[:60]!r} is no figure of a run; there are: {listed}.", field=f"{field}.metric")
    if at_least is None and at_most is None:
        raise ValidationFailed("Give at_least or at_most.", field=f"{field}.at_least")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValidationFailed(f"at_least {at_least} is above at_most {at_most}.", field=f"{field}.at_least")
    return Requirement(metric, at_least, at_most)


def score(figures: FigureMap, objective: Objective, requirements: Sequence[Requirement] = ()) -> float:
    """Return a run's score, higher is better; NaN where the figure is unknown or a requirement is not met.

    So is a run whose equity never moves: doing nothing would else have the smallest drawdown of all.
    """
    value = figures.get(objective.name)
    if figures.get("max_drawdown") == 0 and figures.get("total_return") == 0:
        return math.nan
    if value is None or not math.isfinite(value) or not all(each.holds(figures) for each in requirements):
        return math.nan
    return float(value) if objective.is_maximized else -float(value)


def best(combos: Sequence[Combo], scores: Floats) -> int | None:
    """Return the row of the highest score (the first of equal ones); None where none has a score."""
    if len(combos) != len(scores):
        raise ValueError(f"{len(combos)} combinations and {len(scores)} scores do not pair")
    return None if not np.isfinite(scores).any() else int(np.nanargmax(np.where(np.isfinite(scores), scores, np.nan)))
