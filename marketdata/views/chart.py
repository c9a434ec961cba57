"""The chart page: instrument, timeframe, indicators. Bars come from the API, signals and fills from trading."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.pages import page, sentence
from domain.bars import Timeframe
from domain.errors import NotFound, ValidationFailed
from marketdata import selectors
from marketdata.aggregation import can_aggregate
from marketdata.indicators import catalogue
from marketdata.models import Feed, Instrument
from marketdata.views.replays import panel_context

DEFAULT_INDICATORS = "sma:20,sma:50"


@page
@require_GET
def chart(request: HttpRequest) -> HttpResponse:
    """Show the chart that the address names; without a symbol the one that plays, else the first there is."""
    row = _instrument(request)
    if row is None:
        return render(request, "marketdata/chart_empty.html")
    frames = timeframes_of(row)
    timeframe = _timeframe(request, row, frames)
    context = {
        "row": row,
        "timeframe": timeframe,
        "timeframes": frames,
        "indicators": _indicators(request),
        "catalogue": catalogue_json(),
        "marks_query": f"?{urlencode({'symbol': row.symbol, 'timeframe': timeframe})}",
        "symbols": list(selectors.instruments().values_list("symbol", "name")[:1000]),
        **panel_context(row, timeframe),
    }
    return render(request, "marketdata/chart.html", context)


def _instrument(request: HttpRequest) -> Instrument | None:
    wanted = request.GET.get("symbol", "").strip()
    if wanted:
        try:
            return selectors.instrument(wanted)
        except NotFound as error:
            messages.error(request, sentence(error.message))
    playing = Feed.objects.filter(is_open=True, instrument__replay__state="running").order_by("-updated_at")
    feed = playing.select_related("instrument").first()
    return feed.instrument if feed else selectors.instruments().first()


def timeframes_of(row: Instrument) -> list[str]:
    """Return the timeframes that are stored or can be made of what is stored."""
    stored = [Timeframe(name) for name in selectors.bar_counts(row)]
    return [each.value for each in Timeframe if each in stored or any(can_aggregate(low, each) for low in stored)]


def _timeframe(request: HttpRequest, row: Instrument, frames: list[str]) -> str:
    wanted = request.GET.get("timeframe", "")
    if wanted in frames:
        return wanted
    playing = Feed.objects.filter(instrument=row, is_open=True).values_list("timeframe", flat=True).first()
    return playing or (frames[0] if frames else Timeframe.D1.value)


def _indicators(request: HttpRequest) -> str:
    wanted = request.GET.get("indicators")
    if wanted is None:
        return DEFAULT_INDICATORS
    try:
        catalogue.parse(wanted)
    except ValidationFailed as error:
        messages.error(request, sentence(error.message))
        return DEFAULT_INDICATORS
    return wanted


def catalogue_json() -> list[dict[str, Any]]:
    """Return every indicator with its parameters, for the picker."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "parameters": [
                {"name": p.name, "default": p.default, "min": p.minimum, "max": p.maximum, "whole": p.is_whole}
                for p in entry.parameters
            ],
        }
        for entry in catalogue.CATALOGUE.values()
    ]
