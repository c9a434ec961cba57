"""The one bar store of this process, where the settings say."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from marketdata.store import BarStore


@lru_cache(maxsize=4)
def _store(url: str, var_dir: Path | str) -> BarStore:
    return BarStore(url, lock_dir=Path(var_dir) / "locks" / "bars")


def bar_store() -> BarStore:
    """Return the store of BARS_URL (by default VAR_DIR/bars)."""
    return _store(settings.BARS_URL, settings.VAR_DIR)
