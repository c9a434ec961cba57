"""What operators see on the admin's first page: the platform's kill switch, health, outbox and dead letters."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest

from core.models import FailedDelivery, OutboxEvent
from risk.models import KillScope, KillSwitch
from tradeplatform import health


class PlatformSwitchForm(forms.Form):
    """Engage or release, and why."""

    wish = forms.ChoiceField(choices=[("engage", "engage"), ("release", "release")])
    reason = forms.CharField(max_length=300)
    password = forms.CharField(max_length=4096, strip=False, required=False)


def is_password(request: HttpRequest, password: str) -> bool:
    """Tell whether this is the password of whoever is signed in; wrong ones are counted like failed sign-ins."""
    return authenticate(request, username=request.user.get_username(), password=password) is not None


def state() -> dict[str, Any]:
    """Return the state of the platform for the admin's first page."""
    parts = health.report()
    return {
        "switch": KillSwitch.objects.filter(scope=KillScope.PLATFORM, rearmed_at=None).first(),
        "parts": [_in_words(name, part) for name, part in parts.items()],
        "n_undelivered": OutboxEvent.objects.filter(delivered_at=None).count(),
        "n_failing": FailedDelivery.objects.filter(resolved_at=None, dead=False).count(),
        "n_dead": FailedDelivery.objects.filter(resolved_at=None, dead=True).count(),
        "n_events": OutboxEvent.objects.count(),
    }


_PHRASES = {"age_seconds": "last seen, seconds ago: {}", "milliseconds": "answers in {} ms"}


def _shown(value: Any) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _in_words(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return one part of the health report as people read it."""
    details = []
    for key, value in part.items():
        if key == "ok" or value in ([], {}, None, ""):
            continue
        shown = ", ".join(f"{k} {_shown(v)}" for k, v in value.items()) if isinstance(value, dict) else _shown(value)
        details.append(_PHRASES.get(key, f"{key.replace('_', ' ')}: {{}}").format(shown))
    return {"name": name.replace("_", " "), "is_ok": part["ok"], "details": "; ".join(details)}
