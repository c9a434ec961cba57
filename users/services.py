"""Changes to accounts of people, and the facts that they give."""

from datetime import datetime

from django.db import transaction

from core.bus import publish
from domain.events import LoginFailed
from users.models import User


@transaction.atomic
def record_failed_sign_in(username: str, *, ip: str, at: datetime) -> None:
    """Publish LoginFailed; call it once for each refused sign-in.

    A name that nobody has costs the same work, so that the answer's timing does not tell which names exist. It is
    told without the name and of no user: what people type there is now and then their password.
    """
    user = User.objects.filter(username=username).only("pk", "username").first()
    publish(
        LoginFailed(
            at=at,
            user_id=user.pk if user else None,
            username=user.username if user else "",
            ip=ip,
        )
    )
