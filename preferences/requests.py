"""What preference pages take from a request: who changes what from where, the version that was seen, the word given."""

from django.utils import timezone

from core.api.client import client_ip, user_agent
from preferences.pages import AboutChangeForm
from preferences.writing import Origin
from users import reauthentication
from users.requests import SignedInRequest


def gave_password(request: SignedInRequest) -> bool:
    """Tell whether the password was given within the last five minutes."""
    return reauthentication.is_fresh(request, at=timezone.now())


def is_confirmed(request: SignedInRequest, ask: AboutChangeForm) -> bool:
    """A critical loosening needs the word and the password, given now or within the last five minutes."""
    if not ask.cleaned_data["confirm"]:
        return False
    now = timezone.now()
    password = ask.cleaned_data["password"]
    if reauthentication.is_fresh(request, at=now):
        return True
    return bool(password) and reauthentication.confirm(request, password, at=now)


def version_seen(request: SignedInRequest) -> int | None:
    """Return the version that the page showed; None where it names none."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def origin_of(request: SignedInRequest) -> Origin:
    """Return who makes the change, and from where."""
    return Origin(author=request.user, ip=client_ip(request), user_agent=user_agent(request))
