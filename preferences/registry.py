"""All preferences of a user in one version (pure), and their way into stored JSON and back without any loss."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.errors import FieldError
from preferences.categories import (
    MarketDataPreferences,
    PerformancePreferences,
    RiskPreferences,
    StrategyPreferences,
    TradingPreferences,
)
from preferences.definitions import Category, Definition, Value, clean_all, definitions_of
from preferences.notices import NotificationPreferences

DEFINITIONS_VERSION = 2  # one more whenever a field is added: rows of an older version then take its default


@dataclass(frozen=True, slots=True)
class Override:
    """One value that holds until it expires."""

    category: Category
    field: str
    value: Value
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All preferences of one user in one version (0: never changed), those that hold only for a while included."""

    version: int = 0
    trading: TradingPreferences = field(default_factory=TradingPreferences)
    risk_management: RiskPreferences = field(default_factory=RiskPreferences)
    notifications: NotificationPreferences = field(default_factory=NotificationPreferences)
    strategy: StrategyPreferences = field(default_factory=StrategyPreferences)
    market_data: MarketDataPreferences = field(default_factory=MarketDataPreferences)
    performance: PerformancePreferences = field(default_factory=PerformancePreferences)
    overrides: tuple[Override, ...] = ()


CLASSES: dict[Category, type[Any]] = {
    Category.TRADING: TradingPreferences,
    Category.RISK_MANAGEMENT: RiskPreferences,
    Category.STRATEGY: StrategyPreferences,
    Category.MARKET_DATA: MarketDataPreferences,
    Category.PERFORMANCE: PerformancePreferences,
}
"""Every category made of plain fields; notifications have entries instead (preferences.notices)."""

DEFINITIONS: dict[Category, dict[str, Definition]] = {
    category: definitions_of(category_class) for category, category_class in CLASSES.items()
}


def offered(category: Category) -> dict[str, Definition]:
    """Return the definitions that are obeyed, by name."""
    return {name: definition for name, definition in DEFINITIONS[category].items() if definition.obeyed}


_ORDERED = (
    # The first must not exceed the second; both are of the risk category unless a category is named.
    ("stop_loss_percent", "max_drawdown_percent"),
    ("stop_loss_percent", "max_daily_loss_percent"),
    ("max_daily_loss_percent", "max_drawdown_percent"),
    ("max_position_size_percent", "max_portfolio_exposure_percent"),
    ("max_position_size_percent", "max_sector_concentration_percent"),
)


def contradictions(after: Preferences, named: frozenset[str]) -> list[FieldError]:
    """Return what does not fit together in the preferences after a change of the ``named`` risk fields.

    A pair that is set together must fit; of one that is set alone only a stop above the largest drawdown is refused:
    tightening a limit must never wait for another one.
    """
    risk = after.risk_management
    faults: dict[str, FieldError] = {}
    for small, large in _ORDERED:
        is_asked = {small, large} <= named or (small in named and large == "max_drawdown_percent" and "stop" in small)
        low, high = getattr(risk, small), getattr(risk, large)
        if is_asked and low > high:
            words = [DEFINITIONS[Category.RISK_MANAGEMENT][name].label for name in (small, large)]
            message = f"{words[0]} of {low} % lies above {words[1].lower()} of {high} %."
            faults.setdefault(small, FieldError(small, "contradiction", message))
    return list(faults.values())


def strategy_contradictions(after: Preferences, named: frozenset[str]) -> list[FieldError]:
    """Return what does not fit together in the strategy preferences."""
    part = after.strategy
    is_asked = {"min_uncorrelated_strategies", "max_strategies"} <= named
    if is_asked and part.min_uncorrelated_strategies > part.max_strategies:
        message = (
            f"{part.min_uncorrelated_strategies} uncorrelated strategies exceed the {part.max_strategies} allowed."
        )
        return [FieldError("min_uncorrelated_strategies", "contradiction", message)]
    return []


def snapshot(preferences: Preferences) -> dict[str, Any]:
    """Return all values as they are stored: plain JSON, decimals as canonical text."""
    stored: dict[str, Any] = {}
    for category, known in DEFINITIONS.items():
        part = getattr(preferences, category)
        stored[category.value] = {name: d.stored(getattr(part, name)) for name, d in known.items()}
    stored[Category.NOTIFICATIONS.value] = preferences.notifications.stored()
    return stored


def restored(stored: Any, *, version: int, definitions_version: int) -> Preferences:
    """Return the preferences of a stored snapshot; raises ValueError for anything that does not fit, in any detail.

    Nothing is replaced by a default, which could be laxer; only fields that are newer than the snapshot are.
    """
    may_lack = definitions_version < DEFINITIONS_VERSION
    if not isinstance(stored, dict) or set(stored) - {c.value for c in Category}:
        raise ValueError("the snapshot is not an object of the known categories")
    parts: dict[str, Any] = {}
    for category, category_class in CLASSES.items():
        parts[category.value] = _restored_part(stored.get(category.value), category, category_class, may_lack)
    notifications = stored.get(Category.NOTIFICATIONS.value)
    parts[Category.NOTIFICATIONS.value] = NotificationPreferences.restored(notifications)
    return Preferences(version=version, **parts)


def _restored_part(values: Any, category: Category, category_class: type[Any], may_lack: bool) -> Any:
    known = DEFINITIONS[category]
    if values is None and may_lack:
        return category_class()
    if not isinstance(values, dict) or set(values) - set(known) or (set(known) - set(values) and not may_lack):
        raise ValueError(f"{category.value} does not have the fields that it should")
    clean: dict[str, Any] = {}
    for name, value in values.items():
        try:
            clean[name] = known[name].clean(value)
        except ValueError as error:
            raise ValueError(f"{category.value}.{name}: {error.args[-1]}") from None
    return category_class(**clean)


def check_values(category: Category, values: Any) -> tuple[dict[str, Any], list[FieldError]]:
    """Return clean values and every fault of a change of plain fields."""
    return clean_all(DEFINITIONS[category], values)
