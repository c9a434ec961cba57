"""Forms of accounts: opening one, its costs, its trading state."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from domain.portfolio import TradingState
from portfolio.costs import FEE_BOUNDS, SLIPPAGE_BOUNDS
from portfolio.models import Account
from trading.forms.fields import AmountField

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "USDT", "USDC", "BTC")
FEES = ("percent", "per_order", "per_share", "minimum")
SLIPPAGE = ("bps", "volume_impact", "max_volume_percent")
STATES = {
    TradingState.ACTIVE: "Active: orders may be sent",
    TradingState.REDUCING: "Reducing: only orders that make positions smaller",
    TradingState.HALTED: "Halted: nothing new; stops and targets stay in force",
}


class CostsForm(forms.Form):
    """What fills of a paper account cost; empty means nothing."""

    name = forms.CharField(max_length=64, help_text="Shown wherever the account is.")
    fee_percent = AmountField(
        required=False, min_value=0, max_value=FEE_BOUNDS["percent"], label="Commission, of the value"
    )
    fee_per_order = AmountField(
        required=False, min_value=0, max_value=FEE_BOUNDS["per_order"], label="Commission, each order"
    )
    fee_per_share = AmountField(
        required=False, min_value=0, max_value=FEE_BOUNDS["per_share"], label="Commission, each share"
    )
    fee_minimum = AmountField(required=False, min_value=0, max_value=FEE_BOUNDS["minimum"], label="Least commission")
    slippage_bps = AmountField(
        required=False,
        min_value=0,
        max_value=SLIPPAGE_BOUNDS["bps"],
        label="Slippage",
        help_text="How much worse than the bar's price a market order fills. 5 is a careful guess for large stocks.",
    )
    slippage_volume_impact = AmountField(
        required=False,
        min_value=0,
        max_value=SLIPPAGE_BOUNDS["volume_impact"],
        label="Volume impact",
        help_text="Times the square of the order's share of the bar's volume: with 0.1, half the bar costs 2.5 %.",
    )
    slippage_max_volume_percent = AmountField(
        required=False,
        min_value=0,
        max_value=SLIPPAGE_BOUNDS["max_volume_percent"],
        label="Most of a bar's volume",
        help_text="Larger orders fill in parts, bar by bar. Empty: every order fills whole.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, account: Account | None = None) -> None:
        super().__init__(data, initial=_initial(account) if account else {})

    @property
    def fees(self) -> dict[str, Decimal]:
        """Return the fees that were given (of a valid form)."""
        values = {name: self.cleaned_data[f"fee_{name}"] for name in FEES}
        return {name: value for name, value in values.items() if value}

    @property
    def slippage(self) -> dict[str, Decimal]:
        """Return the slippage that was given (of a valid form)."""
        values = {name: self.cleaned_data[f"slippage_{name}"] for name in SLIPPAGE}
        return {name: value for name, value in values.items() if value}

    def fees_of(self, account: Account) -> dict[str, Any]:
        """Return an account's fees with those of a valid form; what the form does not show stays as it was."""
        return {name: value for name, value in account.fees.items() if name not in FEES} | self.fees

    def slippage_of(self, account: Account) -> dict[str, Any]:
        """Return an account's slippage with that of a valid form; what the form does not show stays as it was."""
        return {name: value for name, value in account.slippage.items() if name not in SLIPPAGE} | self.slippage


def _initial(account: Account) -> dict[str, Any]:
    fees = {f"fee_{name}": account.fees.get(name) for name in FEES}
    slippage = {f"slippage_{name}": account.slippage.get(name) for name in SLIPPAGE}
    return {"name": account.name, **fees, **slippage}


class AccountForm(CostsForm):
    """A new paper account."""

    starting_cash = AmountField(above=0, label="Starting cash", help_text="Simulated; you can start again any time.")
    currency = forms.ChoiceField(choices=[(code, code) for code in CURRENCIES])

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.initial = {"name": "Paper", "starting_cash": "100000", "currency": "USD"}


class StateForm(forms.Form):
    """What an account may do from now on, and why."""

    state = forms.ChoiceField(choices=[(state.value, words) for state, words in STATES.items()], label="From now on")
    reason = forms.CharField(max_length=300, help_text="Kept in the audit log and shown beside the state.")
