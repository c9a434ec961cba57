"""A user's preferences as risk rules (pure): evaluated with the user's own rules, the strictest wins."""

from dataclasses import dataclass
from decimal import Decimal

from preferences.definitions import Category
from preferences.registry import DEFINITIONS, Preferences
from risk.decisions import Action, RuleSpec, Source


@dataclass(frozen=True, slots=True)
class _Part:
    category: Category
    field: str
    type: str
    words: str


_RISK, _TRADING = Category.RISK_MANAGEMENT, Category.TRADING
PARTS = (
    _Part(_RISK, "max_position_size_percent", "max_position_size", "Largest position"),
    _Part(_RISK, "max_portfolio_exposure_percent", "max_exposure", "Largest exposure"),
    _Part(_RISK, "max_sector_concentration_percent", "sector_limit", "Largest sector"),
    _Part(_RISK, "stop_loss_percent", "stop_loss", "Stop loss"),
    _Part(_RISK, "take_profit_percent", "take_profit", "Take profit"),
    _Part(_RISK, "max_drawdown_percent", "max_drawdown", "Largest drawdown"),
    _Part(_RISK, "max_daily_loss_percent", "max_daily_loss", "Largest loss per session"),
    _Part(_RISK, "max_leverage", "max_leverage", "Largest leverage"),
    _Part(_RISK, "max_correlation", "max_correlation", "Largest correlation"),
    _Part(_TRADING, "max_concurrent_positions", "position_limit", "Most open positions"),
)
PREFERENCE_TYPES = frozenset(part.type for part in PARTS if DEFINITIONS[part.category][part.field].obeyed)
"""Types of the rules that preferences make for everybody."""
_NO_LIMIT = {"stop_loss": Decimal(0), "take_profit": Decimal(0), "max_correlation": Decimal(1)}
"""Values that set no limit; no correlation is above 1, so with it none has to be known."""


def rules_from(preferences: Preferences) -> tuple[RuleSpec, ...]:
    """Return the rules that a user's preferences make; a preference that nothing obeys yet makes none."""
    return tuple(
        RuleSpec(
            key=f"preferences:{part.field}",
            name=f"{part.words} (preferences)",
            type=part.type,
            limit=limit,
            action=Action.REJECT,
            source=Source.PREFERENCES,
        )
        for part in PARTS
        if DEFINITIONS[part.category][part.field].obeyed
        for limit in [Decimal(getattr(getattr(preferences, part.category), part.field))]
        if limit != _NO_LIMIT.get(part.type)
    )
