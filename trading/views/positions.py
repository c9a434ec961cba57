"""Pages of positions: what is held, live, and closing it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import page, show_faults
from domain.errors import PlatformError
from domain.orders import OrderStatus
from trading import overviews
from trading.forms.fields import AmountField
from trading.services import bulk
from trading.views.orders import tell_bulk
from users.requests import SignedInRequest


class CloseForm(forms.Form):
    """How much to close."""

    quantity = AmountField(above=0, help_text="All of it, unless you write less.")


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show what the user holds; the same address gives the table alone to htmx."""
    accounts = overviews.accounts(request.user)
    held = overviews.held(request.user)
    context = {
        "held": held,
        "accounts": accounts,
        "totals": [_total(account, held) for account in accounts],
        "n_unprotected": sum(1 for each in held if each.stop is None),
    }
    is_part = request.headers.get("HX-Target", "").endswith("position-list")
    return render(request, "portfolio/_positions.html" if is_part else "portfolio/positions.html", context)


def _total(account: overviews.Account, held: list[overviews.Held]) -> dict[str, object]:
    own = [each.position for each in held if each.position.account_id == account.pk]
    return {
        "account": account,
        "n": len(own),
        "value": sum((abs(row.value) for row in own), overviews.ZERO),
        "unrealized": sum((row.unrealized_pnl for row in own), overviews.ZERO),
    }


@page
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Close a position, or a part of it, after saying what that does."""
    held = overviews.position_for(request.user, pk)
    position = held.position
    if not position.quantity:
        messages.info(request, f"The position in {position.instrument.symbol} is flat already.")
        return redirect("portfolio:positions")
    form = CloseForm(request.POST or None, initial={"quantity": f"{abs(position.quantity).normalize():f}"})
    if request.method == "POST" and form.is_valid():
        try:
            order = bulk.close_position(position, quantity=form.cleaned_data["quantity"])
        except PlatformError as error:
            show_faults(form, error)
        else:
            if order.status == OrderStatus.DENIED:
                messages.error(request, f"It was denied: {order.reason}. Nothing was sent.")
            else:
                messages.success(request, "The closing order was sent. It fills at the next bar or quote.")
            return redirect("trading:order", order.pk)
    context = {"form": form, "held": held, "position": position}
    return render(request, "portfolio/close.html", context)


@page
@require_POST
def close_all(request: SignedInRequest) -> HttpResponse:
    """Cancel all entries and close every position."""
    _, closed = bulk.close_all(bulk.Selection(user_id=request.user.pk), reason="you closed all")
    tell_bulk(request, closed, nothing="Nothing is held.", one="closing order", many="closing orders")
    return redirect("portfolio:positions")
