"""The page on which a run, a sweep or a walk-forward is asked for, with what it would cost beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from backtesting import selectors
from backtesting.forms import (
    FAULT_FIELDS,
    RunForm,
    SearchForm,
    SpaceForm,
    WalkForm,
    initial_of,
    written_values,
)
from backtesting.models import Job, JobKind
from backtesting.services import searching, submitting
from backtesting.services.quotas import Cost
from core.pages import page, sentence
from domain.errors import PlatformError
from strategies.forms import ParametersForm, kind_of, type_choices

FAMILIAR_TYPE = "sma_cross"
KINDS = ((JobKind.BACKTEST, "Single run"), (JobKind.SWEEP, "Sweep"), (JobKind.WALK_FORWARD, "Walk-forward"))


@dataclass(slots=True)
class Asked:
    """The forms of one page together."""

    kind: str
    run: RunForm
    parameters: ParametersForm | None
    space: SpaceForm | None
    search: SearchForm | None
    walk: WalkForm | None

    @property
    def forms(self) -> list[forms.Form]:
        """Every form there is."""
        each = (self.run, self.parameters, self.space, self.search, self.walk)
        return [form for form in each if form is not None]

    def is_valid(self) -> bool:
        """Check all forms, so that every fault shows at once."""
        if self.parameters is None:
            self.run.add_error("type", "This type can not be used now; its file is broken or gone.")
        checked = [form.is_valid() for form in self.forms]  # every one, so that all faults show
        return all(checked) and self.parameters is not None

    def carried_out(self, user: Any, *, estimate: bool) -> Any:
        """Submit, or only estimate, what the valid forms ask for."""
        assert self.parameters is not None
        run = self.run.request(self.parameters.values)
        if self.search is None or self.space is None:
            act: Callable[..., Any] = submitting.estimate_backtest if estimate else submitting.submit_backtest
            return act(user, run)
        search = self.search.search(run, self.space.space)
        if self.walk is None:
            return (searching.estimate_sweep if estimate else searching.submit_sweep)(user, search)
        return (searching.estimate_walk if estimate else searching.submit_walk)(user, self.walk.walk(search))

    @property
    def faults(self) -> list[dict[str, str]]:
        """What is wrong in any of the forms: the field's label and id (empty for what is no field's), the words."""
        return [
            {**_place(form, name), "text": str(text)}
            for form in self.forms
            for name, texts in form.errors.items()
            for text in texts
        ]

    def show_faults(self, error: PlatformError) -> None:
        """Put the service's faults at their fields; the rest above the form."""
        for fault in error.errors:
            self._place(fault.field, sentence(fault.message))
        if not error.errors:
            self.run.add_error(None, sentence(error.message))

    def _place(self, field: str, message: str) -> None:
        head, _, rest = field.partition(".")
        if head == "parameters" and self.parameters is not None and rest in self.parameters.fields:
            self.parameters.add_error(rest, message)
        elif head == "space" and self.space is not None and (name := rest.partition(".")[0]) in self.space.fields:
            self.space.add_error(name, message)
        else:
            name = FAULT_FIELDS.get(field, "constraints" if head == "constraints" else head)
            owner = next((form for form in self.forms if name in form.fields), None)
            (owner or self.run).add_error(name if owner else None, message)


def asked(request: HttpRequest) -> Asked:
    """Return the page's forms, bound when something was sent; `?from=` begins with another job's settings."""
    given = request.POST or None
    before = selectors.job_for(request.user, request.GET["from"]) if request.GET.get("from") else None
    kind = (request.POST.get("kind") or request.GET.get("kind") or (before.kind if before else "")) or "backtest"
    kind = kind if kind in JobKind.values else JobKind.BACKTEST.value
    initial = initial_of(before) if before else _first(request)
    type_name = request.POST.get("type") or initial["type"]
    found = kind_of(type_name)
    run = RunForm(given, user=request.user, initial=initial)
    parameters = ParametersForm(found, given, values=_parameters(request, before)) if found else None
    is_search = kind != JobKind.BACKTEST
    return Asked(
        kind=kind,
        run=run,
        parameters=parameters,
        space=SpaceForm(parameters, given, initial=_space(before)) if is_search and parameters else None,
        search=SearchForm(given, initial=initial) if is_search else None,
        walk=WalkForm(given, initial=_walk(before)) if kind == JobKind.WALK_FORWARD else None,
    )


def _first(request: HttpRequest) -> dict[str, Any]:
    names = [name for name, _ in type_choices()]
    wanted = request.GET.get("type", FAMILIAR_TYPE)
    return {"type": wanted if wanted in names else names[0], "symbols": request.GET.get("symbol", "")}


def _parameters(request: HttpRequest, before: Job | None) -> dict[str, Any] | None:
    """The other job's parameters, those of one of its trials laid over them (`?p.fast=5`)."""
    if before is None:
        return None
    picked = {name[2:]: value for name, value in request.GET.items() if name.startswith("p.")}
    return {**before.request["parameters"], **picked}


def _space(before: Job | None) -> dict[str, str]:
    told = before.settings.get("space") if before else None
    return {name: written_values(values) for name, values in (told or {}).items()}


def _walk(before: Job | None) -> dict[str, Any]:
    told = before.settings.get("walk") if before else None
    return dict(told or {})


@page
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a run, a sweep or a walk-forward."""
    found = asked(request)
    if request.method == "POST" and found.is_valid():
        try:
            job = found.carried_out(request.user, estimate=False)
        except PlatformError as error:
            found.show_faults(error)
        else:
            return redirect("backtesting:detail", job.pk)
    return render(request, "backtesting/new.html", {"asked": found, "kinds": KINDS})


@page
@require_POST
def estimate(request: HttpRequest) -> HttpResponse:
    """Tell what the form as it stands would cost, or what is wrong with it; queues nothing."""
    found = asked(request)
    cost: Cost | None = None
    if found.is_valid():
        try:
            cost = found.carried_out(request.user, estimate=True)
        except PlatformError as error:
            found.show_faults(error)
    is_blank = not request.POST.get("symbols", "").strip()
    return render(request, "backtesting/_estimate.html", {"cost": cost, "faults": found.faults, "is_blank": is_blank})


def _place(form: forms.Form, name: str) -> dict[str, str]:
    """Return the label and the id of a field; both are empty for what is no field's."""
    if name not in form.fields:
        return {"label": "", "id": ""}
    return {"label": str(form[name].label), "id": form[name].id_for_label}


@page
@require_GET
def parameters(request: HttpRequest) -> HttpResponse:
    """Show the parameter fields of a type: fetched again when another type or kind is chosen."""
    return render(request, "backtesting/_parameters.html", {"asked": asked(request)})
