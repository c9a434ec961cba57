"""Splits and dividends on a page of their own: what is known, one more, one less."""

from decimal import Decimal
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import carry_out, page, show_faults
from domain.errors import PlatformError
from marketdata import action_services, selectors
from marketdata.action_services import MAX_DIVIDEND
from marketdata.models import ActionKind, CorporateAction

MAX_SHOWN = 1_000


class ActionForm(forms.Form):
    """One split or dividend."""

    symbol = forms.CharField(max_length=32)
    kind = forms.ChoiceField(
        choices=[(ActionKind.SPLIT.value, "Split"), (ActionKind.DIVIDEND.value, "Dividend")], label="What"
    )
    date = forms.DateField(
        label="Ex-date", widget=forms.DateInput(attrs={"type": "date"}), help_text="The first day without it."
    )
    value = forms.DecimalField(
        max_digits=26,
        decimal_places=8,
        min_value=Decimal("0.00000001"),
        max_value=MAX_DIVIDEND,
        label="Value",
        help_text="Of a split: new shares for one old (0.05 is 1 for 20). Of a dividend: cash a share, as traded then.",
    )


@page
@require_http_methods(["GET", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Show what is known, and write one more down."""
    form = ActionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            action_services.record_action(
                selectors.instrument(told["symbol"]),
                kind=ActionKind(told["kind"]),
                ex_date=told["date"],
                value=told["value"],
            )
        except PlatformError as error:
            show_faults(form, error)
        else:
            messages.success(request, "Written down. Prices before a split are told on today's scale from now on.")
            return redirect("marketdata:actions")
    rows = CorporateAction.objects.select_related("instrument").order_by("-ex_date", "instrument__symbol")[:MAX_SHOWN]
    return render(request, "marketdata/actions.html", {"form": form, "rows": rows})


@page
@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget one."""
    row = get_object_or_404(CorporateAction, pk=pk)
    carry_out(request, lambda: action_services.remove_action(row), done="Forgotten.")
    return redirect("marketdata:actions")
