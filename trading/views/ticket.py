"""The order ticket: what an order would meet, as one types, and placing it."""

import uuid
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import page, show_faults
from core.templatetags.formatting import price, quantity
from domain.errors import PlatformError
from domain.orders import EventSource, OrderStatus
from marketdata import selectors as market
from marketdata.models import Instrument
from trading import overviews
from trading.api.orders import preview_numbers
from trading.forms.orders import TICKET_FIELDS, TicketForm
from trading.models import Order
from trading.services import placing
from trading.services.intents import Origin
from trading.traces import RuleLine, rule_lines

PREFILLED = ("symbol", "side", "type", "amount", "limit_price", "stop_price", "account", "reduce_only")
MAX_SYMBOLS = 500


@page
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the ticket; place the order."""
    if not overviews.accounts(request.user):
        return redirect("portfolio:account_new")
    form = TicketForm(request.POST or None, user=request.user, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        order = _place(form)
        if order is not None:
            _tell(request, order)
            return redirect("trading:order", order.pk)
    context = {"form": form, "symbols": _symbols(), **_previewed(form if form.is_bound else None)}
    return render(request, "trading/ticket.html", context)


@page
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show what the order that is being typed would meet now; sends nothing."""
    form = TicketForm(request.POST, user=request.user)
    return render(request, "trading/_preview.html", _previewed(form))


def _initial(request: HttpRequest) -> dict[str, Any]:
    given = {name: request.GET[name][:40] for name in PREFILLED if request.GET.get(name)}
    return {**given, "ticket": uuid.uuid4().hex}


def _symbols() -> list[tuple[str, str]]:
    return list(Instrument.objects.order_by("symbol").values_list("symbol", "name")[:MAX_SYMBOLS])


def _origin(form: TicketForm) -> Origin:
    """The ticket's own id makes one order of a form that is sent twice."""
    return Origin(client_order_id=f"t-{form.cleaned_data['ticket']}", source=EventSource.OPERATOR)


def _place(form: TicketForm) -> Order | None:
    wanted = form.wanted
    try:
        return placing.place(wanted.account_id, wanted.spec, notional=wanted.notional, origin=_origin(form))
    except PlatformError as error:
        show_faults(form, error, names=TICKET_FIELDS)
        return None


def _tell(request: HttpRequest, order: Order) -> None:
    words = f"{order.side.capitalize()} {quantity(order.quantity)} {order.instrument.symbol}"
    if order.status == OrderStatus.DENIED:
        messages.error(request, f"{words} was denied: {order.reason}. Nothing was sent.")
    else:
        messages.success(request, f"{words} was sent. It is not filled yet: its state is shown below.")


def _previewed(form: TicketForm | None) -> dict[str, Any]:
    """What the preview shows: the decision, or what is still missing."""
    if form is None or not form.is_valid():
        return {"preview": None, "missing": _missing(form)}
    wanted = form.wanted
    origin = Origin(source=EventSource.OPERATOR)
    try:
        found = placing.preview_order(wanted.account_id, wanted.spec, notional=wanted.notional, origin=origin)
    except PlatformError as error:
        faults = [fault.message for fault in error.errors] or [error.message]
        return {"preview": None, "missing": faults}
    account = form.cleaned_data["account"]
    numbers = preview_numbers(found)
    lines = rule_lines(numbers["decision"]["reasons"], account.currency)
    instrument = market.instrument(wanted.spec.symbol)
    return {
        "preview": numbers,
        "account": account,
        "instrument": instrument,
        "mark": found.question.mark,
        "cash_after": _cash_after(account.cash, numbers, wanted.spec.side.sign),
        "lines": lines,
        "headroom": [line for line in lines if line.used is not None],
        "stopping": _stopping(lines),
        "levels": _levels(numbers, wanted.spec.side.sign, instrument.tick_size),
        "missing": [],
    }


def _missing(form: TicketForm | None) -> list[str]:
    if form is None:
        return []
    filled = {name for name in form.fields if form.data.get(name)}
    named = ((name, faults) for name, faults in form.errors.items() if name in filled)
    return [f"{form[name].label}: {error}" for name, faults in named for error in faults]


def _stopping(lines: list[RuleLine]) -> list[str]:
    return [line.message for line in lines if line.verdict in ("denied", "resized", "warned")]


def _cash_after(cash: Decimal, numbers: dict[str, Any], sign: int) -> Decimal | None:
    return None if numbers["notional"] is None else cash - sign * numbers["notional"]


def _levels(numbers: dict[str, Any], sign: int, tick: Decimal) -> list[tuple[str, str]]:
    """Where the stop and target that the rules demand would lie, when the ticket names none itself."""
    at: Decimal | None = numbers["price"]
    if at is None:
        return []
    wanted = (
        ("Stop from your rules", numbers["stop_loss_percent"], -sign),
        ("Target", numbers["take_profit_percent"], sign),
    )
    return [
        (word, f"{price(at * (1 + way * percent / 100), tick)} ({'+' if way > 0 else '−'}{percent.normalize():f} %)")
        for word, percent, way in wanted
        if percent is not None
    ]
