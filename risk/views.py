"""The risk page and the rule editor. What needs orders and the account's state comes as fragments from trading."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import carry_out, is_fragment, page, show_faults
from domain.errors import PlatformError
from domain.portfolio import TradingState
from portfolio import selectors as portfolio
from portfolio.services.accounts import set_trading_state
from preferences import selectors as preferences
from risk import selectors
from risk.forms import UNITS, KillForm, ReleaseForm, RuleForm, StateForm, kill_targets, type_title
from risk.from_preferences import rules_from
from risk.models import KillScope, KillSwitch, RiskRule
from risk.rules.table import RULE_TYPES, offered
from risk.rules.types import Unit
from risk.services import breaches as breach_services
from risk.services import kill_switches, rules
from risk.views_rule_sets import TemplateForm
from risk.views_watching import ScenarioForm
from risk.words import grouped

N_BREACHES = 30
STATES = (
    (TradingState.ACTIVE, "Let it trade"),
    (TradingState.REDUCING, "Only reduce"),
    (TradingState.HALTED, "Halt"),
)


@page
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show trading states, kill switches, limits, rules, breaches and decisions."""
    context = {
        **_states(request),
        **_breaches(request),
        "kill_url": reverse("risk:kill"),
        "scenario_form": ScenarioForm(),
        "rules": _rule_rows(request.user),
        "template_form": TemplateForm(request.user),
        "preference_rules": _preference_rows(request.user),
    }
    return render(request, "risk/overview.html", context)


@page
@require_GET
def states(request: HttpRequest) -> HttpResponse:
    """Show the trading states and kill switches alone."""
    return render(request, "risk/_states.html", _states(request))


@page
@require_GET
def breaches(request: HttpRequest) -> HttpResponse:
    """Show the breaches alone."""
    return render(request, "risk/_breaches.html", _breaches(request))


def _states(request: HttpRequest) -> dict[str, Any]:
    names = dict(kill_targets(request.user))
    switches = [
        {
            "row": switch,
            "what": names.get(f"{switch.scope}:{switch.target_id}", names.get(switch.scope, "The whole platform")),
            "may_release": switch.scope != KillScope.PLATFORM or request.user.is_staff,
        }
        for switch in selectors.engaged_switches(request.user)
    ]
    accounts = portfolio.accounts_of(request.user).order_by("created_at")
    return {"accounts": accounts, "switches": switches, "states": STATES, "kill_form": KillForm(request.user)}


def _breaches(request: HttpRequest) -> dict[str, Any]:
    return {"breaches": selectors.breaches_of(request.user).order_by("-created_at")[:N_BREACHES]}


def _rule_rows(user: Any) -> list[dict[str, Any]]:
    return [
        {
            "row": rule,
            "title": type_title(rule.type),
            "limit": _limit_words(rule.limit, rule.type, rule.account.currency if rule.account else ""),
        }
        for rule in selectors.rules_of(user).order_by("name")
    ]


def _limit_words(limit: Decimal, type_name: str, currency: str = "") -> str:
    unit = RULE_TYPES[type_name].unit
    words = currency if unit in (Unit.CURRENCY, Unit.FLAG) else UNITS.get(unit, "")
    return f"{grouped(limit)} {words}".strip().replace(" ×", "×")


def _preference_rows(user: Any) -> list[dict[str, str]]:
    return [
        {
            "name": rule.name.removesuffix(" (preferences)"),
            "title": type_title(rule.type),
            "limit": _limit_words(rule.limit, rule.type),
        }
        for rule in rules_from(preferences.current(user.pk))
    ]


@page
@require_POST
def engage(request: HttpRequest) -> HttpResponse:
    """Engage a kill switch: of all one's own trading unless the form names less (or, for staff, more)."""
    form = KillForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, "The kill switch needs a reason and a target that is yours.")
        return redirect("risk:overview")
    given = form.cleaned_data
    target = request.user.pk if form.scope == KillScope.USER else UUID(form.target_id) if form.target_id else None
    carry_out(
        request,
        lambda: kill_switches.engage_kill_switch(
            scope=form.scope,
            target_id=target,
            reason=given["reason"],
            by=request.user.get_username(),
            at=timezone.now(),
            forbid_all=given["forbid_all"],
            flatten=given["flatten"],
        ),
        done="The kill switch is on. Nothing that adds risk is sent until you release it.",
    )
    return redirect("risk:overview")


