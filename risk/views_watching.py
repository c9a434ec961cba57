"""Parts of the risk page about what watching keeps: headroom over time, what nothing protects, own crises."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.pages import carry_out, page
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk import figures, selectors
from risk.services import scenarios, unprotected

N_LINES = 8
N_PAST = 10
_LINE = re.compile(r"^(?P<word>.+?)\s*[:=]?\s+(?P<percent>[-+]?[0-9]{1,4}(\.[0-9]{1,6})?)\s*%?$", re.ASCII)


@page
@require_GET
def watching(request: HttpRequest) -> HttpResponse:
    """Show headroom over time and the unprotected gauge of every account."""
    accounts = portfolio.accounts_of(request.user).order_by("created_at")
    waived = {row.position_id: row for row in selectors.waivers_of(request.user)}
    shown = [_watched(account) for account in accounts]
    return render(request, "risk/_watching.html", {"watched": shown, "waivers": list(waived.values())})


def _watched(account: Account) -> dict[str, Any]:
    series = selectors.headroom_history(account)[:N_LINES]
    lines = [
        (each.name, [point.at.isoformat() for point in each.points], [point.used for point in each.points])
        for each in series
    ]
    return {
        "account": account,
        "gauge": selectors.unprotected_gauge(account),
        "past": selectors.unprotected_episodes(account).exclude(ended_at=None)[:N_PAST],
        "figure": figures.headroom_history(lines),
        "figure_id": f"headroom-{account.pk}",
        "series": [{"name": each.name, "last": each.last, "most": max(p.used for p in each.points)} for each in series],
    }


class WaiverForm(forms.Form):
    """Why a position needs no stop."""

    reason = forms.CharField(max_length=300)


@page
@require_POST
def sign_waiver(request: HttpRequest, position: UUID) -> HttpResponse:
    """Note that a position needs no stop, and why."""
    form = WaiverForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Write why this position needs no stop.")
        return redirect("risk:overview")
    by = request.user.get_username()
    carry_out(
        request,
        lambda: unprotected.sign_waiver(request.user, position, reason=form.cleaned_data["reason"], by=by),
        done="Signed: the gauge leaves this position out until it is closed, or you take it back.",
    )
    return redirect("risk:overview")


@page
@require_POST
def revoke_waiver(request: HttpRequest, position: UUID) -> HttpResponse:
    """Take a waiver back."""
    carry_out(
        request,
        lambda: unprotected.revoke_waiver(request.user, position, at=timezone.now()),
        done="Taken back: the gauge runs again.",
    )
    return redirect("risk:overview")


class ScenarioForm(forms.Form):
    """A crisis of one's own: moves in per cent, one a line, and of everything else."""

    name = forms.CharField(max_length=80)
    default_percent = forms.DecimalField(
        label="Everything else moves by",
        min_value=scenarios.LEAST,
        max_value=scenarios.MOST,
        max_digits=10,
        initial=-20,
    )
    shocks = forms.CharField(
        required=False,
        max_length=4000,
        label="What moves otherwise",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "AAPL -40\nEnergy -60"}),
        help_text="A symbol, sector or asset class and its per cent, one a line.",
    )

    def clean_shocks(self) -> dict[str, Decimal]:
        """Read the lines; each must end with a number."""
        found: dict[str, Decimal] = {}
        for line in self.cleaned_data["shocks"].splitlines():
            if not line.strip():
                continue
            read = _LINE.match(line.strip())
            if read is None:
                raise forms.ValidationError(f"“{line.strip()[:60]}” does not end with a per cent such as -40.")
            found[read["word"]] = Decimal(read["percent"])
        return found


@page
@require_POST
def new_scenario(request: HttpRequest) -> HttpResponse:
    """Keep a crisis of one's own; it stands beside those of the past."""
    form = ScenarioForm(request.POST)
    if not form.is_valid():
        faults = [f"{form[name].label}: {' '.join(map(str, each))}" for name, each in form.errors.items()]
        messages.error(request, " ".join(faults))
        return redirect("risk:overview")
    carry_out(
        request,
        lambda: scenarios.create_scenario(request.user, form.cleaned_data),
        done=lambda row: f"{row.name} is measured with the other scenarios now.",
    )
    return redirect("risk:overview")


@page
@require_POST
def delete_scenario(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a crisis of one's own."""
    row = get_object_or_404(selectors.scenarios_of(request.user), pk=pk)
    carry_out(request, lambda: scenarios.delete_scenario(row), done=f"{row.name} is removed.")
    return redirect("risk:overview")
