"""What market data does when something happened: send closed bars to the browsers that look at them."""

from datetime import UTC, datetime

from core.facts import Fact
from domain.bars import Timeframe
from marketdata import selectors
from marketdata.models import Instrument
from realtime.push import recheck, send
from realtime.topics import bars_topic


def push_bars(fact: Fact) -> None:
    """Send each bar that closed at the fact's time to the topic of its instrument and timeframe."""
    items = [(str(instrument_id), Timeframe(timeframe)) for instrument_id, timeframe in fact.data["items"]]
    rows = {str(row.pk): row for row in Instrument.objects.filter(pk__in={pk for pk, _ in items})}
    for pk, timeframe in items:
        if pk in rows:
            _push(rows[pk], timeframe, fact.at)


def on_preference_changed(fact: Fact) -> None:
    """Make the user's open pages look again at how often they want live bars."""
    if fact.user_id is not None and fact.data.get("category") in ("market_data", "all"):
        recheck(fact.user_id)


def _push(row: Instrument, timeframe: Timeframe, at: datetime) -> None:
    last = selectors.bar_series(row, timeframe, limit=1, as_of=at)
    if len(last) == 0:
        return
    names = ("t", "o", "h", "l", "c", "v")
    bar = dict(zip(names, (column[0].item() for column in last.columns), strict=True))
    data = {"symbol": row.symbol, "timeframe": timeframe.value, "market_time": at.astimezone(UTC), **bar}
    send(bars_topic(row.symbol, timeframe.value), "bar.closed", data)
