"""Wake-ups and the sweep of notifications; safe to repeat, the work is in rows."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from core import durability
from notifications.services import releasing, sweeping


@shared_task(name="notifications.route_fact", ignore_result=True)
def route_fact(*event_ids: str) -> int:
    """Tell one fact, or several that were committed together, to whom they concern."""
    with durability.relaxed():  # what a power cut takes, the sweep routes again
        return sweeping.route_facts([UUID(event_id) for event_id in event_ids], at=timezone.now())


@shared_task(name="notifications.sweep", ignore_result=True)
def sweep() -> int:
    """Tell facts that were missed; release what was held; send digests; end snoozes."""
    at = timezone.now()
    return (
        sweeping.route_undecided(at=at)
        + releasing.release_held(at=at)
        + releasing.send_digests(at=at)
        + releasing.end_snoozes(at=at)
    )


@shared_task(name="notifications.ask_again", ignore_result=True)
def ask_again(user_id: str) -> int:
    """Ask again for what is held for a user, under the preferences of now."""
    at = timezone.now()
    releasing.ask_again(UUID(user_id), at=at)
    return releasing.release_held(at=at)
