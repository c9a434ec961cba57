"""Values that hold for a while (pure): laid over the lasting ones until they expire, by every reader for itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from preferences.definitions import Category, Value
from preferences.registry import DEFINITIONS, Override, Preferences


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version: the lasting values, and what is laid over them for a while."""

    base: Preferences
    overrides: tuple[Override, ...] = ()

    def at(self, moment: datetime) -> Preferences:
        """Return what is in force then: after its expiry an override is as if it had never been."""
        if not self.overrides:
            return self.base
        live = tuple(each for each in self.overrides if each.expires_at > moment)
        after = self.base
        for each in live:
            part = replace(getattr(after, each.category.value), **{each.field: each.value})
            after = replace(after, **{each.category.value: part})
        return replace(after, overrides=live)

    @property
    def next_expiry(self) -> datetime | None:
        """Return when the first override expires."""
        return min((each.expires_at for each in self.overrides), default=None)


def live(overrides: Iterable[Override], moment: datetime) -> tuple[Override, ...]:
    """Return the overrides that have not expired."""
    return tuple(each for each in overrides if each.expires_at > moment)


def without(
    overrides: Iterable[Override], category: Category | None, names: Iterable[str] | None
) -> tuple[Override, ...]:
    """Return the overrides but those of a category's fields (None: of all)."""
    gone = None if names is None else frozenset(names)
    return tuple(
        each
        for each in overrides
        if not ((category is None or each.category is category) and (gone is None or each.field in gone))
    )


def laid(
    overrides: Iterable[Override], category: Category, values: Mapping[str, Value], expires_at: datetime
) -> tuple[Override, ...]:
    """Return the overrides with these values laid over a category until ``expires_at``."""
    kept = without(overrides, category, values)
    new = (Override(category, name, value, expires_at.astimezone(UTC)) for name, value in sorted(values.items()))
    return (*kept, *new)


def stored(overrides: Iterable[Override]) -> dict[str, Any]:
    """Return overrides as plain JSON by ``category.field``."""
    return {
        f"{each.category.value}.{each.field}": {
            "value": DEFINITIONS[each.category][each.field].stored(each.value),
            "expires_at": each.expires_at.isoformat(),
        }
        for each in overrides
    }


def restored(found: Any) -> tuple[Override, ...]:
    """Return the overrides of stored JSON; raises ValueError for anything that does not fit."""
    if not isinstance(found, dict):
        raise ValueError("the temporary values are not an object")
    return tuple(_restored(name, each) for name, each in found.items())


def _restored(name: str, found: Any) -> Override:
    word, _, field = name.partition(".")
    if not isinstance(found, dict) or set(found) != {"value", "expires_at"}:
        raise ValueError(f"the temporary value of {name} is not whole")
    category = Category(word)
    definition = DEFINITIONS.get(category, {}).get(field)
    if definition is None:
        raise ValueError(f"there is no preference {name}")
    expires_at = datetime.fromisoformat(found["expires_at"])
    if expires_at.tzinfo is None:
        raise ValueError(f"the expiry of {name} has no zone")
    return Override(category, field, definition.clean(found["value"]), expires_at)
