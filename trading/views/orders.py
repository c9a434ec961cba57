"""Pages of orders and fills: the blotter, one order with everything that happened to it, cancel and change."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import carry_out, page, show_faults
from domain.errors import PlatformError
from domain.orders import FINAL, LOCAL, OPEN, EventSource, OrderRole, OrderStatus
from marketdata import selectors as market
from trading import overviews, selectors
from trading.forms.orders import ChangeForm, ListFilter, OrderFilter
from trading.models import Order
from trading.services import bulk, orders
from trading.traces import rule_lines
from trading.views.row_pages import row_page
from users.requests import SignedInRequest

CHANGEABLE = OPEN - {OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE}
CANCELABLE = (OPEN | LOCAL | {OrderStatus.SUBMITTED}) - {OrderStatus.PENDING_CANCEL}
PROTECTIVE = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)


def working(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Keep the orders that can still do something."""
    return rows.filter(~Q(status__in=[s.value for s in FINAL]) | Q(unresolved=True))


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the blotter: what works, or everything; the same address gives the table alone to htmx."""
    is_all = request.GET.get("show") == "all"
    form = OrderFilter(request.GET, user=request.user)
    every = selectors.orders_of(request.user).defer("decision__inputs")
    rows = form.narrow(every if is_all else working(every))
    shown = row_page(request, rows)
    counts = every.aggregate(all=Count("pk"), working=Count("pk", filter=~Q(status__in=[s.value for s in FINAL])))
    context = {
        "form": form,
        "page": shown,
        "rows": shown.rows,
        "is_all": is_all,
        "n_all": counts["all"],
        "n_working": counts["working"],
        "accounts": overviews.accounts(request.user),
        "here": request.get_full_path(),
        "changeable": CHANGEABLE,
        "cancelable": CANCELABLE,
        "protective": PROTECTIVE,
    }
    is_part = request.headers.get("HX-Target", "").endswith("order-list")
    return render(request, "trading/_orders.html" if is_part else "trading/orders.html", context)


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one order: how far it is, its events, the decision on it, its stop and target."""
    order = selectors.order_for(request.user, pk)
    is_part = request.headers.get("HX-Target", "").endswith("order-live")
    return render(request, "trading/_order.html" if is_part else "trading/order.html", _detail(order))


def _detail(order: Order) -> dict[str, Any]:
    currency = order.account.currency
    fills = list(order.fills.order_by("seq"))
    reasons = order.decision.reasons if order.decision else []
    return {
        "order": order,
        "currency": currency,
        "tick": order.instrument.tick_size,
        "events": order.events.order_by("-seq"),
        "fills": fills,
        "value": sum((fill.quantity * fill.price for fill in fills), overviews.ZERO),
        "fees": sum((fill.fee for fill in fills), overviews.ZERO),
        "lines": rule_lines(reasons, currency),
        "children": order.children.order_by("created_at"),
        "can_change": order.status in CHANGEABLE,
        "can_cancel": order.status in CANCELABLE,
        "is_protective": order.role in PROTECTIVE,
    }


@page
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask to cancel an order."""
    order = selectors.order_for(request.user, pk)
    at = market.market_time(order.instrument)

    def work() -> Order:
        return orders.cancel_order(order.pk, at=at, source=EventSource.OPERATOR, reason="you canceled it")

    carry_out(request, work, done=_cancel_words)
    if request.POST.get("back") == "list":
        return redirect("trading:orders")
    return redirect("trading:order", order.pk)


def _cancel_words(order: Order) -> str:
    if order.status == OrderStatus.CANCELED:
        return "The order is canceled."
    return "The cancel was sent. Until the broker confirms it, the order can still fill."


@page
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change quantity or prices of a working order."""
    order = selectors.order_for(request.user, pk)
    if order.status not in CHANGEABLE:
        messages.warning(request, f"An order that is {order.status.replace('_', ' ')} can not be changed.")
        return redirect("trading:order", order.pk)
    form = ChangeForm(request.POST or None, order=order)
    if request.method == "POST" and form.is_valid():
        try:
            orders.replace_order(order.pk, form.changes, at=market.market_time(order.instrument))
        except PlatformError as error:
            show_faults(form, error)
        else:
            messages.success(request, "The change was sent. Until the broker confirms it, the old order works.")
            return redirect("trading:order", order.pk)
    context = {"form": form, "order": order}
    return render(request, "trading/order_change.html", context)


@page
@require_POST
def cancel_all(request: SignedInRequest) -> HttpResponse:
    """Cancel every entry that works; stops and targets stay unless they are asked for too."""
    selection = bulk.Selection(user_id=request.user.pk)
    keeps = request.POST.get("protective") != "on"
    done = bulk.cancel_all(selection, reason="you canceled all", only_new_risk=keeps)
    tell_bulk(request, done, nothing="No order was waiting to be canceled.", one="order", many="orders")
    return redirect("trading:orders")


def tell_bulk(request: HttpRequest, done: tuple[bulk.Done, ...], *, nothing: str, one: str, many: str) -> None:
    """Tell what came of many orders: how many went, and each that did not."""
    failed = [each for each in done if each.outcome in (bulk.Outcome.FAILED, bulk.Outcome.DENIED)]
    went = len(done) - len(failed)
    if not done:
        messages.info(request, nothing)
    elif went:
        messages.success(request, f"The broker was asked: {went} {one if went == 1 else many}.")
    for each in failed:
        messages.error(request, f"{each.symbol}: {each.message}")


@page
@require_GET
def fills_page(request: HttpRequest) -> HttpResponse:
    """Show the user's fills, newest first."""
    form = ListFilter(request.GET, user=request.user)
    shown = row_page(request, form.narrow(selectors.fills_of(request.user)))
    context = {
        "form": form,
        "page": shown,
        "rows": shown.rows,
        "accounts": overviews.accounts(request.user),
        "here": request.get_full_path(),
    }
    is_part = request.headers.get("HX-Target", "").endswith("fill-list")
    return render(request, "trading/_fills.html" if is_part else "trading/fills.html", context)
