"""Escalation: a breach that nobody has acknowledged is told again and again, more urgently each time."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from core.bus import publish
from domain.events import RiskBreachEscalated
from risk.decisions import Action
from risk.escalation import is_critical, next_at
from risk.models import RiskBreach


def begin_escalation(breach: RiskBreach) -> None:
    """Set the clock of a breach that was just told, save where its rule only warns. The caller saves the row."""
    breach.escalation = 0
    breach.escalates_at = None if breach.action == Action.WARN else next_at(timezone.now(), 0)


def end_escalation(breach: RiskBreach) -> None:
    """Stop the clock, unless a latch still holds that nobody has seen. The caller saves the row."""
    is_seen = breach.acknowledged_at is not None or breach.released_at is not None
    if is_seen or not breach.is_latched:
        breach.escalates_at = None


def escalate_due(now: datetime) -> int:
    """Tell every breach again whose time has come and that nobody has acknowledged; return how many.

    Publishes RiskBreachEscalated. Safe to run anywhere at any time: each row is locked and moved on at once.
    """
    due = RiskBreach.objects.filter(escalates_at__lte=now).values_list("pk", flat=True)
    return sum(_escalate(pk, now) for pk in due)


@transaction.atomic
def _escalate(pk: UUID, now: datetime) -> bool:
    skips = connection.features.has_select_for_update_skip_locked
    rows = RiskBreach.objects.select_for_update(skip_locked=skips).filter(pk=pk, escalates_at__lte=now)
    breach = rows.first()
    if breach is None or breach.escalates_at is None:
        return False
    began: datetime = breach.escalates_at - (next_at(now, breach.escalation) - now)
    breach.escalation += 1
    breach.escalates_at = max(next_at(began, breach.escalation), now)
    breach.save(update_fields=["escalation", "escalates_at", "updated_at"])
    publish(
        RiskBreachEscalated(
            at=now,
            user_id=breach.user_id,
            account_id=breach.account_id,
            rule=breach.rule_name,
            type=breach.type,
            value=None if breach.value is None else float(breach.value),
            limit=float(breach.limit),
            message=breach.message,
            breach_id=breach.pk,
            strategy_id=breach.strategy_id,
            symbol=breach.symbol,
            n_told_again=breach.escalation,
            is_critical=is_critical(breach.escalation),
        )
    )
    return True
