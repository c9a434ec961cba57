"""What the search box finds besides pages: instruments, strategies and orders of the user."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.chips import chip_for
from core.pages import page
from core.templatetags.formatting import quantity
from marketdata import selectors as market
from strategies import selectors as strategies
from tradeplatform.navigation import address
from trading import selectors as trading
from users.models import User
from users.requests import SignedInRequest

N_EACH = 6
MAX_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, and where it is shown."""

    url: str
    icon: str
    text: str
    kind: str


@page
@require_GET
def results(request: SignedInRequest) -> HttpResponse:
    """Show what fits the words."""
    words = request.GET.get("q", "").strip()[:MAX_LENGTH]
    found = find(request.user, words) if words else []
    return render(request, "tradeplatform/_search.html", {"found": found})


def find(user: User, words: str) -> list[Found]:
    """Return instruments, strategies and orders that fit the words, a few of each."""
    return [*_instruments(words), *_strategies(user, words), *_orders(user, words)]


def _instruments(words: str) -> list[Found]:
    rows = market.instruments(words)[:N_EACH]
    chart = reverse("marketdata:chart")
    return [
        Found(f"{chart}?{urlencode({'symbol': row.symbol})}", "chart", f"{row.symbol} {row.name}".strip(), "Chart")
        for row in rows
    ]


def _strategies(user: User, words: str) -> list[Found]:
    rows = strategies.strategies_of(user).filter(name__icontains=words).order_by("name")[:N_EACH]
    return [Found(address("strategies:detail", row.pk), "strategies", row.name, "Strategy") for row in rows]


def _orders(user: User, words: str) -> list[Found]:
    wanted = Q(client_order_id__istartswith=words) | Q(instrument__symbol__iexact=words)
    rows = trading.orders_of(user).filter(wanted).order_by("-created_at")[:N_EACH]
    return [
        Found(
            address("trading:order", row.pk),
            "orders",
            f"{row.side.capitalize()} {quantity(row.quantity)} {row.instrument.symbol}",
            f"Order, {chip_for('order', row.status).label.lower()}",
        )
        for row in rows
    ]
