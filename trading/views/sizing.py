"""The sizing calculator: how much a method would take of an instrument, and which limit binds it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from core.fields import plain
from core.pages import page, show_faults
from domain.errors import PlatformError
from domain.orders import OrderSide
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from strategies.forms import SIZINGS
from strategies.models import Strategy
from trading.position_sizes import sized

LEAST = Decimal("0.000000000001")


def _number() -> forms.NumberInput:
    """A number of any precision: counted from the smallest one, the browser would refuse 92.51."""
    return forms.NumberInput(attrs={"step": "any"})


class SizeForm(forms.Form):
    """What is to be sized; the same fields as risk/position-size/ of the API."""

    account = forms.ModelChoiceField(Account.objects.none(), empty_label=None)
    symbol = forms.CharField(max_length=32)
    method = forms.ChoiceField(choices=list(SIZINGS.items()), label="How")
    value = forms.DecimalField(
        required=False,
        min_value=LEAST,
        max_value=Decimal(10) ** 12,
        max_digits=28,
        decimal_places=12,
        widget=_number(),
        label="Amount",
        help_text="In the unit of the choice beside it; empty: the per cent of equity of your preferences.",
    )
    side = forms.ChoiceField(choices=[(OrderSide.BUY.value, "Buy"), (OrderSide.SELL.value, "Sell short")])
    entry_price = forms.DecimalField(min_value=LEAST, max_digits=20, decimal_places=8, widget=_number())
    stop_price = forms.DecimalField(required=False, min_value=LEAST, max_digits=20, decimal_places=8, widget=_number())
    strategy = forms.ModelChoiceField(
        Strategy.objects.none(),
        required=False,
        empty_label="None",
        help_text="Its past trades are what Kelly asks for.",
    )

    def __init__(self, user: Any, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        choose: Any = self.fields
        choose["account"].queryset = portfolio.accounts_of(user).order_by("created_at")
        choose["strategy"].queryset = Strategy.objects.for_user(user).order_by("name")

    def clean_symbol(self) -> Instrument:
        """Find the instrument."""
        symbol = self.cleaned_data["symbol"].strip().upper()
        found = Instrument.objects.filter(symbol=symbol).first()
        if found is None:
            raise forms.ValidationError(f"There is no instrument {symbol}.", code="unknown_symbol")
        return found


@page
@require_http_methods(["GET", "POST"])
def calculator(request: HttpRequest) -> HttpResponse:
    """Tell the size; places nothing."""
    form = SizeForm(request.user, request.POST if request.method == "POST" else None, initial=_first(request))
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        context |= _answer(form)
    return render(request, "trading/position_size.html", context)


def _first(request: HttpRequest) -> dict[str, Any]:
    """Begin with the symbol of the address at its newest price."""
    row = Instrument.objects.filter(symbol=request.GET.get("symbol", "").replace("\0", "").strip().upper()).first()
    if row is None:
        return {}
    try:
        return {"symbol": row.symbol, "entry_price": plain(market.mark(row).price)}
    except PlatformError:  # no price yet
        return {"symbol": row.symbol}


def _answer(form: SizeForm) -> dict[str, Any]:
    given = form.cleaned_data
    account, strategy = given["account"], given["strategy"]
    try:
        with transaction.atomic():
            found = sized(
                account,
                given["symbol"],
                method=SizingMethod(given["method"]),
                value=given["value"],
                side=OrderSide(given["side"]),
                entry_price=given["entry_price"],
                stop_price=given["stop_price"],
                strategy_id=strategy.pk if strategy else None,
            )
    except PlatformError as error:
        show_faults(form, error)
        return {}
    return {
        "found": found,
        "currency": account.currency,
        "instrument": given["symbol"],
        "share": _share(found, account),
    }


def _share(found: Any, account: Account) -> Decimal | None:
    return found.value / account.equity if account.equity > 0 else None
