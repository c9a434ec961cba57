"""Closed bars reach the browsers that look at them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from core.facts import Fact
from marketdata import handlers
from marketdata.tests.factories import MONDAY, make_stored
from realtime.topics import bars_topic

pytestmark = pytest.mark.django_db


def test_each_closed_bar_is_sent_to_its_own_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make_stored(5, symbol="A"), make_stored(5, symbol="BTC/USDT")
    at = datetime.fromtimestamp(MONDAY + 3 * 86_400, tz=UTC)
    sent: list[tuple] = []
    monkeypatch.setattr(handlers, "send", lambda *message: sent.append(message))
    items = [[str(first.pk), "1d"], [str(second.pk), "1d"], [str(uuid4()), "1d"]]

    handlers.push_bars(Fact("bar.closed", uuid4(), at, None, None, {"items": items}))

    assert [topic for topic, _, _ in sent] == [bars_topic("A", "1d"), bars_topic("BTC/USDT", "1d")]
    assert sent[0][1] == "bar.closed"
    assert sent[0][2] == {
        "symbol": "A", "timeframe": "1d", "market_time": at,
        "t": MONDAY + 2 * 86_400, "o": 101.5, "h": 103.0, "l": 101.0, "c": 102.0, "v": 1000.0,
    }  # fmt: skip
