"""The market data page: what is stored, which clocks play it, and imports with an answer for every line."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core.pages import page, show_faults
from domain.bars import Timeframe
from domain.errors import PlatformError
from domain.instruments import AssetClass
from marketdata import selectors
from marketdata.bar_files import bar_store
from marketdata.bar_imports import ImportRequest, ImportResult, import_bars
from marketdata.models import Instrument
from marketdata.views.replays import SPEEDS, clocks

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """One instrument and timeframe with the bars that are stored for it."""

    row: Instrument
    timeframe: str
    count: int
    first_at: datetime
    last_at: datetime


class ImportForm(forms.Form):
    """A file of bars, and what cannot be read off it."""

    file = forms.FileField(label="File", help_text="CSV, CSV.gz or Parquet with time, open, high, low, close, volume.")
    symbol = forms.CharField(
        max_length=32, required=False, help_text="Not needed for a file with one column per symbol."
    )
    timeframe = forms.ChoiceField(choices=[(t.value, t.value) for t in Timeframe], initial="1d")
    timezone = forms.CharField(
        max_length=64, initial="UTC", label="Time zone", help_text="Of times without one in the file; dates stay dates."
    )
    asset_class = forms.ChoiceField(
        required=False,
        choices=[
            ("", "As the symbol suggests"),
            *((c.value, c.value.upper() if c == "fx" else c.value) for c in AssetClass),
        ],
        help_text="For a symbol that is not known yet.",
    )
    tick_size = forms.DecimalField(
        required=False, min_value=Decimal("0.00000001"), max_value=Decimal(1000), label="Tick size",
        help_text="Smallest price step; left empty, it is read off the prices.",
    )  # fmt: skip
    replace = forms.BooleanField(
        required=False,
        label="Replace stored bars that differ",
        help_text="Otherwise such rows are refused, line by line.",
    )

    def clean_timezone(self) -> str:
        """Take a name of the time zone database."""
        name: str = self.cleaned_data["timezone"].strip()
        if name not in available_timezones():
            raise forms.ValidationError("Write a name such as UTC or America/New_York.", code="unknown")
        return name

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        given = self.cleaned_data["file"]
        if given.size > MAX_FILE_BYTES:
            raise forms.ValidationError("The file is larger than 64 MB; split it.", code="too_large")
        return given


@page
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show instruments, bar counts and clocks."""
    return _shown(request, ImportForm())


@page
@require_http_methods(["GET", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Store the good rows of a file and show what happened to each of the others."""
    if request.method == "GET":
        return _shown(request, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _shown(request, form)
    values = dict(form.cleaned_data)
    content = values.pop("file").read()
    try:
        result = import_bars(content, ImportRequest(**values), at=timezone.now())
    except PlatformError as error:
        show_faults(form, error)
        return _shown(request, form)
    return _shown(request, ImportForm(), result=result)


def _shown(request: HttpRequest, form: ImportForm, *, result: ImportResult | None = None) -> HttpResponse:
    context = {
        "form": form,
        "stored": stored_bars(),
        "clocks": clocks(),
        "speeds": SPEEDS,
        "result": None if result is None else result.as_json(),
        "zones": sorted(available_timezones()),
    }
    return render(request, "marketdata/data.html", context)


def stored_bars() -> list[Stored]:
    """Return what is stored, by symbol and timeframe."""
    rows = selectors.instruments().select_related("replay")
    return [each for row in rows for each in _stored(row)]


def _stored(row: Instrument) -> list[Stored]:
    spans = ((timeframe, bar_store().span(row.pk, timeframe)) for timeframe in bar_store().timeframes(row.pk))
    return [
        Stored(row, timeframe.value, span.count, _moment(span.first), _moment(span.last))
        for timeframe, span in spans
        if span
    ]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
