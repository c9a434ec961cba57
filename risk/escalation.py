"""When a breach that nobody has acknowledged is told again, and how urgently (pure)."""

from datetime import datetime, timedelta

STEPS = (timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
"""Times after the break at which it is told again; after the last one, every ten minutes."""
CRITICAL_FROM = 2
"""From this time on it is critical."""


def next_at(broken: datetime, n_told_again: int) -> datetime:
    """Return when a breach of wall-clock time ``broken`` is told again that was told again ``n_told_again`` times."""
    if n_told_again < len(STEPS):
        return broken + STEPS[n_told_again]
    return broken + STEPS[-1] * (n_told_again - len(STEPS) + 2)


def is_critical(n_told_again: int) -> bool:
    """Tell whether it is critical by now."""
    return n_told_again >= CRITICAL_FROM
