"""Changes of preferences as functions (pure): what a category, or a temporary value, makes of the version before it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.errors import ValidationFailed
from preferences import overrides
from preferences.definitions import Category
from preferences.entries import with_entries
from preferences.overrides import Version
from preferences.registry import Preferences, check_values, contradictions, strategy_contradictions

LONGEST_OVERRIDE = timedelta(days=30)
Change = Callable[[Preferences], Preferences]
Move = Callable[[Version, datetime], Version]


def applied(category: Category, values: Mapping[str, Any]) -> Change:
    """Return the function that makes the preferences after a change; it raises ValidationFailed or Conflict."""
    if category is Category.NOTIFICATIONS:
        return lambda before: replace(before, notifications=with_entries(before.notifications, values))

    def apply(before: Preferences) -> Preferences:
        clean, faults = check_values(category, values)
        after = replace(before, **{category.value: replace(getattr(before, category.value), **clean)})
        if category is Category.RISK_MANAGEMENT:
            faults += contradictions(after, frozenset(clean))
        if category is Category.STRATEGY:
            faults += strategy_contradictions(after, frozenset(clean))
        if faults:
            raise ValidationFailed.of(tuple(faults))
        return after

    return apply


def lasting(category: Category, values: Mapping[str, Any]) -> Move:
    """Return the move that sets values for good; temporary ones of the same fields end."""
    apply = applied(category, values)

    def move(before: Version, at: datetime) -> Version:
        apply(before.at(at))  # what does not fit together with a temporary value is refused too
        kept = overrides.without(overrides.live(before.overrides, at), category, values)
        return Version(apply(before.base), kept)

    return move


def temporary(category: Category, values: Mapping[str, Any], expires_at: datetime) -> Move:
    """Return the move that lays values over a category until ``expires_at``. It raises ValidationFailed."""
    apply = applied(category, values)

    def move(before: Version, at: datetime) -> Version:
        if category is Category.NOTIFICATIONS:
            raise ValidationFailed("Notifications can be muted for a while instead", field="expires_at", code="invalid")
        if not at < expires_at <= at + LONGEST_OVERRIDE:
            text = f"{expires_at.isoformat()} is not within the next {LONGEST_OVERRIDE.days} days"
            raise ValidationFailed(text, field="expires_at", code="out_of_range")
        part = getattr(apply(before.at(at)), category.value)
        clean = {name: getattr(part, name) for name in values}
        return Version(before.base, overrides.laid(overrides.live(before.overrides, at), category, clean, expires_at))

    return move


def changed_fields(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """Return {category.field: {"old", "new"}} of two snapshots; all fields when there is no readable one before."""
    changed: dict[str, Any] = {}
    for category, new in after.items():
        old = (before or {}).get(category, {})
        for name in sorted(set(old) | set(new)):
            if before is None or old.get(name) != new.get(name):
                changed[f"{category}.{name}"] = {"old": old.get(name), "new": new.get(name)}
    return changed
