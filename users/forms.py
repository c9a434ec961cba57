"""Forms of the account pages."""

from django.contrib.auth import forms as auth_forms


class SignInForm(auth_forms.AuthenticationForm):
    """User name and password; the answer is the same for an unknown user, a wrong password and a disabled account."""

    error_messages = {  # noqa: RUF012 - Django declares it as a plain dict
        "invalid_login": "The user name or the password is not right. Both are case-sensitive.",
        "inactive": "The user name or the password is not right. Both are case-sensitive.",
    }


class PasswordChangeForm(auth_forms.PasswordChangeForm):
    """The old password, and the new one twice."""
