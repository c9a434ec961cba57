"""Pages of signals: all of them with what became of each, one with its whole trace, approving and dismissing."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.pages import carry_out, page
from domain.signals import SignalOutcome
from marketdata import selectors as market
from trading import overviews, selectors
from trading.forms.orders import SignalFilter
from trading.models import Signal
from trading.services import approvals
from trading.traces import page_steps, rule_lines
from trading.tracing import trace_of
from trading.views.row_pages import row_page


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the user's signals, newest first, those that wait for a yes on top."""
    form = SignalFilter(request.GET, user=request.user)
    every = selectors.signals_of(request.user).defer("decision__inputs", "trace")
    shown = row_page(request, form.narrow(every))
    context = {
        "form": form,
        "page": shown,
        "rows": shown.rows,
        "waiting": every.filter(outcome=SignalOutcome.AWAITING_APPROVAL).order_by("expires_at"),
        "accounts": overviews.accounts(request.user),
        "here": request.get_full_path(),
    }
    is_part = request.headers.get("HX-Target", "").endswith("signal-list")
    return render(request, "trading/_signals.html" if is_part else "trading/signals.html", context)


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one signal: every step from its bar to its fills."""
    signal = _signal(request, pk)
    trace = trace_of(signal)
    currency = signal.account.currency
    context = {
        "signal": signal,
        "steps": page_steps(trace, currency=currency),
        "lines": rule_lines(trace.decision.reasons, currency) if trace.decision else [],
        "orders": trace.orders,
        "is_waiting": signal.outcome == SignalOutcome.AWAITING_APPROVAL,
        "here": request.get_full_path(),
    }
    is_part = request.headers.get("HX-Target", "").endswith("signal-live")
    return render(request, "trading/_signal.html" if is_part else "trading/signal.html", context)


@page
@require_POST
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send the order of a waiting signal."""
    signal = _signal(request, pk)
    at = market.market_time(signal.instrument)
    carry_out(request, lambda: approvals.approve(signal.pk, at=at), done=_approved)
    return redirect("trading:signal", signal.pk)


def _approved(signal: Signal) -> str:
    if signal.outcome == SignalOutcome.DENIED:
        return f"You approved it, but a risk rule stopped it now: {signal.message}"
    return "Approved. Its order was sent; it is not filled yet."


@page
@require_POST
def dismiss(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say no to a waiting signal."""
    signal = _signal(request, pk)
    carry_out(request, lambda: approvals.dismiss(signal.pk, at=timezone.now()), done="Dismissed. Nothing was sent.")
    return redirect("trading:signals")


def _signal(request: HttpRequest, pk: UUID) -> Signal:
    found: Signal = get_object_or_404(selectors.signals_of(request.user), pk=pk)
    return found
