"""Signing in and out, the password, the profile. Failed sign-ins are counted by django-axes."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import page
from realtime import push
from users.client_address import client_address
from users.forms import PasswordChangeForm, ProfileForm, SignInForm
from users.models import User
from users.requests import SignedInRequest
from users.selectors import open_sessions, recent_attempts
from users.services import end_other_sessions, end_session, note_sign_in, record_failed_sign_in


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignInView(auth_views.LoginView):
    """The sign-in page; whoever is signed in already goes on to the home page."""

    template_name = "users/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, and write down where and with what."""
        response = super().form_valid(form)
        agent = self.request.META.get("HTTP_USER_AGENT", "")
        note_sign_in(self.request.session, ip=client_address(self.request), agent=agent, at=timezone.now())
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show what is wrong; a refused sign-in is told as a fact."""
        if form.has_error(NON_FIELD_ERRORS):
            name = form.cleaned_data.get("username", "")
            record_failed_sign_in(name, ip=client_address(self.request), at=timezone.now())
        return super().form_invalid(form)


class SignOutView(auth_views.LogoutView):
    """Sign out, by POST only; the session's websockets close at once."""

    http_method_names = ["post", "options"]  # noqa: RUF012 - Django declares it as a plain list

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session and have its sockets look again."""
        user_id = request.user.pk
        response = super().post(request, *args, **kwargs)
        if user_id is not None:
            push.recheck(user_id)
        return response


class PasswordChangeView(auth_views.PasswordChangeView):
    """Change the own password; other sessions of the account end."""

    template_name = "users/password_change.html"
    form_class = PasswordChangeForm
    success_url = reverse_lazy("users:password_changed")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password; sockets of the sessions that end with it close at once."""
        response = super().form_valid(form)
        push.recheck(str(self.request.user.pk))
        return response


class PasswordChangedView(auth_views.PasswordChangeDoneView):
    """Say that the password was changed."""

    template_name = "users/password_changed.html"


@page
@require_http_methods(["GET", "POST"])
def account(request: SignedInRequest) -> HttpResponse:
    """Show the own account: profile, password, where it is signed in, how sign-ins went. A POST changes the profile."""
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("users:account")
    context = {
        "form": form,
        "sessions": open_sessions(request.user, current_key=request.session.session_key),
        "attempts": recent_attempts(request.user),
    }
    return render(request, "users/account.html", context)


@page
@require_POST
def sign_out_elsewhere(request: SignedInRequest) -> HttpResponse:
    """End every other session of the account."""
    ended = end_other_sessions(request.user, current_key=request.session.session_key or "")
    where = "1 other place" if ended == 1 else f"{ended} other places"
    messages.success(request, f"Signed out in {where}." if ended else "You were signed in nowhere else.")
    return redirect("users:account")


@page
@require_POST
def sign_out_session(request: SignedInRequest, reference: str) -> HttpResponse:
    """End one session of the account."""
    if not end_session(request.user, reference):
        raise Http404(reference)
    messages.success(request, "Signed out there.")
    return redirect("users:account")


def locked_out(request: HttpRequest, original: Any = None, credentials: Any = None) -> HttpResponse:
    """Answer a sign-in that is refused because too many failed before it."""
    response = render(request, "users/locked_out.html", status=429)
    response["Retry-After"] = "900"
    return response
