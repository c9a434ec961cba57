"""The component gallery: every building block on one page, with invented values. Served by its test alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from tradeplatform.navigation import GROUPS, Entry

N_BARS = 3_000
FIRST_DAY = datetime(2012, 1, 2, tzinfo=UTC)
DAY = 86_400


class ExampleForm(forms.Form):
    """One field of each kind; bound to wrong values it shows every error at once."""

    name = forms.CharField(max_length=40, help_text="Shown in orders and in the journal.")
    timeframe = forms.ChoiceField(choices=[("1d", "1 day"), ("1h", "1 hour")])
    size = forms.DecimalField(max_value=100, label="Position size", help_text="Share of the account’s equity.")
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    is_enabled = forms.BooleanField(required=False, label="Start it at once")


def navigation(current: str) -> dict[str, Any]:
    """Build the whole navigation, also of pages that do not exist yet."""

    def entry(page: Any) -> Entry:
        return Entry("/", page.label, page.icon, page.key, is_current=page.label == current)

    every = [page for _, pages in GROUPS for page in pages]
    return {
        "groups": [{"label": label, "entries": [entry(page) for page in pages]} for label, pages in GROUPS],
        "short": [entry(page) for page in every if page.is_short],
        "all": [entry(page) for page in every],
        "personal": [entry(page) for page in every if page.key == "e"],
        "sign_out_url": "/",
    }


def shell(mode: str) -> SimpleNamespace:
    """Build the state that the top bar shows."""
    now = timezone.now()
    texts = (
        ("Order filled: bought 58 AAPL", "Average 101.42, 0.03 under the signal’s price.", 70, False),
        ("Order denied: buy 400 GOOG", "Position would be 9.1 % of equity; your limit is 5 %.", 900, False),
        ("Strategy started: Trend, daily", "Decides on AAPL and MSFT at each daily close.", 7_300, True),
    )
    latest = [
        {"title": title, "text": text, "at": now - timedelta(seconds=seconds), "is_read": is_read, "url": "/"}
        for title, text, seconds, is_read in texts
    ]
    return SimpleNamespace(
        mode=mode,
        account_name="Practice account",
        broker_name="Alpaca",
        trading_state="active",
        feed_at=now - timedelta(seconds=2),
        feed_name="Replay 1d",
        feed_stale_after=30,
        is_feed_stale=False,
        kill_url="/",
        is_killed=False,
        bell_url="/bell/",
        n_unread=2,
        latest_notifications=latest,
        all_notifications_url="/",
    )


def trace(at: datetime) -> list[dict[str, Any]]:
    """Build the decision trace of an order that a rule made smaller."""
    sizing = [("Method", "percent_equity"), ("Equity", "$102,840.11"), ("Quantity", "58"), ("Bound by", "lot size")]
    rules = [("Max position size", "4.9 of 5 %"), ("Max daily loss", "0.4 of 3 %"), ("Max leverage", "0.61 of 1")]
    return [
        {"tone": "good", "title": "Bar of 12 Nov closed", "text": "Complete, 0 s old, from replay.", "at": at},
        {"tone": "good", "title": "Signal: buy AAPL, confidence 0.82", "text": "SMA 20 crossed over SMA 50.", "at": at},
        {"tone": "good", "title": "Sized to 58 shares", "facts": sizing, "at": at},
        {"tone": "warn", "title": "Risk gate: allowed with a warning", "facts": rules, "at": at},
        {
            "tone": "bad",
            "title": "Second order denied",
            "text": "Position would be 9.1 % of equity; your limit is 5 %.",
        },
        {"tone": "quiet", "title": "Notified in the application", "at": at},
    ]


def orders() -> list[dict[str, Any]]:
    """Build one order of each state that a blotter shows."""
    now = timezone.now()
    states = ("submitted", "accepted", "partially_filled", "filled", "denied", "unresolved", "canceled", "rejected")
    symbols = ("AAPL", "GOOG", "MSFT", "IBM")
    return [
        {
            "symbol": symbols[index % 4],
            "side": "buy" if index % 3 else "sell",
            "quantity": Decimal(10 + 17 * index),
            "filled": Decimal(0 if index < 2 else 10 + 17 * index if index == 3 else 9),
            "price": Decimal("101.42") + index,
            "pnl": Decimal("45.2") * (index - 3),
            "status": state,
            "strategy": "Trend, daily",
            "at": now - timedelta(minutes=7 * index, seconds=3),
        }
        for index, state in enumerate(states)
    ]


def page(request: HttpRequest, mode: str = "paper") -> HttpResponse:
    """Show every component."""
    wrong = ExampleForm({"name": "", "size": "140", "timeframe": "1d"})
    equity = np.cumsum(np.random.default_rng(5).normal(20, 180, 250)) + 100_000
    days = [(FIRST_DAY + timedelta(days=n)).date().isoformat() for n in range(250)]
    figure = {"data": [{"type": "scatter", "name": "Equity", "x": days, "y": equity.round(2).tolist()}], "layout": {}}
    request.user = SimpleNamespace(
        username="ada", timezone="Europe/Vienna", is_authenticated=False, get_full_name=lambda: "Ada L."
    )  # type: ignore[assignment]  # stands for a user
    context = {
        "navigation": navigation("Home"),
        "shell": shell(mode),
        "form": ExampleForm(),
        "wrong": wrong,
        "orders": orders(),
        "trace": trace(timezone.now()),
        "timeframes": ["1h", "4h", "1d", "1w"],
        "figure": figure,
        "equity": Decimal("102840.11"),
        "day_pnl": Decimal("-412.6"),
    }
    return render(request, "gallery.html", context)


def bars(request: HttpRequest) -> JsonResponse:
    """Answer as GET bars/ does, with a seeded random walk."""
    steps = np.random.default_rng(11).normal(0.0004, 0.014, (N_BARS, 4))
    close = 40 * np.exp(np.cumsum(steps[:, 0]))
    opened = np.concatenate([[40.0], close[:-1]]) * (1 + steps[:, 1] / 4)
    high = np.maximum(opened, close) * (1 + np.abs(steps[:, 2]) / 2)
    low = np.minimum(opened, close) * (1 - np.abs(steps[:, 3]) / 2)
    times = int(FIRST_DAY.timestamp()) + DAY * np.arange(N_BARS)
    first, last = _bounds(request, times)
    columns = {"o": opened, "h": high, "l": low, "c": close, "v": 1e6 * (1 + 40 * np.abs(steps[:, 0]))}
    body: dict[str, Any] = {"symbol": "AAPL", "timeframe": "1d", "t": times[first:last].tolist()}
    body |= {name: [f"{value:.2f}" for value in column[first:last]] for name, column in columns.items()}
    wanted = [item for item in request.GET.get("indicators", "").split(",") if item]
    body["indicators"] = {item.replace(":", "_"): _indicator(item, close)[first:last] for item in wanted}
    return JsonResponse(body)


def marks(request: HttpRequest) -> JsonResponse:
    """Answer with a signal, a fill, a refusal, an order and a stop."""
    at = [int(FIRST_DAY.timestamp()) + DAY * (N_BARS - n) for n in (70, 69, 41, 20, 19)]
    kinds = ("buy", "fill_buy", "refused", "sell", "fill_sell")
    listed = [{"id": f"m{n}", "time": time, "kind": kinds[n], "url": "/bell/"} for n, time in enumerate(at)]
    listed[2]["text"] = "denied"
    last = float(_last_close())
    lines = [
        {"id": "o1", "price": f"{last * 0.95:.2f}", "kind": "order", "title": "Buy 58"},
        {"id": "s1", "price": f"{last * 0.9:.2f}", "kind": "stop", "title": "Stop"},
    ]
    return JsonResponse({"marks": listed, "lines": lines})


def bell(request: HttpRequest) -> HttpResponse:
    """Answer the fragment of the bell."""
    return render(request, "shell/_bell_list.html", {"shell": shell("paper"), "is_fragment": True})


def _last_close() -> float:
    steps = np.random.default_rng(11).normal(0.0004, 0.014, (N_BARS, 4))
    return float(40 * np.exp(np.sum(steps[:, 0])))


def _bounds(request: HttpRequest, times: Any) -> tuple[int, int]:
    limit = int(request.GET.get("limit", 500))
    if start := request.GET.get("start"):
        first = int(np.searchsorted(times, datetime.fromisoformat(start).timestamp()))
        return first, min(N_BARS, first + limit)
    end = request.GET.get("end")
    last = int(np.searchsorted(times, datetime.fromisoformat(end).timestamp())) if end else N_BARS
    return max(0, last - limit), last


def _indicator(item: str, close: Any) -> list[float | None]:
    name, period = item.split(":")[0], int(item.split(":")[1])
    moves = np.diff(close, prepend=close[0])
    kernel = np.ones(period) / period
    if name == "rsi":
        up = np.convolve(np.maximum(moves, 0), kernel)[: len(close)]
        down = np.convolve(np.maximum(-moves, 0), kernel)[: len(close)]
        values = 100 * up / np.maximum(up + down, 1e-9)
    else:
        values = np.convolve(close, kernel)[: len(close)]
    return [None if index < period - 1 else round(float(value), 4) for index, value in enumerate(values)]


def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the sign-in page's look without its view."""
    return render(request, "users/sign_in.html", {"form": ExampleForm(), "messages": []})


urlpatterns = [
    path("", page),
    path("live/", page, {"mode": "live"}),
    path("bars/", bars),
    path("marks/", marks),
    path("bell/", bell),
    path("sign-in/", sign_in),
]
