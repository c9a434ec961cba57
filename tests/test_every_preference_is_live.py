"""For every preference a test changes it through the API and sees what runs obey; a new one needs its own.

Such a test says so with ``core.testing.changes``.
"""

from dataclasses import fields
from importlib import import_module

import pytest

from preferences.definitions import Category
from preferences.notices import NotificationEntry, NotificationPreferences
from preferences.registry import DEFINITIONS

MODULES = (
    "trading.tests.test_live_trading",
    "trading.tests.test_live_risk",
    "trading.tests.test_live_strategies",
    "trading.tests.test_live_data",
    "trading.tests.test_live_notifications",
    "trading.tests.test_suggestions",
    "marketdata.tests.test_hours",
    "realtime.tests.test_pace",
)
NAMES = {"event_type", "entries"}  # which entry it is, not what it says
NOTICES = {each.name for each in (*fields(NotificationEntry), *fields(NotificationPreferences))} - NAMES
EVERY = [
    *(f"{category}.{name}" for category, known in DEFINITIONS.items() for name in known),
    *(f"{Category.NOTIFICATIONS}.{name}" for name in sorted(NOTICES)),
]


def live_tests() -> dict[str, list[str]]:
    """Return the tests of each preference."""
    found: dict[str, list[str]] = {}
    for module in MODULES:
        for name, value in vars(import_module(module)).items():
            for field in getattr(value, "changes", ()) if name.startswith("test_") else ():
                found.setdefault(field, []).append(f"{module}.{name}")
    return found


@pytest.mark.parametrize("field", EVERY)
def test_every_preference_is_changed_by_a_live_test(field: str) -> None:
    assert live_tests().get(field), f"no live test changes {field}"


def test_no_live_test_names_a_preference_that_is_not_there() -> None:
    assert set(live_tests()) <= set(EVERY)


def test_every_preference_is_obeyed() -> None:
    assert [name for known in DEFINITIONS.values() for name, each in known.items() if not each.obeyed] == []
