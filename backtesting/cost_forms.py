"""The part of a backtest's form that says what fills and holding cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from portfolio.costs import FEE_BOUNDS, FINANCING_BOUNDS, RUN_SLIPPAGE_BOUNDS, SLIPPAGE_BOUNDS


def amount_field(label: str, *, initial: str, unit: str, places: int = 4, maximum: str = "1000000000000") -> Any:
    """Return a field of an amount that may be empty, 0 or above; ``unit`` is said below it."""
    return forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=Decimal(maximum),
        max_digits=26,
        decimal_places=places,
        required=False,
        initial=initial,
        help_text=unit,
    )


def _bounded(label: str, bounds: Mapping[str, Decimal], name: str, *, initial: str = "0", unit: str) -> Any:
    return amount_field(label, initial=initial, unit=unit, maximum=str(bounds[name]))


_FIELDS = {
    "fees": {"percent": "fee_percent", "per_order": "fee_per_order", "per_share": "fee_per_share"},
    "slippage": {
        "bps": "slippage_bps",
        **{name: name for name in RUN_SLIPPAGE_BOUNDS if name not in ("bps", "spread")},
    },
    "financing": {name: name for name in FINANCING_BOUNDS},
}
"""Names of the form's fields by the model and the name that the API gives them."""
COST_FAULT_FIELDS = {f"{model}.{name}": field for model, names in _FIELDS.items() for name, field in names.items()}


class CostsForm(forms.Form):
    """What fills and holding cost in a run."""

    fee_percent = _bounded("Fee", FEE_BOUNDS, "percent", initial="0.1", unit="Per cent of each fill's value.")
    fee_per_order = _bounded("Fee per order", FEE_BOUNDS, "per_order", unit="In the run's currency.")
    fee_per_share = _bounded("Fee per share", FEE_BOUNDS, "per_share", unit="In the run's currency.")
    slippage_bps = _bounded("Slippage", SLIPPAGE_BOUNDS, "bps", initial="2", unit="Basis points against you.")
    volume_impact = _bounded(
        *("Volume impact", SLIPPAGE_BOUNDS, "volume_impact"),
        unit="Times the square of the order's share of the bar's volume: with 0.1, half a bar costs 2.5 %.",
    )
    max_volume_percent = _bounded(
        *("Most of a bar's volume", SLIPPAGE_BOUNDS, "max_volume_percent"),
        unit="Larger orders fill in parts, bar by bar. 0: every order fills whole.",
    )
    entry_bps = _bounded(
        *("Spread at entries", RUN_SLIPPAGE_BOUNDS, "entry_bps"),
        unit="Basis points that entries alone pay on top. A run with it can not be traded on paper.",
    )
    borrow_percent = _bounded("Borrow cost", FINANCING_BOUNDS, "borrow_percent", unit="A year, on the value of shorts.")
    cash_percent = _bounded("Interest on cash", FINANCING_BOUNDS, "cash_percent", unit="A year, earned.")
    margin_percent = _bounded("Interest on debt", FINANCING_BOUNDS, "margin_percent", unit="A year, on cash below 0.")
    dividends = forms.BooleanField(required=False, label="Credit dividends", help_text="A paper account gets none.")

    def costs(self) -> dict[str, dict[str, Decimal]]:
        """Return fees, slippage and financing of a valid form; what is nothing is left out."""
        values = self.cleaned_data
        return {
            model: {name: values[field] for name, field in names.items() if values[field]}
            for model, names in _FIELDS.items()
        }


def initial_costs(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form begins with to run a job once more."""
    return {
        field: settings.get(model, {}).get(name, "0")
        for model, names in _FIELDS.items()
        for name, field in names.items()
    }
