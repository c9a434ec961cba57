"""Preferences as a form: what a page shows for each field, and a Django form that cleans by the same definitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from preferences.definitions import Category, Definition, Kind
from preferences.registry import Preferences, offered


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDescription:
    """One preference for a page: its words, bounds, default and present value."""

    definition: Definition
    value: Any

    def as_json(self) -> dict[str, Any]:
        """Return the description as plain values (numbers as numbers)."""
        d = self.definition
        return {
            "name": d.name,
            "type": d.kind.value,
            "label": d.label,
            "help": d.help,
            "effect": d.effect,
            "unit": d.unit,
            "minimum": _number(d.minimum),
            "maximum": _number(d.maximum),
            "choices": list(d.choices),
            "default": _number(d.default),
            "value": _number(self.value),
        }


def described(category: Category, preferences: Preferences) -> tuple[FieldDescription, ...]:
    """Return the description of every field that a category offers."""
    part = getattr(preferences, category.value)
    known = offered(category).items()
    return tuple(FieldDescription(definition=d, value=getattr(part, name)) for name, d in known)


class CategoryForm(forms.Form):
    """The fields of one category; ``cleaned_data`` is what ``preferences.services.change`` takes."""

    def __init__(
        self, category: Category, preferences: Preferences, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.descriptions = described(category, preferences)
        for each in self.descriptions:
            self.fields[each.definition.name] = _form_field(each)

    @property
    def rows(self) -> list[tuple[forms.BoundField, str]]:
        """The bound fields, each with its unit."""
        return [
            (self[each.definition.name], UNIT_WORDS.get(unit := each.definition.unit, unit))
            for each in self.descriptions
        ]

    def clean(self) -> dict[str, Any]:
        """Check each value by its definition, so that the page and the API refuse with the same words."""
        cleaned: dict[str, Any] = super().clean() or {}
        for each in self.descriptions:
            name = each.definition.name
            if name not in cleaned:
                continue
            try:
                cleaned[name] = each.definition.clean(cleaned[name])
            except ValueError as error:
                self.add_error(name, ValidationError(error.args[-1], code=error.args[0]))
        return cleaned


UNIT_WORDS = {"s": "seconds"}
CHOICE_WORDS = {
    "percent_equity": "Per cent of equity",
    "atr_volatility": "Volatility target (ATR)",
    "kelly": "Kelly fraction",
    "ccxt": "Crypto exchanges (ccxt)",
    "replay": "Replay of stored bars",
}


def choice_words(choice: str) -> str:
    """Return a choice as people read it."""
    return CHOICE_WORDS.get(choice) or choice.replace("_", " ").capitalize()


class Ranked(forms.MultiWidget):
    """As many selects as there are choices: what comes first is preferred."""

    def __init__(self, choices: list[tuple[str, str]], label: str) -> None:
        empty = [("", "–"), *choices]
        places = ["first", *(["then"] * (len(choices) - 1))]
        attrs = [
            {"class": "form-select", "aria-label": f"{label}, {place} ({number})"}
            for number, place in enumerate(places, 1)
        ]
        super().__init__([forms.Select(attrs=each, choices=empty) for each in attrs])

    def decompress(self, value: Any) -> list[Any]:
        """Spread the chosen over the selects."""
        chosen = list(value or [])
        return [*chosen, *([""] * (len(self.widgets) - len(chosen)))]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Read the selects in their order; each choice counts where it stands first."""
        whole = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        given = whole or super().value_from_datadict(data, files, name)
        return list(dict.fromkeys(each for each in given if each))


class RankedField(forms.MultipleChoiceField):
    """Several of the choices in an order that matters."""

    def __init__(self, *, choices: list[tuple[str, str]], label: str, **kwargs: Any) -> None:
        super().__init__(choices=choices, label=label, widget=Ranked(choices, label), **kwargs)


def _form_field(each: FieldDescription) -> forms.Field:
    definition = each.definition
    words: dict[str, Any] = {
        "label": definition.label,
        "help_text": definition.help,
        "initial": list(each.value) if isinstance(each.value, tuple) else each.value,
    }
    bounds: dict[str, Any] = {"min_value": definition.minimum, "max_value": definition.maximum}
    choices = [(choice, choice_words(choice)) for choice in definition.choices]
    if definition.kind is Kind.BOOLEAN:
        return forms.BooleanField(required=False, **words)
    if definition.kind is Kind.INTEGER:
        return forms.IntegerField(**bounds, **words)
    if definition.kind is Kind.DECIMAL:
        return forms.DecimalField(max_digits=20, decimal_places=6, **bounds, **words)
    if definition.kind is Kind.CHOICE:
        return forms.ChoiceField(choices=choices, **words)
    if definition.kind is Kind.CHOICES:
        return RankedField(choices=choices, **words)
    return forms.CharField(max_length=32, **words)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value
