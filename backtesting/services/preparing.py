"""Telling that the engine is being compiled: workers say so while they wait for it, pages show it to who waits too."""

import logging

from django.core.cache import cache

from backtesting.warming import is_compiled
from core.pacing import is_due

logger = logging.getLogger(__name__)
_KEY = "backtests:preparing"
_SECONDS = 4  # a worker that waits says it again within this time
_PACE = 1.0


def tell() -> None:
    """Say that this worker's engine is not compiled yet; nothing where it is."""
    if is_compiled() or not is_due(_KEY, _PACE):
        return
    try:
        cache.set(_KEY, True, timeout=_SECONDS)
    except Exception:  # whatever the cache's client raises: the work goes on, untold
        logger.warning("it can not be told that the engine is being prepared", exc_info=True)


def is_preparing() -> bool:
    """Tell whether a worker compiles the engine at this moment."""
    try:
        return bool(cache.get(_KEY))
    except Exception:  # the page is shown without it
        logger.warning("it can not be asked whether the engine is being prepared", exc_info=True)
        return False
