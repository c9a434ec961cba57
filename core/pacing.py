"""How often something may happen, across all processes: kept in the cache; allowed when that can not be reached."""

import logging

from django.core.cache import cache

logger = logging.getLogger(__name__)


def is_due(key: str, seconds: float) -> bool:
    """Tell whether ``key`` was not due within the last ``seconds``; asking takes the turn."""
    try:
        return bool(cache.add(f"pace:{key}", 1, timeout=seconds))
    except Exception:  # whatever the cache's client raises: telling too often is better than never
        logger.warning("the pace of %s can not be kept", key, exc_info=True)
        return True
