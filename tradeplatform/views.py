"""The home page: panels that its user arranges, each a fragment that is read again when something it shows changes."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from core.pages import carry_out, page
from portfolio.services.accounts import open_account
from risk.services import kill_switches
from tradeplatform import home as panels
from tradeplatform.operations import PlatformSwitchForm, is_password
from users.requests import SignedInRequest

STARTING_CASH = Decimal(100_000)
MOVES = ("up", "down", "hide", "show", "reset")


def operators_only(request: HttpRequest) -> HttpResponse:
    """Stand where Django's admin asks for a sign-in: ours is asked, and who is signed in but no operator is told so."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied("Only operators open this.")
    wanted = request.GET.get("next", "") or reverse("admin:index")
    return redirect_to_login(wanted) if request.user.is_anonymous else redirect("admin:index")


@page
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    """Show the user's panels, or what to do first."""
    return render(request, "home/home.html", _home(request))


def _home(request: SignedInRequest) -> dict[str, Any]:
    shown, hidden = panels.arranged(request.user)
    parts = [{"panel": panel, "content": panel.read(request.user)} for panel in shown]
    return {"parts": parts, "hidden": hidden, "steps": panels.first_steps(request.user)}


@page
@require_GET
def panel(request: SignedInRequest, name: str) -> HttpResponse:
    """Show one panel's content."""
    found = panels.panel_named(name)
    return render(request, found.template, {"panel": found, "content": found.read(request.user)})


@page
@require_POST
def arrange(request: SignedInRequest) -> HttpResponse:
    """Move, hide or show a panel; remembered for the user."""
    move, name = request.POST.get("move", ""), request.POST.get("panel", "")
    if move not in MOVES:
        return HttpResponse("Unknown move.", status=400, content_type="text/plain")
    if move != "reset":
        panels.panel_named(name)
    panels.rearrange(request.user, name, move)
    if getattr(request, "htmx", False):
        return render(request, "home/_panels.html", _home(request))
    return redirect("home")


@page
@require_POST
def open_paper_account(request: HttpRequest) -> HttpResponse:
    """Open the first paper account, with one click."""
    carry_out(
        request,
        lambda: open_account(request.user, name="Paper", starting_cash=STARTING_CASH, at=timezone.now()),
        done="The paper account is open, with 100,000 USD of simulated money.",
    )
    return redirect("home")


@page
@require_GET
def shell_status(request: HttpRequest) -> HttpResponse:
    """Show feed age, trading state and kill switch of the top bar."""
    return render(request, "shell/_status.html")


@sensitive_post_parameters("password")
@staff_member_required
@require_POST
def platform_switch(request: HttpRequest) -> HttpResponse:
    """Engage or release the platform's kill switch: operators alone, with a reason; to release also the password."""
    form = PlatformSwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The platform's kill switch needs a reason.")
        return redirect("admin:index")
    reason, by, at = form.cleaned_data["reason"], request.user.get_username(), timezone.now()
    if form.cleaned_data["wish"] == "engage":
        carry_out(
            request,
            lambda: kill_switches.engage_kill_switch(scope="platform", reason=reason, by=by, at=at),
            done="The platform's kill switch is on: nobody's new risk is sent.",
        )
    elif not is_password(request, form.cleaned_data["password"]):
        messages.error(request, "The password is not right; the kill switch stays on.")
    else:
        carry_out(
            request,
            lambda: kill_switches.rearm_kill_switch(scope="platform", reason=reason, by=by, at=at),
            done="The platform's kill switch is released.",
        )
    return redirect("admin:index")
