"""The form of a strategy: its own settings; its type's parameters are strategies.forms."""

from collections.abc import Mapping
from typing import Any

from django import forms

from domain.bars import Timeframe
from domain.sizing import SizingMethod
from strategies import services
from strategies.forms import SIZINGS, TIMEFRAMES, listed_symbols, type_choices
from strategies.models import Strategy
from trading.forms.fields import AccountField, AmountField, offer_accounts

FAULT_FIELDS = {"account_id": "account", "sizing": "sizing_value", "sizing.value": "sizing_value", "mode": "account"}


class StrategyForm(forms.Form):
    """What every strategy has; `changes_type` is false for one that exists: its type is its identity."""

    type = forms.ChoiceField(label="Strategy type")  # replaced for each form: the catalog can change
    name = forms.CharField(max_length=64, help_text="Shown in orders, positions and the journal.")
    account = AccountField(empty_label="Choose an account")
    symbols = forms.CharField(max_length=1000, help_text="One or more, parted by commas.")
    timeframe = forms.ChoiceField(
        choices=list(TIMEFRAMES.items()), initial="1d", help_text="It decides at the close of every such bar."
    )
    sizing_method = forms.ChoiceField(
        required=False,
        label="Position size",
        choices=[("", "As in my preferences"), *((method.value, words) for method, words in SIZINGS.items())],
    )
    sizing_value = AmountField(
        required=False, above=0, label="Size", help_text="In the unit of the choice beside it; empty with preferences."
    )
    allow_short = forms.BooleanField(
        required=False, label="May sell short", help_text="Without it a sell signal only closes what is held."
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: Any, row: Strategy | None = None) -> None:
        super().__init__(data, initial=_initial(row) if row else None)
        self.row = row
        offer_accounts(self, user, choose=row is None)
        self.fields["type"] = _type_field(row)
        self.fields["symbols"].help_text += f" With stored bars: {listed_symbols()}."

    def clean_symbols(self) -> list[str]:
        """Part the symbols."""
        parts = self.cleaned_data["symbols"].replace(";", ",").split(",")
        return [part.strip().upper() for part in parts if part.strip()]

    def clean(self) -> dict[str, Any]:
        """Check that the sizing is whole."""
        cleaned: dict[str, Any] = super().clean() or {}
        has_value = cleaned.get("sizing_value") is not None
        if cleaned.get("sizing_method") and not has_value and "sizing_value" not in self.errors:
            self.add_error("sizing_value", "Say how large.")
        if has_value and not cleaned.get("sizing_method"):
            self.add_error("sizing_method", "Choose what the size means, or leave the size empty.")
        return cleaned

    def settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values by the names of `strategies.services.Settings` (of a valid form)."""
        values = self.cleaned_data
        method = values["sizing_method"]
        return {
            "name": values["name"],
            "type": values["type"],
            "parameters": parameters,
            "symbols": values["symbols"],
            "timeframe": Timeframe(values["timeframe"]),
            "account_id": values["account"].pk,
            "sizing_method": SizingMethod(method) if method else None,
            "sizing_value": values["sizing_value"],
            "allow_short": values["allow_short"],
            "mode": values["account"].environment,
        }


def _type_field(row: Strategy | None) -> forms.ChoiceField:
    """The types there are now; an existing strategy keeps its own, even one that no longer loads."""
    kinds = type_choices()
    if row is not None and row.type not in dict(kinds):
        kinds = [(row.type, row.type), *kinds]
    return forms.ChoiceField(label="Strategy type", choices=kinds, disabled=row is not None)


def _initial(row: Strategy) -> dict[str, Any]:
    values = services.settings_of(row)
    sizing = values["sizing_value"]
    return {
        **values,
        "account": row.account_id,
        "symbols": ", ".join(row.symbols),
        "sizing_method": row.sizing_method,
        "sizing_value": None if sizing is None else f"{sizing.normalize():f}",
    }
