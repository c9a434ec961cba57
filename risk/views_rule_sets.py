"""Many rules at once on the risk page: those that are ticked, and ready sets. All of it or nothing."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.pages import carry_out, page
from portfolio.models import Account
from risk import selectors
from risk.models import RiskRule
from risk.rule_templates import TEMPLATES
from risk.services import rule_sets
from risk.services.rules import Operation, change_rules

DONE = {"enable": "in force", "disable": "out of force", "delete": "removed"}


class BulkForm(forms.Form):
    """What is done with which rules; a stranger's rule is no choice."""

    op = forms.ChoiceField(choices=[(name, name) for name in DONE])
    rule = forms.ModelMultipleChoiceField(RiskRule.objects.none())

    def __init__(self, user: Any, data: Any) -> None:
        super().__init__(data)
        chosen: Any = self.fields["rule"]
        chosen.queryset = selectors.rules_of(user).order_by("name")


class TemplateForm(forms.Form):
    """Which ready set, for which account."""

    template = forms.ChoiceField(label="Ready set", choices=[(each.name, each.title) for each in TEMPLATES.values()])
    account = forms.ModelChoiceField(Account.objects.none(), required=False, empty_label="All my accounts")

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data)
        choose: Any = self.fields
        choose["account"].queryset = Account.objects.for_user(user).filter(is_archived=False)


@page
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Put the ticked rules in or out of force, or remove them once that was confirmed."""
    form = BulkForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, "Tick the rules first, then choose what to do with them.")
        return redirect("risk:overview")
    op, rules = form.cleaned_data["op"], list(form.cleaned_data["rule"])
    if op == "delete" and "confirmed" not in request.POST:
        return render(request, "risk/rules_remove.html", {"rules": rules})
    ids: list[UUID] = [rule.pk for rule in rules]
    carry_out(
        request,
        lambda: change_rules(request.user, [Operation(op=op, rule_id=pk) for pk in ids], at=timezone.now()),
        done=f"{_counted(len(ids))} {DONE[op]}: the next order is judged so.",
    )
    return redirect("risk:overview")


@page
@require_POST
def apply_template(request: HttpRequest) -> HttpResponse:
    """Put a ready set of rules in force."""
    form = TemplateForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a ready set and an account of yours.")
        return redirect("risk:overview")
    name, account = form.cleaned_data["template"], form.cleaned_data["account"]
    carry_out(
        request,
        lambda: rule_sets.apply_template(request.user, name, account=account, at=timezone.now()),
        done=lambda made: f"{TEMPLATES[name].title}: {_counted(len(made))} in force from the next order on.",
    )
    return redirect("risk:overview")


def _counted(n: int) -> str:
    return f"{n} rule is" if n == 1 else f"{n} rules are"
