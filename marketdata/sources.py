"""Which source a feed is opened at: the first that the user prefers, that is set up and that has the instrument."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import ValidationFailed
from marketdata import selectors
from marketdata.models import Feed, Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of prices: whether it is set up on this server, and what it has beside bars."""

    name: str
    is_set_up: bool
    has_level2: bool = False
    has_options: bool = False
    has_futures: bool = False


SOURCES: dict[str, Source] = {
    "replay": Source(name="replay", is_set_up=True),
    "alpaca": Source(name="alpaca", is_set_up=False),
    "ccxt": Source(name="ccxt", is_set_up=False),
}
"""Every source that can be preferred. Replay plays the stored bars, whatever file or source they came from."""


def source_for(row: Instrument, preferred: Sequence[str]) -> Source:
    """Return the source that an instrument's feed is opened at. Raises ValidationFailed when none of them delivers."""
    for name in preferred:
        source = SOURCES.get(name)
        if source is not None and source.is_set_up and selectors.bar_counts(row):
            return source
    names = ", ".join(preferred)
    text = f"None of your sources ({names}) delivers {row.symbol}: change preferred_sources in the preferences"
    raise ValidationFailed(text, field="symbol", code="no_source")


def has_open_feed(row: Instrument) -> bool:
    """Tell whether the instrument's bars arrive already; who has a feed keeps it."""
    return Feed.objects.filter(instrument=row, is_open=True).exists()
