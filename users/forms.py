"""Forms of the account pages."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import forms as auth_forms

from users.models import User

_TECHNICAL = ("Etc/", "SystemV/", "posix/", "right/")


class SignInForm(auth_forms.AuthenticationForm):
    """User name and password; the answer is the same for an unknown user, a wrong password and a disabled account."""

    error_messages = {  # noqa: RUF012 - Django declares it as a plain dict
        "invalid_login": "The user name or the password is not right. Both are case-sensitive.",
        "inactive": "The user name or the password is not right. Both are case-sensitive.",
    }


class PasswordChangeForm(auth_forms.PasswordChangeForm):
    """The old password, and the new one twice."""


class ProfileForm(forms.ModelForm):
    """Where mail goes, and the zone that times are shown in."""

    class Meta:
        model = User
        fields = ("email", "timezone")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(_TECHNICAL))
        self.fields["timezone"] = forms.ChoiceField(
            label="Time zone",
            choices=[("UTC", "UTC"), *((name, name.replace("_", " ")) for name in zones)],
            help_text="Times are shown in it; UTC appears when you point at one.",
        )
