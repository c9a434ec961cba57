"""The form of a new platform token."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from core.api.permissions import Scope

SCOPE_WORDS = {
    "read": "Read: see accounts, orders, data and results",
    "trade": "Trade: place and cancel orders, start and stop strategies",
    "admin": "Admin: change limits, preferences and tokens",
}
LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Never"))


class TokenForm(forms.Form):
    """What the token may do, for how long and from where; the password is asked again."""

    name = forms.CharField(max_length=100, help_text="What uses it, so that you know what to revoke.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, SCOPE_WORDS.get(scope.value, scope.value)) for scope in Scope],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        initial=["read"],
        label="May",
    )
    days = forms.ChoiceField(choices=LIFETIMES, required=False, initial="90", label="Expires after")
    ip_networks = forms.CharField(
        required=False,
        max_length=2000,
        label="Only from",
        help_text="Addresses or networks such as 192.0.2.0/24, separated by commas.",
    )
    password = forms.CharField(
        max_length=4096,
        strip=False,
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    @property
    def values(self) -> dict[str, Any]:
        """The cleaned form as apikeys.services.make_token takes it."""
        given = self.cleaned_data
        lifetime = given["days"]
        return {
            "name": given["name"],
            "scopes": given["scopes"],
            "expires_at": timezone.now() + timedelta(days=int(lifetime)) if lifetime else None,
            "ip_networks": [word for word in given["ip_networks"].replace(",", " ").split() if word],
        }
