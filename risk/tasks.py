"""Wake-ups of risk. Each finds its work in the database and may run as often as anybody likes."""

from celery import shared_task
from django.utils import timezone

from risk.services.escalating import escalate_due


@shared_task(name="risk.escalate_breaches", ignore_result=True)
def escalate_breaches() -> int:
    """Tell breaches again that nobody has acknowledged in time."""
    return escalate_due(timezone.now())
