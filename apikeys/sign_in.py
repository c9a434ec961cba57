"""Checks user name, password and one-time code outside a browser. Failures are counted by django-axes."""

import time

from allauth.mfa.models import Authenticator
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from core.api.throttling import count, token_digest
from domain.errors import RateLimited
from users.client_address import client_address
from users.models import User
from users.services import record_failed_sign_in

_REFUSED = "The user name, the password or the one-time code is not right."
_OTP_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


def check_credentials(request: HttpRequest, *, username: str, password: str, otp: str = "") -> User:
    """Return the user whose credentials these are.

    Raises AuthenticationFailed, the same for an unknown user and a wrong password; RateLimited when the account or
    the address is locked. Unknown users cost a password hash too, so the timing tells nothing either.
    """
    credentials = {"username": username}
    within, left = count("sign_in_account", token_digest(username.lower()), now=time.time())
    if not within:
        raise RateLimited("Too many attempts to sign in to this account.", retry_after=left, code="locked_out")
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise _locked(request)
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise _refused(request, username)
    if not _is_second_factor_right(user, otp):
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        raise _refused(request, username)
    return user


def _is_second_factor_right(user: User, otp: str) -> bool:
    factors = list(Authenticator.objects.filter(user=user))
    if not factors:
        return True
    return bool(otp) and any(f.wrap().validate_code(otp) for f in factors if f.type in _OTP_TYPES)


def _refused(request: HttpRequest, username: str) -> Exception:
    record_failed_sign_in(username, ip=client_address(request), at=timezone.now())
    if getattr(request, "axes_locked_out", False):
        return _locked(request)
    return AuthenticationFailed(_REFUSED, code="bad_credentials")


def _locked(request: HttpRequest) -> RateLimited:
    pause = get_cool_off(request)
    seconds = int(pause.total_seconds()) if pause else 900
    message = f"Too many failed attempts to sign in; try again in {seconds // 60} minutes."
    return RateLimited(message, retry_after=seconds, code="locked_out")
