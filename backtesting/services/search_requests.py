"""What a user asks of a search, and what is wrong with it whatever bars there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backtesting.search.draws import Method
from backtesting.search.objectives import DEFAULT_OBJECTIVE
from backtesting.search.space import Space
from backtesting.services.requests import Checked, RunRequest
from backtesting.walkforward.windows import Mode
from domain.errors import FieldError, ValidationFailed
from strategies.parameters import read_parameters

CPCV = "cpcv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is searched: the base run, a space over some of its parameters, and what is best."""

    run: RunRequest
    space: Mapping[str, Any]
    constraints: Sequence[str] = ()
    method: str = Method.GRID
    n_trials: int | None = None
    objective: str = DEFAULT_OBJECTIVE
    requirements: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRequest:
    """A search in every window. ``mode`` rolling, anchored or cpcv; windows by their count, or by bars."""

    search: SearchRequest
    mode: str = Mode.ROLLING
    n_windows: int | None = None
    train: int | None = None
    test: int | None = None
    step: int | None = None
    purge: int = 0
    embargo: int = 0
    groups: int = 6
    test_groups: int = 2


def check_walk(request: WalkRequest) -> None:
    """Refuse what would be left out of account: a half of a pair, two ways to say the same, a way of another mode."""
    given = {name: getattr(request, name) is not None for name in ("train", "test", "step")}
    message = ""
    if request.search.method == Method.TPE:
        field, message = "method", "A walk-forward searches each window by grid or random; tpe is for sweeps."
    elif request.mode == CPCV and request.search.objective != DEFAULT_OBJECTIVE:
        field, message = "objective", f"{CPCV} chooses by {DEFAULT_OBJECTIVE}; other objectives need windows."
    elif request.mode == CPCV and request.search.requirements:
        field, message = "requirements", f"{CPCV} takes no requirements; they need windows."
    elif request.mode == CPCV and any(given.values()):
        field, message = next(name for name in given if given[name]), f"{CPCV} takes groups and test_groups instead."
    elif given["train"] != given["test"]:
        field = "test" if given["train"] else "train"
        message = "train and test are given together, both in bars; or give windows alone."
    elif given["train"] and request.n_windows is not None:
        field, message = "windows", "Give either windows or train and test: how many there are follows from their bars."
    elif given["step"] and not given["test"]:
        field, message = "step", "A step is given with train and test."
    if message:
        raise ValidationFailed(message, field=field, code="not_allowed")


def beyond_bounds(base: Checked, space: Space) -> list[FieldError]:
    """Name each parameter whose values the strategy itself would never take, with the first such value."""
    kind, fixed = base.kind.strategy.Params, base.params.model_dump(mode="json")
    found: dict[str, FieldError] = {}
    for name, value in space.outermost:
        try:
            read_parameters(kind, {**fixed, name: value}, field="space")
        except ValidationFailed as error:
            for fault in error.errors:
                if fault.field == f"space.{name}":
                    found.setdefault(name, fault)
    return list(found.values())
