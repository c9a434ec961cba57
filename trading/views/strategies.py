"""Pages of strategies: the list, making and changing one, starting, pausing, stopping, deleting."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import carry_out, page, show_faults
from domain.errors import PlatformError
from strategies import selectors, services
from strategies.forms import ParametersForm, kind_of, type_choices
from strategies.models import Strategy, StrategyState
from trading import overviews
from trading.forms.strategies import FAULT_FIELDS, StrategyForm
from trading.services import strategies as running

FAMILIAR_TYPE = "sma_cross"


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the user's strategies."""
    return render(request, "strategies/list.html", _listed(request))


@page
@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Show the table of strategies alone."""
    return render(request, "strategies/_rows.html", _listed(request))


def _listed(request: HttpRequest) -> dict[str, Any]:
    found = overviews.strategy_rows(request.user)
    states = [row.strategy.state for row in found]
    return {
        "rows": found,
        "accounts": overviews.accounts(request.user),
        "n_running": states.count(StrategyState.RUNNING),
        "broken": selectors.catalog().broken,
    }


@page
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a strategy: settings, and the parameters of the chosen type."""
    if not overviews.accounts(request.user):
        return redirect("portfolio:account_new")
    name = request.POST.get("type") or request.GET.get("type") or _first_type()
    form = StrategyForm(request.POST or None, user=request.user)
    if not form.is_bound:
        form.initial = {"type": name, "symbols": request.GET.get("symbol", "")}
    return _edited(request, form, type_name=name, row=None)


@page
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a strategy that neither runs nor is paused."""
    row = selectors.strategy_for(request.user, pk)
    if row.is_active:
        messages.warning(request, f"{row.name} is {row.state}: stop it before changing its settings.")
        return redirect("strategies:detail", row.pk)
    form = StrategyForm(request.POST or None, user=request.user, row=row)
    return _edited(request, form, type_name=row.type, row=row)


def _first_type() -> str:
    """What the form begins with: the type that most people know."""
    names = [name for name, _ in type_choices()]
    return FAMILIAR_TYPE if FAMILIAR_TYPE in names else names[0]


def _edited(request: HttpRequest, form: StrategyForm, *, type_name: str, row: Strategy | None) -> HttpResponse:
    kind = kind_of(type_name)
    parameters = ParametersForm(kind, request.POST or None, values=row.parameters if row else None) if kind else None
    if request.method == "POST":
        saved = _save(request, form, parameters, row)
        if saved is not None:
            verb = "changed" if row else "made; start it when you are ready"
            messages.success(request, f"{saved.name} is {verb}.")
            return redirect("strategies:detail", saved.pk)
    context = {"form": form, "parameters": parameters, "kind": kind, "row": row}
    return render(request, "strategies/form.html", context)


def _save(
    request: HttpRequest, form: StrategyForm, parameters: ParametersForm | None, row: Strategy | None
) -> Strategy | None:
    """Store the strategy; on any fault put all of them at their fields and return None."""
    is_valid = form.is_valid()
    if parameters is None:
        form.add_error("type", "This type can not be used now; its file is broken or gone.")
        return None
    if not parameters.is_valid() or not is_valid:
        return None
    settings = form.settings(parameters.values)
    at = timezone.now()
    try:
        if row is not None:
            return services.update_strategy(row, settings, at=at)
        return services.create_strategy(request.user, services.Settings(**settings), at=at)
    except PlatformError as error:
        show_faults(form, error, names=FAULT_FIELDS)
        return None


@page
@require_GET
def parameters(request: HttpRequest) -> HttpResponse:
    """Show the parameter fields of a type: fetched again when another type is chosen."""
    kind = kind_of(request.GET.get("type", ""))
    form = ParametersForm(kind) if kind else None
    return render(request, "strategies/_parameters.html", {"parameters": form, "kind": kind})


@page
@require_POST
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Check a strategy and let it trade."""
    return _acted(request, pk, running.start_strategy, "{} is running. It decides at the close of its next bar.")


@page
@require_POST
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a strategy open nothing more for now."""
    return _acted(request, pk, running.pause_strategy, "{} is paused. Its stops stay in force.")


@page
@require_POST
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a strategy."""
    return _acted(request, pk, running.stop_strategy, "{} is stopped. Its open positions keep their stops.")


def _acted(request: HttpRequest, pk: UUID, act: Callable[..., Strategy], words: str) -> HttpResponse:
    row = selectors.strategy_for(request.user, pk)
    carry_out(request, lambda: act(row, by=str(request.user)), done=words.format(row.name))
    if request.POST.get("back") == "list":
        return redirect("strategies:list")
    return redirect("strategies:detail", row.pk)


@page
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a strategy that never traded."""
    row = selectors.strategy_for(request.user, pk)
    if overviews.has_traded(row):
        messages.error(request, f"{row.name} has signals or orders; they belong to your books, so it stays.")
        return redirect("strategies:detail", row.pk)

    def remove() -> bool:
        services.delete_strategy(row, at=timezone.now())
        return True

    done = carry_out(request, remove, done=f"{row.name} is deleted.")
    return redirect("strategies:list") if done else redirect("strategies:detail", row.pk)


@page
@require_POST
def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Check a strategy for look-ahead now."""
    row = selectors.strategy_for(request.user, pk)
    report = carry_out(request, lambda: services.check_causality(row), done=f"{row.name} was checked.")
    if report is not None and not report["is_causal"]:
        messages.warning(request, "It did not pass; the reason is below.")
    return redirect("strategies:detail", row.pk)
