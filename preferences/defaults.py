"""The operator's defaults (pure): what holds where a user set nothing, read from one JSON object of the settings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from preferences.definitions import Category
from preferences.registry import CLASSES, Preferences, check_values


def defaults_of(given: Mapping[str, Any]) -> Preferences:
    """Return the built-in defaults with the operator's values in their place.

    ``given`` is ``{"risk_management": {"max_leverage": "0.5"}}``. Raises ValueError for anything that does not fit: a
    platform with misread limits must not start.
    """
    found = Preferences()
    for word, values in given.items():
        if word not in {category.value for category in CLASSES} or not isinstance(values, Mapping):
            raise ValueError(f"PREFERENCE_DEFAULTS: {word!r} is not a category of plain values")
        clean, faults = check_values(Category(word), values)
        if faults:
            raise ValueError(f"PREFERENCE_DEFAULTS: {word}.{faults[0].field}: {faults[0].message}")
        found = replace(found, **{word: replace(getattr(found, word), **clean)})
    return found
