"""Counting trials: every different combination that a user ever had calculated for a strategy type."""

from collections.abc import Mapping, Sequence
from typing import Any

from backtesting.models import Job, Trial
from backtesting.search.trials import trial_key
from strategies.catalog import StrategyType

_BATCH = 1_000


def keys_of(job: Job, kind: StrategyType, combos: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of trials: the same code, parameters, instruments and range give the same one."""
    return [
        trial_key(
            code=kind.fingerprint,
            combo={**job.request["parameters"], **combo},
            symbols=job.symbols,
            timeframe=job.timeframe,
            start=job.start_at.isoformat(),
            end=job.end_at.isoformat(),
        )
        for combo in combos
    ]


def count_with(job: Job, keys: Sequence[str]) -> int:
    """Return how many different trials there are of the type, these included."""
    mine = Trial.objects.filter(user_id=job.user_id, type=job.type)
    known: set[str] = set()
    for start in range(0, len(keys), _BATCH):
        known.update(mine.filter(key__in=keys[start : start + _BATCH]).values_list("key", flat=True))
    return mine.count() + len(set(keys) - known)


def remember(job: Job, keys: Sequence[str]) -> None:
    """Keep trials; those that are kept already count once."""
    rows = [Trial(user_id=job.user_id, type=job.type, key=key) for key in dict.fromkeys(keys)]
    Trial.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)
