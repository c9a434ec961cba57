"""Forms of orders: the ticket, changing a working one, the filters of the lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from domain.errors import NotFound
from domain.orders import OrderSide, OrderSpec, OrderStatus, OrderType, TimeInForce
from domain.signals import SignalOutcome
from marketdata import selectors as market
from trading.forms.fields import AccountField, AmountField, offer_accounts
from trading.models import Order

TYPES = {
    OrderType.MARKET: "Market",
    OrderType.LIMIT: "Limit",
    OrderType.STOP: "Stop",
    OrderType.STOP_LIMIT: "Stop limit",
    OrderType.TRAILING_STOP: "Trailing stop",
}
TIMES = {
    TimeInForce.GTC: "Until canceled (GTC)",
    TimeInForce.DAY: "This session only (DAY)",
    TimeInForce.IOC: "At once, rest canceled (IOC)",
    TimeInForce.FOK: "Whole at once or not at all (FOK)",
    TimeInForce.OPG: "At the open (OPG)",
    TimeInForce.CLS: "At the close (CLS)",
}
_NEEDS = {
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("limit_price", "stop_price"),
    OrderType.TRAILING_STOP: ("trail_percent",),
}
_PRICES = ("limit_price", "stop_price", "trail_percent")
TICKET_FIELDS = {
    "notional": "amount",
    "quantity": "amount",
    "stop_loss_price": "stop_loss",
    "stop_loss_percent": "stop_loss",
    "take_profit_price": "take_profit",
    "take_profit_percent": "take_profit",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order as a ticket asks for it; with a notional the quantity follows from the price."""

    account_id: Any
    spec: OrderSpec
    notional: Decimal | None


class TicketForm(forms.Form):
    """A new order. The page hides the prices that the chosen type does not have; they are left out here too."""

    account = AccountField(empty_label="Choose an account")
    symbol = forms.CharField(max_length=32, widget=forms.TextInput(attrs={"autocomplete": "off", "list": "symbols"}))
    side = forms.ChoiceField(choices=[("buy", "Buy"), ("sell", "Sell")], initial="buy", widget=forms.RadioSelect)
    type = forms.ChoiceField(choices=[(t.value, w) for t, w in TYPES.items()], initial="market", label="Order type")
    time_in_force = forms.ChoiceField(choices=[(t.value, w) for t, w in TIMES.items()], initial="gtc", label="Works")
    amount = AmountField(above=0, label="How much")
    unit = forms.ChoiceField(
        choices=[("quantity", "units"), ("notional", "money")], initial="quantity", label="Measured in"
    )
    limit_price = AmountField(above=0, required=False, help_text="The worst price that you accept.")
    stop_price = AmountField(above=0, required=False, help_text="The price that wakes the order.")
    trail_percent = AmountField(above=0, max_value=100, required=False, label="Trails by")
    stop_loss = AmountField(above=0, required=False, help_text="Price at which the position is closed with a loss.")
    take_profit = AmountField(above=0, required=False, help_text="Price at which the position is closed with a gain.")
    reduce_only = forms.BooleanField(
        required=False, label="Only reduce what is held", help_text="It can close a position, never open or turn one."
    )
    ticket = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, user: Any, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        offer_accounts(self, user, choose=not self.initial.get("account"))

    def clean_symbol(self) -> str:
        """Look the instrument up."""
        try:
            return market.instrument(self.cleaned_data["symbol"]).symbol
        except NotFound as error:
            raise forms.ValidationError(f"{error.message}.", code="unknown_symbol") from error

    def clean(self) -> dict[str, Any]:
        """Check that the prices fit the type."""
        cleaned: dict[str, Any] = super().clean() or {}
        needed = _NEEDS.get(cleaned.get("type", ""), ())
        for name in _PRICES:
            if name not in needed:
                cleaned[name] = None
                self.errors.pop(name, None)
            elif cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, f"A {TYPES[cleaned['type']].lower()} order needs it.")
        if cleaned.get("reduce_only"):
            for name in ("stop_loss", "take_profit"):
                if cleaned.get(name) is not None:
                    self.add_error(name, "An order that only reduces opens nothing to protect.")
        return cleaned

    @property
    def wanted(self) -> Wanted:
        """Return the order (of a valid form)."""
        values = self.cleaned_data
        is_notional = values["unit"] == "notional"
        spec = OrderSpec(
            symbol=values["symbol"],
            side=OrderSide(values["side"]),
            type=OrderType(values["type"]),
            time_in_force=TimeInForce(values["time_in_force"]),
            quantity=Decimal(0) if is_notional else values["amount"],
            limit_price=values["limit_price"],
            stop_price=values["stop_price"],
            trail_percent=values["trail_percent"],
            reduce_only=values["reduce_only"],
            stop_loss_price=values["stop_loss"],
            take_profit_price=values["take_profit"],
        )
        return Wanted(values["account"].pk, spec, values["amount"] if is_notional else None)


