"""Rehearsal on pages: rules of one's own, a ready set, or a rule that is being written, over one's past orders."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import page, show_faults
from domain.errors import PlatformError
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk import selectors as risk
from risk.decisions import RuleSpec
from risk.forms import RuleForm
from risk.models import RiskRule
from risk.rehearsal import Rehearsal, rehearse
from risk.rule_templates import TEMPLATES
from risk.rules.table import offered
from risk.services.rules import build_rule
from trading.rehearsals import MAX_DECISIONS, records_of

N_SHOWN = 50
SPANS = (("", "All of them"), ("7", "The last 7 days"), ("30", "The last 30 days"), ("365", "The last year"))


class RehearsalForm(forms.Form):
    """Which rules, over whose past orders."""

    account = forms.ModelChoiceField(Account.objects.none(), empty_label=None)
    days = forms.ChoiceField(choices=SPANS, required=False, label="Orders of")
    template = forms.ChoiceField(required=False, label="A ready set of rules")
    rules = forms.ModelMultipleChoiceField(
        RiskRule.objects.none(),
        required=False,
        label="Rules of your own",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data, auto_id="rehearse_%s")
        choose: Any = self.fields
        choose["account"].queryset = portfolio.accounts_of(user).order_by("created_at")
        choose["template"].choices = [("", "None"), *((each.name, each.title) for each in TEMPLATES.values())]
        choose["rules"].queryset = risk.rules_of(user).order_by("name")
        choose["rules"].label_from_instance = lambda rule: rule.name if rule.enabled else f"{rule.name} (off)"

    def clean(self) -> dict[str, Any]:
        """Ask for something to rehearse."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given.get("template") and not given.get("rules"):
            raise forms.ValidationError("Choose a ready set, or rules of your own.", code="required")
        return given


@page
@require_http_methods(["GET", "POST"])
def rehearsal(request: HttpRequest) -> HttpResponse:
    """Show the form, and after a POST what the chosen rules would have done."""
    form = RehearsalForm(request.user, request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        account = form.cleaned_data["account"]
        context |= _held(account, _chosen(request.user, form.cleaned_data), form.cleaned_data["days"])
    return render(request, "risk/_rehearsal.html", context)


@page
@require_POST
def rehearse_rule(request: HttpRequest, type_name: str) -> HttpResponse:
    """Rehearse the rule that is being written over each of its accounts' past orders; nothing is saved."""
    rule_type = offered().get(type_name)
    if rule_type is None:
        raise Http404("There is no such rule type")
    form = RuleForm(rule_type, request.user, request.POST)
    context: dict[str, Any] = {"form": form, "is_alone": True}
    if form.is_valid():
        account = form.cleaned_data["account"] or portfolio.accounts_of(request.user).order_by("created_at").first()
        try:
            rule = build_rule(request.user, form.values)
        except PlatformError as error:
            show_faults(form, error)
        else:
            context |= {} if account is None else _held(account, [risk.spec_of(rule)], "")
    return render(request, "risk/_rehearsal.html", context)


def _chosen(user: Any, given: dict[str, Any]) -> Iterable[RuleSpec]:
    template = TEMPLATES.get(given["template"])
    made = [build_rule(user, {**values, "account": None}) for values in template.values()] if template else []
    return [risk.spec_of(rule) for rule in (*made, *given["rules"])]


def _held(account: Account, rules: Iterable[RuleSpec], days: str) -> dict[str, Any]:
    start = (account.market_at or timezone.now()) - timedelta(days=int(days)) if days else None
    found: Rehearsal = rehearse(records_of(account, start=start), *rules)
    return {
        "account": account,
        "found": found,
        "n_stopped": len(found.stopped),
        "shown": found.stopped[-N_SHOWN:][::-1],
        "is_cut": found.n_decisions >= MAX_DECISIONS,
        "currency": account.currency,
    }
