"""Breaches: somebody has seen one, and releases its latch."""

from datetime import datetime
from typing import Any

from django.db import transaction

from risk.models import RiskBreach


@transaction.atomic
def acknowledge(breach: RiskBreach, *, by: Any, release: bool = False, at: datetime) -> RiskBreach:
    """Note that a person has seen a breach; with ``release`` its latch and cool-down end. It escalates no
    further. Again changes nothing."""
    breach = RiskBreach.objects.select_for_update().get(pk=breach.pk)
    if breach.acknowledged_at is None:
        breach.acknowledged_at, breach.acknowledged_by = at, by
        breach.escalates_at = None
    if release and breach.released_at is None:
        breach.released_at, breach.holds_until = at, None
    breach.save()
    return breach
