"""Giving the password again before something dangerous: it counts for five minutes, in this session alone."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import authenticate

FRESH = timedelta(minutes=5)
_KEY = "password_given_at"


def note(request: Any, *, at: datetime) -> None:
    """Remember that the user of this session has just given the password."""
    request.session[_KEY] = at.timestamp()


def is_fresh(request: Any, *, at: datetime) -> bool:
    """Tell whether the password was given in this session within the last five minutes."""
    session = getattr(request, "session", None)
    given = session.get(_KEY) if session is not None else None
    return isinstance(given, int | float) and 0 <= at.timestamp() - given <= FRESH.total_seconds()


def confirm(request: Any, password: str, *, at: datetime) -> bool:
    """Check the password of the session's user and remember it; wrong ones count as failed sign-ins."""
    found = authenticate(request, username=request.user.get_username(), password=password)
    if found is None or found.pk != request.user.pk:
        return False
    note(request, at=at)
    return True
