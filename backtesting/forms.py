"""The forms of the backtest pages: one run, and for sweeps and walk-forwards the space and the windows."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django import forms

from backtesting.cost_forms import COST_FAULT_FIELDS, CostsForm, initial_costs
from backtesting.models import Job, JobKind
from backtesting.search.draws import Method
from backtesting.search.objectives import DEFAULT_OBJECTIVE, OBJECTIVES
from backtesting.services.requests import RunRequest
from backtesting.services.searching import CPCV, SearchRequest, WalkRequest
from backtesting.walkforward.windows import Mode
from core.days import begin_of, end_of
from core.pages import say_bounds
from domain.bars import Timeframe
from domain.sizing import SizingMethod
from marketdata.models import Instrument
from strategies.forms import SIZINGS, TIMEFRAMES, ParametersForm, listed_symbols, type_choices
from strategies.models import Strategy

RULES = (("mine", "As live: my preferences and rules"), ("none", "None: the strategy alone"))
METHODS = (
    (Method.GRID.value, "Grid: every combination"),
    (Method.RANDOM.value, "Random: some of them"),
    (Method.TPE.value, "TPE: learns where it is good"),
)
MODES = (
    (Mode.ROLLING.value, "Rolling: the training moves along"),
    (Mode.ANCHORED.value, "Anchored: the training grows"),
    (CPCV, "Cross-validation: many paths (CPCV)"),
)
FAULT_FIELDS = {
    **COST_FAULT_FIELDS,
    "sizing": "sizing_value",
    "sizing.value": "sizing_value",
}
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}
_RANGE = re.compile(r"(-?[0-9.]+)\s*(?:\.\.|to)\s*(-?[0-9.]+)(?:\s*(?:step|by)\s*([0-9.]+))?", re.ASCII)


class RunForm(CostsForm):
    """One run: what it trades, when, with what money and costs, under which rules."""

    type = forms.ChoiceField(label="Strategy type")  # replaced for each form: the catalog can change
    name = forms.CharField(max_length=120, required=False, help_text="To find it again.")
    symbols = forms.CharField(max_length=4000, help_text="One or more, parted by commas.")
    timeframe = forms.ChoiceField(choices=list(TIMEFRAMES.items()), initial="1d", label="Bars")
    start = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="Empty: the first bar."
    )
    end = forms.DateField(
        required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}), help_text="Empty: the last bar."
    )
    starting_cash = forms.DecimalField(
        min_value=Decimal("0.01"), max_value=Decimal(10) ** 12, max_digits=26, decimal_places=2, initial="100000"
    )
    sizing_method = forms.ChoiceField(
        required=False,
        label="Position size",
        initial="",
        choices=[("", "As in my preferences"), *((method.value, words) for method, words in SIZINGS.items())],
    )
    sizing_value = forms.DecimalField(
        required=False,
        min_value=Decimal("0.000001"),
        max_digits=26,
        decimal_places=6,
        label="Size",
        help_text="In what the position size names: per cent, money, units. Empty with your preferences.",
    )
    allow_short = forms.BooleanField(required=False, label="May sell short")
    risk_rules = forms.ChoiceField(choices=RULES, initial="mine", label="Risk rules")
    benchmark = forms.CharField(
        max_length=32, required=False, help_text="A symbol; empty: holding the instruments themselves."
    )
    strategy = forms.ModelChoiceField(
        Strategy.objects.none(),
        required=False,
        label="For my strategy",
        empty_label="None",
        help_text="A promising search is told to it.",
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: Any, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["type"] = forms.ChoiceField(label="Strategy type", choices=type_choices())
        field = cast("forms.ModelChoiceField[Strategy]", self.fields["strategy"])
        field.queryset = Strategy.objects.for_user(user).order_by("name")
        self.fields["symbols"].help_text += f" With stored bars: {listed_symbols()}."
        say_bounds(self)

    def clean_symbols(self) -> list[str]:
        """Part the symbols; name those that are not known."""
        parts = self.cleaned_data["symbols"].replace(";", ",").split(",")
        symbols = [part.strip().upper() for part in parts if part.strip()]
        known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
        if lacking := [symbol for symbol in symbols if symbol not in known]:
            are = "is not known" if len(lacking) == 1 else "are not known"
            raise forms.ValidationError(f"{', '.join(lacking)} {are}; there are {listed_symbols()}.")
        return symbols

    def clean(self) -> dict[str, Any]:
        """Check that the sizing is whole and the end not before the start."""
        cleaned: dict[str, Any] = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end < start:
            self.add_error("end", f"{end:%d %b %Y} is before the first day, {start:%d %b %Y}.")
        if not cleaned.get("sizing_method"):
            cleaned["sizing_value"] = None
        elif cleaned.get("sizing_value") is None and "sizing_value" not in self.errors:
            self.add_error("sizing_value", "Say how large.")
        return cleaned

    def request(self, parameters: Mapping[str, Any]) -> RunRequest:
        """Return the run that is asked for (of a valid form)."""
        values = self.cleaned_data
        method = values["sizing_method"]
        return RunRequest(
            type=values["type"],
            parameters=parameters,
            symbols=values["symbols"],
            timeframe=Timeframe(values["timeframe"]),
            start=begin_of(values["start"]) if values["start"] else None,
            end=end_of(values["end"]) if values["end"] else None,
            starting_cash=values["starting_cash"],
            **self.costs(),
            dividends=values["dividends"],
            sizing_method=SizingMethod(method) if method else None,
            sizing_value=values["sizing_value"],
            allow_short=values["allow_short"],
            risk_rules=values["risk_rules"],
            benchmark=values["benchmark"].strip().upper(),
            strategy_id=values["strategy"].pk if values["strategy"] else None,
            name=values["name"],
            seed=values["seed"] or 0,
        )


class SearchForm(forms.Form):
    """How the space is searched; the space itself stands beside each parameter."""

    method = forms.ChoiceField(choices=METHODS, initial=Method.GRID.value, label="Search")
    n_trials = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=20_000,
        label="Combinations to try",
        help_text="For random and TPE; a grid tries all.",
    )
    objective = forms.ChoiceField(
        choices=[(each.name, each.title) for each in OBJECTIVES.values()], initial=DEFAULT_OBJECTIVE, label="Best by"
    )
    least_trades = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        label="Fewest trades",
        help_text="A combination with fewer is never the best.",
    )
    constraints = forms.CharField(
        required=False,
        max_length=400,
        help_text="What every combination must keep, parted by commas: fast < slow.",
        initial="",
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        say_bounds(self)

    def search(self, run: RunRequest, space: Mapping[str, Any]) -> SearchRequest:
        """Return the sweep that is asked for (of a valid form)."""
        values = self.cleaned_data
        least = values["least_trades"]
        return SearchRequest(
            run=run,
            space=space,
            constraints=[part.strip() for part in values["constraints"].split(",") if part.strip()],
            method=values["method"],
            n_trials=values["n_trials"],
            objective=values["objective"],
            requirements=[{"metric": "trades", "at_least": least}] if least else [],
        )


class WalkForm(forms.Form):
    """The windows of a walk-forward."""

    mode = forms.ChoiceField(choices=MODES, initial=Mode.ROLLING.value, label="Windows")
    windows = forms.IntegerField(min_value=1, max_value=200, initial=5, label="How many", required=False)
    purge = forms.IntegerField(
        min_value=0,
        max_value=100_000,
        initial=0,
        required=False,
        help_text="Bars left out between training and test, as long as a trade may last.",
    )
    embargo = forms.IntegerField(
        min_value=0,
        max_value=100_000,
        initial=0,
        required=False,
        help_text="Further bars left out, so that no news counts twice.",
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        say_bounds(self)

    def walk(self, search: SearchRequest) -> WalkRequest:
        """Return the walk-forward that is asked for (of a valid form)."""
        values = self.cleaned_data
        return WalkRequest(
            search=search,
            mode=values["mode"],
            n_windows=values["windows"],
            purge=values["purge"] or 0,
            embargo=values["embargo"] or 0,
        )


class SpaceForm(forms.Form):
    """A text for each parameter: the values to try; empty keeps the parameter as it is."""

    prefix = "space"

    def __init__(self, parameters: ParametersForm, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, prefix=self.prefix, **more)
        self.numeric = {
            name for name, field in parameters.fields.items() if isinstance(field.widget, forms.NumberInput)
        }
        for name, field in parameters.fields.items():
            self.fields[name] = forms.CharField(
                required=False,
                max_length=200,
                label=f"Try for {str(field.label).lower()}",
                help_text=self._example(name, field),
            )

    def _example(self, name: str, field: forms.Field) -> str:
        if name in self.numeric:
            return "Such as 5..50 step 5, or 10, 20, 50."
        return "Such as yes, no." if isinstance(field, forms.BooleanField) else "Several values, parted by commas."

    def clean(self) -> dict[str, Any]:
        """Read every text."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name, text in list(cleaned.items()):
            try:
                cleaned[name] = read_values(text, is_numeric=name in self.numeric) if text.strip() else None
            except ValueError as error:
                self.add_error(name, str(error))
        if not any(cleaned.values()) and not self.errors:
            self.add_error(None, "Give at least one parameter several values to try.")
        return cleaned

    @property
    def space(self) -> dict[str, Any]:
        """The space (of a valid form)."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


def read_values(text: str, *, is_numeric: bool = False) -> Any:
    """Read `5..50 step 5` or `10, 20, 50`. Raises ValueError that shows the two ways."""
    found = _RANGE.fullmatch(text.strip())
    try:
        if found is not None:
            low, high, step = found.groups()
            return {"min": _number(low), "max": _number(high), **({"step": _number(step)} if step else {})}
        read = _number if is_numeric else _value
        return [read(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is neither like 5..50 step 5 nor like 10, 20, 50.") from error


def _number(text: str) -> int | float:
    if not text.isascii() or "_" in text:  # which Python would take
        raise ValueError(text)
    return float(text) if "." in text else int(text)


def _value(text: str) -> Any:
    if text.lower() in _YES_NO:
        return _YES_NO[text.lower()]
    try:
        return _number(text)
    except ValueError:
        return text


def written_values(told: Any) -> str:
    """Write a space's values as they are typed."""
    if isinstance(told, dict):
        step = f" step {told['step']}" if told.get("step") else ""
        return f"{told['min']}..{told['max']}{step}"
    return ", ".join(("yes" if value else "no") if isinstance(value, bool) else str(value) for value in told)


def initial_of(job: Job) -> dict[str, Any]:
    """Return what a form begins with to run a job once more."""
    request, settings = job.request, job.settings
    sizing = request.get("sizing") or {}
    rules = request["risk_rules"]
    return {
        "type": job.type,
        "name": job.name,
        "symbols": ", ".join(job.symbols),
        "timeframe": job.timeframe,
        "start": _day(request.get("start")),
        "end": _day(request.get("end"), before=True),
        "starting_cash": settings["starting_cash"],
        **initial_costs(settings),
        "dividends": request.get("dividends", False),
        "sizing_method": sizing.get("method", ""),
        "sizing_value": sizing.get("value"),
        "allow_short": settings["allow_short"],
        "risk_rules": rules if isinstance(rules, str) else "mine",
        "benchmark": settings["benchmark"],
        "strategy": job.strategy_id,
        "seed": settings["seed"],
        **{name: settings[name] for name in ("method", "objective", "n_trials") if name in settings},
        "constraints": ", ".join(settings.get("constraints", [])),
        "kind": JobKind(job.kind).value,
    }


def _day(text: str | None, *, before: bool = False) -> date | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment - timedelta(seconds=1)).date() if before else moment.date()
