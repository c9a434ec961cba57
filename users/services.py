"""Changes to accounts of people, and the facts that they give."""

from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction

from core.bus import publish
from domain.events import LoginFailed
from realtime import push
from users.models import User
from users.selectors import SIGNED_IN, reference_of, rows_of_sessions


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


def note_sign_in(session: Any, *, ip: str, agent: str, at: datetime) -> None:
    """Write down in a session when, from where and with what it began."""
    session[SIGNED_IN] = {"at": at.timestamp(), "ip": ip, "agent": agent[:400]}


def end_session(user: User, reference: str) -> bool:
    """Sign a user out in one place; its websockets close at once. Return whether there was such a session."""
    keys = [row.session_key for row, _ in rows_of_sessions(user) if reference_of(row.session_key) == reference]
    return _end(user, keys) > 0


def end_other_sessions(user: User, *, current_key: str) -> int:
    """Sign a user out everywhere but here; return in how many places. API tokens stay valid."""
    return _end(user, [row.session_key for row, _ in rows_of_sessions(user) if row.session_key != current_key])


def _end(user: User, keys: list[str]) -> int:
    Session.objects.filter(session_key__in=keys).delete()
    if keys:
        push.recheck(user.pk)
    return len(keys)
