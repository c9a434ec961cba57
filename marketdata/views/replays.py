"""Fragments that steer market clocks: what plays, how fast; start, pause, resume, restart; also without htmx."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from core.pages import is_fragment, page, sentence
from domain.bars import Timeframe
from domain.errors import PlatformError
from marketdata import replay_services, selectors
from marketdata.models import MAX_SPEED, MIN_SPEED, Feed, Instrument, Replay

SPEEDS = (("0.5", "0.5×"), ("1", "1×"), ("5", "5×"), ("20", "20×"), ("100", "100×"))


class ChangeForm(forms.Form):
    """A new speed, or a new state."""

    speed = forms.FloatField(min_value=MIN_SPEED, max_value=MAX_SPEED, required=False)
    state = forms.ChoiceField(choices=[("running", "running"), ("paused", "paused")], required=False)


class OpenForm(forms.Form):
    """Which bars are to be played."""

    symbol = forms.CharField(max_length=32)
    timeframe = forms.ChoiceField(choices=[(t.value, t.value) for t in Timeframe])


@dataclass(frozen=True, slots=True)
class Clock:
    """A market clock as pages show it."""

    replay: Replay
    feeds: tuple[Feed, ...]

    @property
    def label(self) -> str:
        """Its open feeds: `AAPL 1d, MSFT 1d`."""
        return ", ".join(f"{feed.instrument.symbol} {feed.timeframe}" for feed in self.feeds if feed.is_open)

    @property
    def speed(self) -> str:
        """The speed as the buttons name it."""
        return f"{self.replay.speed:g}"

    @property
    def link(self) -> tuple[str, str] | None:
        """Symbol and timeframe of its first feed, for its chart."""
        return next(((feed.instrument.symbol, feed.timeframe) for feed in self.feeds), None)


def clock_of(replay: Replay) -> Clock:
    """Return a clock with its feeds."""
    feeds = [feed for row in replay.instruments.all() for feed in row.feeds.all()]
    return Clock(replay, tuple(sorted(feeds, key=lambda feed: (feed.instrument.symbol, feed.timeframe))))


def clocks() -> list[Clock]:
    """Return every clock that plays something, newest first."""
    return [found for found in (clock_of(row) for row in selectors.replays()) if found.feeds]


def panel_context(row: Instrument, timeframe: str) -> dict[str, Any]:
    """Return what the chart's replay bar shows."""
    replay = selectors.replays().filter(instruments=row.pk).first()
    feed = Feed.objects.filter(instrument=row, timeframe=timeframe).first()
    return {
        "instrument": row,
        "timeframe": timeframe,
        "clock": clock_of(replay) if replay else None,
        "feed": feed,
        "speeds": SPEEDS,
    }


@page
@require_GET
def panel(request: HttpRequest) -> HttpResponse:
    """Show the replay bar of one instrument and timeframe."""
    row = selectors.instrument(request.GET.get("symbol", ""))
    return render(request, "marketdata/_replay.html", panel_context(row, _timeframe(request.GET.get("timeframe", ""))))


@page
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show all clocks."""
    return render(request, "marketdata/_clocks.html", {"clocks": clocks(), "speeds": SPEEDS})


@page
@require_POST
def open_feed(request: HttpRequest) -> HttpResponse:
    """Start to play an instrument's stored bars as if they came now."""
    form = OpenForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Name a symbol and a timeframe.", status=400, content_type="text/plain")
    row = selectors.instrument(form.cleaned_data["symbol"])
    problem = _try(lambda: replay_services.open_feed(row, form.cleaned_data["timeframe"], owner=str(request.user.pk)))
    return _answer(request, row, form.cleaned_data["timeframe"], problem)


@page
@require_POST
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a clock's speed, pause it or let it go on."""
    replay = get_object_or_404(Replay, pk=pk)
    form = ChangeForm(request.POST)
    if not form.is_valid() or not any(form.cleaned_data.values()):
        problem = f"A speed lies between {MIN_SPEED:g} and {MAX_SPEED:g} bars a second."
    else:
        speed, state = form.cleaned_data["speed"], form.cleaned_data["state"] or None
        problem = _try(lambda: replay_services.change_replay(replay, speed=speed, state=state))
    return _back(request, replay, problem)


@page
@require_POST
def restart(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a clock back to its start; refused while something stands on it."""
    replay = get_object_or_404(Replay, pk=pk)
    return _back(request, replay, _try(lambda: replay_services.restart_replay(replay)))


def _try(work: Any) -> str:
    try:
        work()
    except PlatformError as error:
        return sentence(error.message)
    return ""


def _back(request: HttpRequest, replay: Replay, problem: str) -> HttpResponse:
    """Answer with the part of the page that the button stood on: one chart's bar, or the list of clocks."""
    symbol = request.POST.get("symbol", "")
    if symbol:
        return _answer(request, selectors.instrument(symbol), _timeframe(request.POST.get("timeframe", "")), problem)
    if is_fragment(request):
        context = {"clocks": clocks(), "speeds": SPEEDS, "problem": problem}
        return render(request, "marketdata/_clocks.html", context)
    return _redirect(request, problem)


def _answer(request: HttpRequest, row: Instrument, timeframe: str, problem: str) -> HttpResponse:
    if is_fragment(request):
        return render(request, "marketdata/_replay.html", {**panel_context(row, timeframe), "problem": problem})
    return _redirect(request, problem)


def _redirect(request: HttpRequest, problem: str) -> HttpResponse:
    if problem:
        messages.error(request, problem)
    back = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else "marketdata:data")


def _timeframe(text: str) -> str:
    return text if text in tuple(Timeframe) else Timeframe.D1.value
