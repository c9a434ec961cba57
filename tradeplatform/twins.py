"""A strategy's twin: its real life beside its shadow backtest.

It is made here, on the floor that sees both trading and backtesting, which do not know each other: trading reads what
happened, backtesting runs what would have happened, analytics puts the two next to each other.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from analytics.twin.comparing import compare
from analytics.twin.values import Comparison
from backtesting.services.shadowing import ShadowRequest, shadow_of
from risk.past_rules import own_rules_at
from strategies import selectors as strategies
from strategies.models import Strategy
from trading.twin_happenings import happenings_of
from trading.twin_life import Life, life_of
from trading.twin_side import live_side


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A strategy with its life and the comparison; both None where it never ran."""

    strategy: Strategy
    life: Life | None = None
    comparison: Comparison | None = None

    @property
    def message(self) -> str:
        """The outcome in one sentence."""
        if self.comparison is None:
            return "It has not been started with its present settings yet, so there is nothing to compare."
        n, matched = len(self.comparison.differences), self.comparison.n_matched
        if n:
            return f"{n} of {n + matched} steps differ from the backtest; each has its cause."
        if matched:
            return f"All {matched} steps are those of the backtest."
        return "Neither it nor its backtest has done anything yet."


def twin_of(user: Any, strategy_id: UUID | str) -> Twin:
    """Return the twin of a user's strategy.

    Raises NotFound, StrategyError where its code is gone, ValidationFailed for too many bars, Conflict while busy.
    """
    strategy = strategies.strategy_for(user, strategy_id)
    life = life_of(strategy)
    if life is None:
        return Twin(strategy=strategy)
    request = ShadowRequest(
        strategy=strategy,
        start_at=life.start_at,
        end_at=life.end_at,
        equity=life.equity,
        preferences=life.preferences,
        own_rules=own_rules_at(strategy.account, strategy_id=strategy.pk, at=life.began_at),
    )
    comparison = compare(live_side(life), shadow_of(request), happenings_of(life))
    return Twin(strategy=strategy, life=life, comparison=comparison)
