"""Which changes are critical (pure): a limit loosened by more than half, or past its safety ceiling."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from preferences.definitions import Category, Definition
from preferences.registry import DEFINITIONS, Preferences

INFINITE = Decimal("Infinity")
_HALF_MORE = Decimal("1.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """One limit that a change loosens critically."""

    category: Category
    field: str
    old: Decimal
    new: Decimal
    message: str
    passes_ceiling: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as answers show it."""
        name = f"{self.category.value}.{self.field}"
        return {"field": name, "old": float(self.old), "new": float(self.new), "message": self.message}


def loosenings(before: Preferences, after: Preferences) -> tuple[Loosening, ...]:
    """Return every limit that the step from ``before`` to ``after`` loosens critically."""
    found = [
        _loosening(
            category, definition, getattr(getattr(before, category), name), getattr(getattr(after, category), name)
        )
        for category, known in DEFINITIONS.items()
        for name, definition in known.items()
        if definition.is_limit
    ]
    return tuple(each for each in found if each is not None)


def _loosening(category: Category, definition: Definition, old: Decimal, new: Decimal) -> Loosening | None:
    was, becomes = _laxity(definition, old), _laxity(definition, new)
    if becomes <= was:
        return None
    ceiling = definition.ceiling
    passes_ceiling = ceiling is not None and becomes > ceiling
    if not passes_ceiling and becomes <= was * _HALF_MORE:
        return None
    why = f"past its safety ceiling of {ceiling}{definition.unit}" if passes_ceiling else "by more than half"
    words = (
        f"{definition.label}: from {old} to {new}{f' {definition.unit}' if definition.unit else ''} loosens it {why}"
    )
    return Loosening(
        category=category, field=definition.name, old=old, new=new, message=f"{words}.", passes_ceiling=passes_ceiling
    )


def _laxity(definition: Definition, value: Decimal) -> Decimal:
    return INFINITE if definition.zero_is_none and value == 0 else value
