"""Wake-ups of preferences; safe to repeat, and readers do not wait for them."""

import logging

from celery import shared_task
from django.utils import timezone

from domain.errors import PlatformError
from preferences import selectors, services
from users.models import User

logger = logging.getLogger(__name__)


@shared_task(name="preferences.expire", ignore_result=True)
def expire() -> int:
    """Put away temporary values that have expired; return how many users had some."""
    at = timezone.now()
    done = 0
    for user in User.objects.filter(pk__in=selectors.users_with_expired(at)):
        try:
            done += services.expire(user, at=at)
        except PlatformError:
            logger.exception("the expired preferences of %s could not be put away", user.pk)
    return done