class ChangeForm(forms.Form):
    """New values of a working order; only the prices that it has are offered."""

    quantity = AmountField(above=0)
    limit_price = AmountField(above=0)
    stop_price = AmountField(above=0)

    def __init__(self, data: Mapping[str, Any] | None = None, *, order: Order) -> None:
        super().__init__(data)
        self.order = order
        for name in ("limit_price", "stop_price"):
            if getattr(order, name) is None or order.type == OrderType.TRAILING_STOP:
                del self.fields[name]
        for name, field in self.fields.items():
            field.initial = f"{getattr(order, name).normalize():f}"

    def clean(self) -> dict[str, Any]:
        """Check that anything changes."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.changes:
            raise forms.ValidationError("Nothing is different from the order as it works now.", code="same")
        return cleaned

    @property
    def changes(self) -> dict[str, Decimal]:
        """Return what differs from the order."""
        return {name: value for name, value in self.cleaned_data.items() if value != getattr(self.order, name)}


def _words(value: str) -> str:
    return value.replace("_", " ").capitalize()


class ListFilter(forms.Form):
    """What the lists of orders, fills and signals can be narrowed by; everything is optional."""

    account = AccountField(required=False, empty_label="Every account")
    symbol = forms.CharField(max_length=32, required=False, widget=forms.TextInput(attrs={"placeholder": "Symbol"}))

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: Any) -> None:
        super().__init__(data)
        offer_accounts(self, user, choose=False)
        for field in self.fields.values():
            kind = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs["class"] = kind

    def narrow(self, rows: Any) -> Any:
        """Return the rows that fit; what was mistyped narrows nothing."""
        wanted = self.cleaned_data if self.is_valid() else {}
        if account := wanted.get("account"):
            rows = rows.filter(account=account)
        if symbol := wanted.get("symbol"):
            rows = rows.filter(instrument__symbol=symbol.strip().upper())
        return rows

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything is chosen."""
        return any(self.data.get(name) for name in self.fields)


class OrderFilter(ListFilter):
    """Also by state."""

    status = forms.ChoiceField(
        required=False, label="State", choices=[("", "Every state"), *((s.value, _words(s)) for s in OrderStatus)]
    )

    def narrow(self, rows: Any) -> Any:
        """Return the orders that fit."""
        rows = super().narrow(rows)
        status = self.cleaned_data.get("status") if self.is_valid() else ""
        return rows.filter(status=status) if status else rows


class SignalFilter(ListFilter):
    """Also by outcome."""

    outcome = forms.ChoiceField(
        required=False, choices=[("", "Every outcome"), *((s.value, _words(s)) for s in SignalOutcome)]
    )

    def narrow(self, rows: Any) -> Any:
        """Return the signals that fit."""
        rows = super().narrow(rows)
        outcome = self.cleaned_data.get("outcome") if self.is_valid() else ""
        return rows.filter(outcome=outcome) if outcome else rows
