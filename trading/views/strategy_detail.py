"""One strategy: its state, how it has done, its signals with their reasons, its orders and positions, its chart."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.pages import page
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from risk import selectors as risk
from strategies import selectors
from strategies.forms import SIZINGS, TIMEFRAMES, kind_of
from strategies.models import Strategy
from strategies.parameters import schema_of
from trading import overviews
from trading import selectors as trading
from trading.traces import page_steps
from trading.tracing import trace_of

N_SIGNALS, N_ORDERS = 20, 12
CROSS = "sma:{fast},sma:{slow}"
INDICATORS = {"sma_cross": CROSS, "trend_filter": CROSS, "rsi_reversion": "rsi:{period}"}


@page
@require_GET
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a strategy."""
    row = selectors.strategy_for(request.user, pk)
    instruments = list(row.instruments.order_by("symbol"))
    shown = next((each for each in instruments if each.symbol == request.GET.get("symbol")), instruments[0])
    context = {
        **_live(request, row),
        "instruments": instruments,
        "chosen": shown,
        "indicators": INDICATORS.get(row.type, "").format(**row.parameters),
        "marks_url": f"{reverse('chart_marks')}?{urlencode(_marked(row, shown))}",
        "can_delete": not row.is_active and not overviews.has_traded(row),
        **_settings(row),
    }
    return render(request, "strategies/detail.html", context)


@page
@require_GET
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the parts of a strategy's page that change while it runs."""
    return render(request, "strategies/_live.html", _live(request, selectors.strategy_for(request.user, pk)))


@page
@require_GET
def head(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the strategy's state and market time."""
    return render(request, "strategies/_head.html", _live(request, selectors.strategy_for(request.user, pk)))


@page
@require_GET
def actions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what can be done with the strategy in its present state."""
    return render(request, "strategies/_actions.html", {"strategy": selectors.strategy_for(request.user, pk)})


def _live(request: HttpRequest, row: Strategy) -> dict[str, Any]:
    signals = list(trading.signals_of(request.user).filter(strategy=row).order_by("-at", "-created_at")[:N_SIGNALS])
    trades = portfolio.trades_of_strategy(row.account, row.pk)
    positions = list(overviews.current_positions(request.user).filter(strategy_id=row.pk))
    return {
        "strategy": row,
        "account": row.account,
        "currency": row.account.currency,
        "title": overviews.title_of(row.type),
        "switches": risk.kill_switches(row.account, row.pk),
        "signals": signals,
        "trace": page_steps(trace_of(signals[0]), currency=row.account.currency, is_brief=True) if signals else [],
        "orders": trading.orders_of(request.user).filter(strategy=row).order_by("-created_at", "-pk")[:N_ORDERS],
        "held": overviews.held(request.user, strategy=row),
        "figures": overviews.figures(trades),
        "pnl": sum((overviews.net_pnl(each) for each in positions), overviews.ZERO),
        "unrealized": sum((each.unrealized_pnl for each in positions), overviews.ZERO),
        "clock": _clock(row),
    }


def _marked(row: Strategy, shown: Instrument) -> dict[str, Any]:
    """What the chart's marks are narrowed to."""
    return {"symbol": shown.symbol, "timeframe": row.timeframe, "strategy": row.pk}


def _clock(row: Strategy) -> dict[str, Any] | None:
    """The market clock that plays the strategy's bars, when one does."""
    first: Instrument | None = row.instruments.order_by("symbol").select_related("replay").first()
    if first is None or first.replay is None:
        return None
    return {"at": first.replay.market_time, "state": first.replay.state, "speed": first.replay.speed}


def _settings(row: Strategy) -> dict[str, Any]:
    """The strategy's settings in words, and the report of its check."""
    kind = kind_of(row.type)
    properties = schema_of(kind.strategy.Params).get("properties", {}) if kind else {}
    lines = [
        (properties.get(name, {}).get("title", name), _word(value), properties.get(name, {}).get("unit", ""))
        for name, value in row.parameters.items()
    ]
    reports = row.causality.get("reports", {})
    return {
        "kind": kind,
        "parameter_lines": lines,
        "timeframe_words": TIMEFRAMES.get(row.timeframe, row.timeframe),
        "sizing_words": SIZINGS.get(row.sizing_method, ""),  # type: ignore[call-overload]  # the texts are the enum's
        "reports": sorted(reports.items()),
    }


def _word(value: Any) -> str:
    return {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
