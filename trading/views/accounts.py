"""Pages of accounts: the list, opening one, its equity curve, its trading state, reset, reconciliation."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import carry_out, page, show_faults
from domain.errors import PlatformError
from domain.portfolio import TradingState
from portfolio import selectors as portfolio
from portfolio.cost_words import cost_rows
from portfolio.models import Account
from portfolio.services import accounts
from trading import overviews
from trading.forms.accounts import FEES, SLIPPAGE, AccountForm, CostsForm, StateForm
from trading.services import reconcile, resets

MAX_POINTS = 1_000
PARTS = {"account-live": "portfolio/_account.html", "account-curve": "portfolio/_curve.html"}
FAULT_FIELDS = {
    **{f"fees.{name}": f"fee_{name}" for name in FEES},
    **{f"slippage.{name}": f"slippage_{name}" for name in SLIPPAGE},
}


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the user's accounts."""
    rows = overviews.accounts(request.user)
    is_part = request.headers.get("HX-Target", "").endswith("account-list")
    context = {"rows": [_row(account) for account in rows], "accounts": rows}
    return render(request, "portfolio/_accounts.html" if is_part else "portfolio/accounts.html", context)


def _row(account: Account) -> dict[str, Any]:
    fall = 1 - account.equity / account.peak_equity if account.peak_equity > 0 else overviews.ZERO
    return {
        "account": account,
        "total_pnl": account.equity - account.starting_cash,
        "total_fraction": account.equity / account.starting_cash - 1,
        "drawdown": max(fall, overviews.ZERO),
        "n_open": portfolio.positions_of(account).count(),
        "n_working": overviews.n_working_orders(account),
    }


@page
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open a paper account."""
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            account = accounts.open_account(
                request.user,
                name=form.cleaned_data["name"].strip(),
                starting_cash=form.cleaned_data["starting_cash"],
                currency=form.cleaned_data["currency"],
                fees=form.fees,
                slippage=form.slippage,
                at=timezone.now(),
            )
        except PlatformError as error:
            show_faults(form, error, names=FAULT_FIELDS)
        else:
            messages.success(request, f"{account.name} is open. Let a strategy trade it, or place an order.")
            return redirect("portfolio:account", account.pk)
    context = {"form": form, "is_first": not overviews.accounts(request.user)}
    return render(request, "portfolio/account_new.html", context)


@page
@require_http_methods(["GET", "POST"])
def costs(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change an account's name, fees and slippage."""
    account = portfolio.account_for(request.user, pk)
    form = CostsForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.configure_account(
                account,
                name=form.cleaned_data["name"].strip(),
                fees=form.fees_of(account),
                slippage=form.slippage_of(account),
            )
        except PlatformError as error:
            show_faults(form, error, names=FAULT_FIELDS)
        else:
            messages.success(request, "Saved. The costs hold for fills from now on.")
            return redirect("portfolio:account", account.pk)
    context = {"form": form, "account": account}
    return render(request, "portfolio/account_costs.html", context)


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one account."""
    account = portfolio.account_for(request.user, pk)
    wanted = request.headers.get("HX-Target", "").rpartition("#")[2]
    context = _detail(request, account, StateForm(initial={"state": account.trading_state}))
    return render(request, PARTS.get(wanted, "portfolio/account.html"), context)


def _detail(request: HttpRequest, account: Account, form: StateForm) -> dict[str, Any]:
    return {
        **_row(account),
        "curve": _figure(account),
        "held": overviews.held(request.user, account=account),
        "figures": overviews.figures(portfolio.trades_of(request.user).filter(account=account)),
        "state_form": form,
        "costs": cost_rows(account.fees, account.slippage),
        "accounts": [account],
    }


def _figure(account: Account) -> dict[str, Any] | None:
    """The equity curve as Plotly draws it; None while there is no curve."""
    points = portfolio.equity_curve(account, max_points=MAX_POINTS)
    if len(points) < 2:
        return None
    times = [point.at.isoformat() for point in points]
    line = {"type": "scatter", "mode": "lines", "line": {"shape": "hv"}, "x": times}  # nothing held: it stands still
    equity = {**line, "name": "Equity", "y": [float(p.equity) for p in points]}
    cash = {**line, "name": "Cash", "y": [float(p.cash) for p in points]}
    margin = {"l": 60, "r": 16, "t": 8, "b": 32}
    layout = {"yaxis": {"tickformat": ",.0f", "title": {"text": account.currency}}, "margin": margin}
    return {"data": [equity, {**cash, "visible": "legendonly"}], "layout": layout}


@page
@require_POST
def trading_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say what the account may do."""
    account = portfolio.account_for(request.user, pk)
    form = StateForm(request.POST)
    if not form.is_valid():
        return render(request, "portfolio/account.html", _detail(request, account, form))
    state, reason = TradingState(form.cleaned_data["state"]), form.cleaned_data["reason"]

    def work() -> Account:
        return accounts.set_trading_state(account, state, reason=reason, by=str(request.user), at=timezone.now())

    carry_out(request, work, done=f"{account.name} is {state.value} now.")
    return redirect("portfolio:account", account.pk)


@page
@require_POST
def reset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Start a paper account again."""
    account = portfolio.account_for(request.user, pk)
    carry_out(request, lambda: resets.reset_account(account), done=f"{account.name} starts again from its first cash.")
    return redirect("portfolio:account", account.pk)


@page
@require_POST
def reconcile_now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Compare an account with its broker now."""
    account = portfolio.account_for(request.user, pk)
    found = carry_out(request, lambda: reconcile.reconcile(account.pk), done=_reconciled)
    for difference in found.differences if found else ():
        messages.error(request, difference)
    return redirect("portfolio:account", account.pk)


def _reconciled(found: reconcile.Outcome) -> str:
    if found.differences:
        return "Compared with the broker: the books differ."
    mended = found.carried_on + found.fills_booked + found.protected
    return "Compared with the broker: everything agrees." + (f" {mended} things were put right." if mended else "")
