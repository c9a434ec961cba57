"""Reads of strategies: the types there are, a user's strategies, and a strategy as code with its parameters."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from domain.errors import NotFound, PlatformError, StrategyError
from strategies import base
from strategies.catalog import Catalog, StrategyType, load, stamp_of
from strategies.evaluate import warmup_of
from strategies.models import Strategy, StrategyState
from strategies.parameters import read_parameters

_lock = threading.Lock()
_loaded: dict[Path, tuple[Any, Catalog]] = {}


def strategies_folder() -> Path:
    """Return the folder into which the operator puts strategy files."""
    return Path(settings.STRATEGIES_DIR)


def catalog() -> Catalog:
    """Return every type, read again when a file of the operator's folder has changed."""
    folder = strategies_folder()
    with _lock:
        stamp = stamp_of(folder)
        known = _loaded.get(folder)
        if known is None or known[0] != stamp:
            known = _loaded[folder] = (stamp, load(folder))
        return known[1]


def strategy_type(name: str) -> StrategyType:
    """Return one type. Raises NotFound, or StrategyError with the reason when its file is broken."""
    found = catalog()
    if name in found.types:
        return found.types[name]
    for broken in found.broken:
        if broken.name == name:
            raise StrategyError(f"{broken.source} cannot be used: {broken.reason}", field="type", code="broken_type")
    known = ", ".join(sorted(found.types))
    raise NotFound(f"There is no strategy type {name[:64]!r}; there are {known}.", field="type", code="unknown_type")


@dataclass(frozen=True, slots=True)
class Runnable:
    """A strategy as code: its type and its checked parameters."""

    type: StrategyType
    params: base.Params

    @property
    def strategy(self) -> base.Strategy:
        """The type's instance, whose signals are asked."""
        return self.type.strategy

    @property
    def warmup(self) -> int:
        """How many bars it needs before the one that it decides on; raises StrategyError."""
        return warmup_of(self.strategy, self.params)


def runnable(row: Strategy) -> Runnable:
    """Return a stored strategy as code; raises StrategyError when its type or parameters no longer fit."""
    try:
        found = strategy_type(row.type)
        return Runnable(found, read_parameters(found.strategy.Params, row.parameters))
    except StrategyError:
        raise
    except PlatformError as error:
        raise StrategyError(error.message, code=error.code) from error


def strategies_of(user: Any) -> QuerySet[Strategy]:
    """Return a user's strategies with what their lists show."""
    return Strategy.objects.for_user(user).select_related("account").prefetch_related("instruments")


def strategy_for(user: Any, strategy_id: UUID | str) -> Strategy:
    """Return a user's strategy. Raises NotFound."""
    found: Strategy | None = strategies_of(user).filter(pk=strategy_id).first()
    if found is None:
        raise NotFound("There is no such strategy")
    return found


def active_strategies(account_id: UUID) -> list[Strategy]:
    """Return an account's strategies that are running or paused, in the order of their making."""
    rows = Strategy.objects.filter(account_id=account_id, state__in=[StrategyState.RUNNING, StrategyState.PAUSED])
    return list(rows.prefetch_related("instruments").order_by("created_at", "pk"))
