"""What trading draws on a price chart: signals, fills and refusals as marks, working orders and entries as lines."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.fields import plain
from core.pages import page
from core.templatetags.formatting import quantity as shown_quantity
from domain.bars import Timeframe
from domain.orders import FINAL, OrderRole
from domain.signals import SignalOutcome, SignalSide
from marketdata import selectors as market
from marketdata.calendars import close_times
from marketdata.models import Instrument
from trading import overviews, selectors
from trading.models import Fill, Order, Signal
from trading.traces import page_steps
from trading.tracing import trace_of

MAX_MARKS = 1_000
_REFUSED = (SignalOutcome.DENIED, SignalOutcome.SKIPPED, SignalOutcome.EXPIRED, SignalOutcome.DISMISSED)
_LINE_KINDS = {OrderRole.STOP_LOSS: "stop", OrderRole.TAKE_PROFIT: "target"}


@page
@require_GET
def marks(request: HttpRequest) -> HttpResponse:
    """Answer the user's marks and lines of one instrument, marks at the open time of the bar that they belong to."""
    row = market.instrument(request.GET.get("symbol", ""))
    name = request.GET.get("timeframe", "")
    timeframe = Timeframe(name) if name in tuple(Timeframe) else Timeframe.D1
    signals = list(_wanted(request, selectors.signals_of(request.user), row).order_by("-at")[:MAX_MARKS])
    fills = list(_wanted(request, selectors.fills_of(request.user), row).order_by("-seq")[:MAX_MARKS])
    placed = _placed(row, timeframe, [*(each.at for each in signals), *(each.at for each in fills)])
    shown = [
        *(_signal_mark(each, time) for each, time in zip(signals, placed, strict=False) if time),
        *(_fill_mark(each, time) for each, time in zip(fills, placed[len(signals) :], strict=True) if time),
    ]
    return JsonResponse({"marks": shown, "lines": [*_order_lines(request, row), *_entry_lines(request, row)]})


def _wanted(request: HttpRequest, rows: QuerySet[Any], row: Instrument) -> QuerySet[Any]:
    """Narrow rows to the instrument and, when the address names one (`strategy=`), to one strategy."""
    rows = rows.filter(instrument=row)
    try:
        return rows.filter(strategy_id=UUID(request.GET["strategy"]))
    except (KeyError, ValueError):
        return rows


def _placed(row: Instrument, timeframe: Timeframe, moments: list[datetime]) -> list[int]:
    """Return the open time of the bar in which each moment lies (its close included); 0 where there is no bar."""
    if not moments:
        return []
    margin = timedelta(seconds=max(4 * 86_400, 2 * timeframe.seconds))
    bars = market.bar_series(row, timeframe, start=min(moments) - margin, end=max(moments) + margin)
    if len(bars) == 0:
        return [0] * len(moments)
    closes = close_times(bars.t, timeframe, row.calendar)
    seconds = np.array([int(moment.timestamp()) for moment in moments], dtype=np.int64)
    found = np.searchsorted(closes, seconds, side="left")
    return [int(bars.t[index]) if index < len(bars) else 0 for index in found.tolist()]


def _signal_mark(signal: Signal, time: int) -> dict[str, Any]:
    is_refused = signal.outcome in _REFUSED
    kind = "refused" if is_refused else "buy" if signal.side == SignalSide.BUY else "sell"
    text = signal.outcome if is_refused else ""
    url = reverse("chart_signal", args=[signal.pk])
    return {"id": f"signal-{signal.pk}", "time": time, "kind": kind, "text": text, "url": url}


def _fill_mark(fill: Fill, time: int) -> dict[str, Any]:
    return {
        "id": f"fill-{fill.id}",
        "time": time,
        "kind": f"fill_{fill.side}",
        "text": shown_quantity(fill.quantity),
        "url": reverse("chart_fill", args=[fill.id]),
    }


def _order_lines(request: HttpRequest, row: Instrument) -> Iterable[dict[str, Any]]:
    working = selectors.orders_of(request.user).filter(instrument=row, account__is_archived=False)
    for order in working.exclude(status__in=FINAL).exclude(status="held").order_by("created_at"):
        price = order.limit_price or order.stop_price
        if price is not None:
            yield _order_line(order, plain(price))


def _order_line(order: Order, price: str) -> dict[str, Any]:
    kind = _LINE_KINDS.get(OrderRole(order.role), "order")
    words = {"stop": "Stop", "target": "Target"}.get(kind, order.side.capitalize())
    title = f"{words} {shown_quantity(order.quantity - order.filled_quantity)}"
    return {"id": f"order-{order.pk}", "price": price, "kind": kind, "title": title}


def _entry_lines(request: HttpRequest, row: Instrument) -> Iterable[dict[str, Any]]:
    for position in overviews.current_positions(request.user).filter(instrument=row, is_open=True):
        title = f"{'Long' if position.quantity > 0 else 'Short'} {shown_quantity(abs(position.quantity))}"
        price = plain(position.average_price)
        yield {"id": f"position-{position.pk}", "price": price, "kind": "entry", "title": title}


@page
@require_GET
def signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the decision trace of a signal: why it did, or did not, trade."""
    row = get_object_or_404(selectors.signals_of(request.user), pk=pk)
    steps = page_steps(trace_of(row), currency=row.account.currency)
    return render(request, "trading/_mark_signal.html", {"signal": row, "steps": steps})


@page
@require_GET
def fill(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one fill, and the trace of the signal behind it if there is one."""
    row = get_object_or_404(selectors.fills_of(request.user).select_related("order__signal__account"), id=pk)
    source = row.order.signal
    steps = page_steps(trace_of(source), currency=row.account.currency) if source else []
    return render(request, "trading/_mark_fill.html", {"fill": row, "order": row.order, "steps": steps})
