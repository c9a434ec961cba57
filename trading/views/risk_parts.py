"""Fragments of the risk page that need orders and positions: headroom, exposure, test of an order, decisions."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from core.pages import page, show_faults
from domain.errors import PlatformError
from domain.orders import OrderSide, OrderSpec, OrderType
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk import selectors as risk
from trading.risk_report import risk_report
from trading.services.intents import Origin
from trading.services.placing import Preview, preview_order
from trading.traces import rule_lines

N_DECISIONS = 20


class TestOrderForm(forms.Form):
    """An order that is only asked about."""

    __test__ = False  # pytest would take it for a test

    account = forms.ModelChoiceField(Account.objects.none(), empty_label=None)
    symbol = forms.CharField(max_length=32)
    side = forms.ChoiceField(choices=[(side.value, side.value.capitalize()) for side in OrderSide])
    quantity = forms.DecimalField(min_value=Decimal("0.000000000001"), max_digits=28, decimal_places=12)

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data)
        chosen: Any = self.fields["account"]
        chosen.queryset = portfolio.accounts_of(user).order_by("created_at")

    @property
    def spec(self) -> OrderSpec:
        """The order as the gate is asked about it."""
        given = self.cleaned_data
        return OrderSpec(
            symbol=given["symbol"].strip().upper(),
            side=OrderSide(given["side"]),
            quantity=given["quantity"],
            type=OrderType.MARKET,
        )


@page
@require_GET
def limits(request: HttpRequest) -> HttpResponse:
    """Show headroom and exposure of every account."""
    reports = [risk_report(account) for account in portfolio.accounts_of(request.user).order_by("created_at")]
    return render(request, "risk/_limits.html", {"reports": reports})


@page
@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """Show the newest decisions with what every rule said."""
    rows = risk.decisions_of(request.user).order_by("-seq")[:N_DECISIONS]
    shown = [{"row": row, "lines": rule_lines(row.reasons, row.account.currency)} for row in rows]
    return render(request, "risk/_decisions.html", {"decisions": shown})


@page
@require_http_methods(["GET", "POST"])
def test_order(request: HttpRequest) -> HttpResponse:
    """Ask the gate about an order now; nothing is kept or sent."""
    form = TestOrderForm(request.user, request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        context |= _answer(form)
    return render(request, "risk/_test_order.html", context)


def _answer(form: TestOrderForm) -> dict[str, Any]:
    account = form.cleaned_data["account"]
    try:
        found = preview_order(account.pk, form.spec, origin=Origin())
    except PlatformError as error:
        show_faults(form, error)
        return {}
    return {"decision": found.decision, "lines": _lines(found, account.currency)}


def _lines(found: Preview, currency: str) -> list[Any]:
    reasons = [
        {
            "rule": each.rule,
            "type": each.type,
            "source": each.source.value,
            "value": each.value,
            "limit": each.limit,
            "headroom": each.headroom,
            "verdict": each.verdict.value,
            "message": each.message,
        }
        for each in found.decision.reasons
    ]
    return rule_lines(reasons, currency)