@sensitive_post_parameters("password")
@page
@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release a kill switch, with a reason and the password; the platform's by staff alone."""
    switch = get_object_or_404(selectors.engaged_switches(request.user), pk=pk)
    if switch.scope == KillScope.PLATFORM and not request.user.is_staff:
        raise Http404("There is no such kill switch")
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Write why you release it, and your password.")
    elif authenticate(request, username=request.user.get_username(), password=form.cleaned_data["password"]) is None:
        messages.error(request, "The password is not right; the kill switch stays on.")
    else:
        _release(request, switch, form.cleaned_data["reason"])
    return redirect("risk:overview")


def _release(request: HttpRequest, switch: KillSwitch, reason: str) -> None:
    carry_out(
        request,
        lambda: kill_switches.rearm_kill_switch(
            scope=switch.scope,
            target_id=switch.target_id,
            reason=reason,
            by=request.user.get_username(),
            at=timezone.now(),
        ),
        done="The kill switch is released. Strategies that run trade again from the next bar.",
    )


@page
@require_POST
def change_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say what an account may do."""
    account = portfolio.account_for(request.user, pk)
    form = StateForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a state and write why.")
        return redirect("risk:overview")
    state, reason = TradingState(form.cleaned_data["state"]), form.cleaned_data["reason"]
    by = request.user.get_username()
    carry_out(
        request,
        lambda: set_trading_state(account, state, reason=reason, by=by, at=timezone.now()),
        done=f"{account.name} is {state.value} now.",
    )
    return redirect("risk:overview")


@page
@require_POST
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Acknowledge a breach; with `release` its latch and cool-down end."""
    breach = selectors.breach_for(request.user, pk)
    is_released = "release" in request.POST
    breach_services.acknowledge(breach, by=request.user, release=is_released, at=timezone.now())
    if is_fragment(request):
        return _breaches_again(request)
    return redirect("risk:overview")


def _breaches_again(request: HttpRequest) -> HttpResponse:
    """Answer a change of a breach with the list as it is now."""
    return render(request, "risk/_breaches.html", _breaches(request))


@page
@require_http_methods(["GET", "POST"])
def new_rule(request: HttpRequest) -> HttpResponse:
    """Choose a rule type, then fill in its form."""
    rule_type = offered().get(request.GET.get("type", ""))
    if rule_type is None:
        types = [{"name": name, "title": type_title(name), "type": each} for name, each in offered().items()]
        return render(request, "risk/rule_types.html", {"types": types})
    form = RuleForm(rule_type, request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            rule = rules.create_rule(request.user, form.values, at=timezone.now())
        except PlatformError as error:
            show_faults(form, error)
        else:
            messages.success(request, f"{rule.name} is in force: the next order is judged by it.")
            return redirect("risk:overview")
    context = {"form": form, "rule_type": rule_type, "title": type_title(rule_type.name)}
    return render(request, "risk/rule_form.html", context)


@page
@require_http_methods(["GET", "POST"])
def edit_rule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a rule."""
    rule = _rule(request, pk)
    form = RuleForm(RULE_TYPES[rule.type], request.user, request.POST if request.method == "POST" else None, rule=rule)
    if request.method == "POST" and form.is_valid():
        try:
            rules.update_rule(rule, form.values, at=timezone.now())
        except PlatformError as error:
            show_faults(form, error)
        else:
            messages.success(request, f"{rule.name} is changed: the next order is judged by it.")
            return redirect("risk:overview")
    context = {"form": form, "rule": rule, "rule_type": RULE_TYPES[rule.type], "title": type_title(rule.type)}
    return render(request, "risk/rule_form.html", context)


@page
@require_POST
def toggle_rule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a rule in or out of force."""
    rule = _rule(request, pk)
    is_on = not rule.enabled
    words = "in force" if is_on else "out of force"
    carry_out(
        request,
        lambda: rules.update_rule(rule, {"enabled": is_on}, at=timezone.now()),
        done=f"{rule.name} is {words} now.",
    )
    return redirect("risk:overview")


@page
@require_POST
def delete_rule(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a rule; what it decided stays."""
    rule = _rule(request, pk)
    name = rule.name
    carry_out(request, lambda: rules.delete_rule(rule, at=timezone.now()), done=f"{name} is removed.")
    return redirect("risk:overview")


def _rule(request: HttpRequest, pk: UUID) -> RiskRule:
    found: RiskRule = get_object_or_404(selectors.rules_of(request.user), pk=pk)
    return found
