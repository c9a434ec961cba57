"""What forms of strategies and backtests share: the types there are, and a type's parameters as fields of a form."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from core.pages import say_bounds, sentence
from domain.errors import PlatformError, ValidationFailed
from domain.sizing import SizingMethod
from marketdata.models import Instrument
from strategies import selectors
from strategies.catalog import StrategyType
from strategies.parameters import defaults_of, read_texts, schema_of

TIMEFRAMES = {
    "1m": "1 minute",
    "5m": "5 minutes",
    "15m": "15 minutes",
    "30m": "30 minutes",
    "1h": "1 hour",
    "4h": "4 hours",
    "1d": "1 day",
    "1w": "1 week",
}
SIZINGS = {
    SizingMethod.PERCENT_EQUITY: "Per cent of equity",
    SizingMethod.RISK_PER_TRADE: "Risk: per cent of equity lost at the stop",
    SizingMethod.FIXED_VALUE: "Fixed value (account currency)",
    SizingMethod.FIXED_QUANTITY: "Fixed quantity (units)",
    SizingMethod.ATR_VOLATILITY: "Volatility: per cent of equity moved by one ATR",
    SizingMethod.KELLY: "Kelly: share of the criterion, at most 1",
    SizingMethod.EQUAL_WEIGHT: "Equal weight: this many positions",
}
MAX_LISTED = 12


def type_choices() -> list[tuple[str, str]]:
    """Return the types that can be used, by title."""
    found = selectors.catalog().types
    return sorted(((name, each.strategy.title) for name, each in found.items()), key=lambda pair: pair[1])


def listed_symbols() -> str:
    """Return the first few symbols that have a market or bars, in words."""
    symbols = list(Instrument.objects.order_by("symbol").values_list("symbol", flat=True)[: MAX_LISTED + 1])
    more = " and more" if len(symbols) > MAX_LISTED else ""
    return ", ".join(symbols[:MAX_LISTED]) + more if symbols else "none yet"


class ParametersForm(forms.Form):
    """The parameters of one strategy type: a typed field for each property of its JSON Schema."""

    prefix = "parameters"

    def __init__(
        self, kind: StrategyType, data: Mapping[str, Any] | None = None, *, values: Mapping[str, Any] | None = None
    ) -> None:
        defaults = defaults_of(kind.strategy.Params)
        super().__init__(data, initial={**defaults, **(values or {})}, prefix=self.prefix)
        self.kind = kind
        self.values: dict[str, Any] = {}
        schema = schema_of(kind.strategy.Params)
        self.units: dict[str, str] = {}
        for name, spec in schema.get("properties", {}).items():
            self.fields[name] = _field(name, spec, defaults.get(name))
            self.units[name] = str(spec.get("unit", ""))
        say_bounds(self)

    @property
    def rows(self) -> list[tuple[forms.BoundField, str]]:
        """The fields with their units."""
        return [(self[name], self.units[name]) for name in self.fields]

    def clean(self) -> dict[str, Any]:
        """Read all values by the type's own model, so that the page and the API refuse with the same words."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            self.values = self._read()
        return cleaned

    def _read(self) -> dict[str, Any]:
        texts = {name: self._text(name) for name in self.fields}
        try:
            return read_texts(self.kind.strategy.Params, texts).model_dump(mode="json")
        except ValidationFailed as error:
            for fault in error.errors:
                name = fault.field.removeprefix("parameters").lstrip(".")
                self.add_error(name if name in self.fields else None, sentence(fault.message))
            return {}

    def _text(self, name: str) -> str:
        if isinstance(self.fields[name], forms.BooleanField):
            return "true" if self.cleaned_data.get(name) else "false"
        return str(self.data.get(self.add_prefix(name), ""))


def _field(name: str, spec: Mapping[str, Any], default: Any) -> forms.Field:
    """Return the form field of one property of a JSON Schema."""
    shared: dict[str, Any] = {
        "label": spec.get("title", name.replace("_", " ").capitalize()),
        "help_text": _help(spec, default),
        "required": spec.get("type") != "boolean",
    }
    if "enum" in spec:
        return forms.ChoiceField(choices=[(value, str(value).replace("_", " ")) for value in spec["enum"]], **shared)
    if spec.get("type") == "boolean":
        return forms.BooleanField(**shared)
    bounds = {"min_value": _bound(spec, "minimum"), "max_value": _bound(spec, "maximum")}
    if spec.get("type") == "integer":
        return forms.IntegerField(**bounds, **shared)
    if spec.get("type") == "number":
        return forms.FloatField(**bounds, **shared, widget=forms.NumberInput(attrs={"step": "any"}))
    return forms.CharField(max_length=200, **shared)


def _bound(spec: Mapping[str, Any], name: str) -> Any:
    return spec.get(name)


def _help(spec: Mapping[str, Any], default: Any) -> str:
    least = spec.get("minimum", spec.get("exclusiveMinimum"))
    most = spec.get("maximum", spec.get("exclusiveMaximum"))
    parts = [str(spec.get("description", "")).strip()]
    if least is not None and most is not None:
        parts.append(f"{_plain(least)} to {_plain(most)}.")
    if spec.get("type") != "boolean" and default is not None:
        parts.append(f"Default {_plain(default)}.")
    return " ".join(part for part in parts if part)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{Decimal(repr(value)).normalize():f}"
    return str(value)


def kind_of(name: str) -> StrategyType | None:
    """Return a strategy type, None when there is none of this name that can be used."""
    try:
        return selectors.strategy_type(name)
    except PlatformError:
        return None
