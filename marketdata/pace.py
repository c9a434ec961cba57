"""How often the pages of a user want live bars, asked when a page begins to listen and when preferences change."""

from typing import Any

from preferences import selectors as preferences
from preferences.selectors import CorruptPreferences


def bars_pace(user: Any) -> float | None:
    """Return the seconds between two batches of bars (0: as they come), None where the user wants no live bars."""
    try:
        wishes = preferences.current(user.pk).market_data
    except CorruptPreferences:
        return 0.0  # prices are shown rather than hidden while nobody can read what was wished
    if not wishes.realtime_enabled:
        return None
    return 0.0 if wishes.refresh_interval_seconds <= 1 else float(wishes.refresh_interval_seconds)
