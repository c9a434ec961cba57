"""The risk page's picture of one account: heat map, value at risk, stress, correlations, days to exit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.pages import page
from core.templatetags.formatting import fraction, signed_percent
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk import figures
from risk import selectors as risk
from trading.portfolio_report import portfolio_report

METHODS = (("historical", "Historical"), ("parametric", "Parametric"), ("cornish_fisher", "Cornish-Fisher"))
COLORS = (("pnl", "P&L"), ("risk", "Share of risk"))
_MAP_WORDS = {
    False: "Size: value held. Green: a gain, red: a loss",
    True: "Size: value held. The stronger the color, the more of the value at risk comes from it",
}
N_PAIRS = 10


class ChoiceOfPicture(forms.Form):
    """Which account, which way to measure its tail, and what the colors of the heat map say."""

    account = forms.ModelChoiceField(Account.objects.none(), required=False, empty_label=None)
    method = forms.ChoiceField(choices=METHODS, required=False)
    color = forms.ChoiceField(choices=COLORS, required=False)

    def __init__(self, user: Any, data: Any) -> None:
        given = {name: data.get(name) for name in ("account", "method", "color") if data.get(name)}
        self.accounts = list(portfolio.accounts_of(user).order_by("created_at"))
        first = {"account": str(self.accounts[0].pk)} if self.accounts else {}
        super().__init__({"method": METHODS[0][0], "color": COLORS[0][0], **first, **given})
        chosen: Any = self.fields["account"]
        chosen.queryset = portfolio.accounts_of(user).order_by("created_at")

    @property
    def chosen(self) -> dict[str, Any]:
        """What is shown; what is not offered is the first of what is."""
        self.is_valid()
        given = self.cleaned_data
        return {
            "account": given.get("account") or (self.accounts[0] if self.accounts else None),
            "method": given.get("method") or METHODS[0][0],
            "color": given.get("color") or COLORS[0][0],
        }


@dataclass(frozen=True, slots=True)
class StressRow:
    """A scenario, what it would do, and whom it would hit most."""

    name: str
    pnl: Decimal
    equity_after: Decimal
    share: Decimal | None
    worst: str
    own_id: UUID | None


@page
@require_GET
def picture(request: HttpRequest) -> HttpResponse:
    """Show the portfolio risk of one account."""
    form = ChoiceOfPicture(request.user, request.GET)
    chosen = form.chosen
    context: dict[str, Any] = {"form": form, "accounts": form.accounts, "chosen": chosen, "methods": METHODS}
    context |= {"colors": COLORS}
    if chosen["account"] is not None:
        context |= _shown(chosen["account"], chosen["method"], by_risk=chosen["color"] == "risk")
    return render(request, "risk/_portfolio.html", context)


def _shown(account: Account, method: str, *, by_risk: bool) -> dict[str, Any]:
    report = portfolio_report(account)
    own = dict(risk.scenarios_of(account.user_id).values_list("name", "pk"))
    cells, correlation = report["heat_map"], report["correlation"]
    shares = _shares(report["contributions"])
    pnl_words = [signed_percent(each["pnl_percent"]) for each in cells]
    tails = [each for each in report["value_at_risk"] if each["method"] == method]
    symbols, matrix = (correlation["symbols"], correlation["matrix"]) if correlation else ([], [])
    several = [group for group in correlation["clusters"] if len(group) > 1] if correlation else []
    return {
        "report": report,
        "currency": account.currency,
        "map_words": _MAP_WORDS[by_risk],
        "tails": [{**each, "share": _of_equity(each["value_at_risk"], report["equity"])} for each in tails],
        "tree": figures.heat_map(cells, by_risk=by_risk, shares=shares, pnl_words=pnl_words),
        "rows": [{**each, "risk": shares.get(each["symbol"])} for each in cells],
        "alike": figures.correlations(symbols, matrix, correlation["clusters"]) if len(symbols) > 1 else None,
        "pairs": figures.strongest_pairs(symbols, matrix, n=N_PAIRS),
        "clusters": several,
        "stress": [_stress(each, report["equity"], own) for each in report["stress"]],
        "liquidity": [
            {**each, "words": _days(each["days_to_exit"])}
            for each in report["liquidity"]
            if each["days_to_exit"] is not None
        ],
    }


def _shares(contributions: list[dict[str, Any]]) -> dict[str, float]:
    """The share of the whole value at risk by symbol; a hedge has a negative one."""
    total = sum(each["component"] for each in contributions)
    return {each["symbol"]: each["component"] / total for each in contributions} if total > 0 else {}


def _of_equity(value: float, equity: Decimal) -> str:
    return f"{fraction(value / float(equity))} of equity" if equity > 0 else ""


def _days(days: Decimal) -> str:
    return f"{days:,.1f}" if days >= 1 else f"{days:.2f}" if days >= Decimal("0.01") else "under 0.01"


def _stress(found: dict[str, Any], equity: Decimal, own: dict[str, UUID]) -> StressRow:
    by_symbol: dict[str, Decimal] = found["by_symbol"]
    worst = min(by_symbol, key=lambda symbol: by_symbol[symbol], default="")
    share = found["pnl"] / equity if equity > 0 else None
    return StressRow(found["name"], found["pnl"], found["equity_after"], share, worst, own.get(found["name"]))
