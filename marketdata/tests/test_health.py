"""Readiness tells when clocks run and nobody plays them, and when a feed is degraded."""

import pytest
from django.utils import timezone

from marketdata import health, replay_services, stream
from marketdata.models import Feed
from marketdata.tests.factories import make_stored

pytestmark = pytest.mark.django_db


def test_a_running_clock_needs_a_stream() -> None:
    assert health.feeds()["ok"]
    replay_services.open_feed(make_stored(5), "1d")
    assert not health.feeds()["ok"]

    stream.take_lease("me", at=timezone.now())

    assert health.feeds() == {"ok": True, "running_clocks": 1, "stream": "me", "degraded": []}


def test_a_degraded_feed_is_named() -> None:
    row = make_stored(5, symbol="A")
    replay_services.open_feed(row, "1d")
    stream.take_lease("me", at=timezone.now())
    Feed.objects.update(fault="a price is zero")

    assert health.feeds()["degraded"] == ["A"]
    assert not health.feeds()["ok"]


def test_the_age_of_the_last_price_is_told() -> None:
    assert health.last_tick()["age_seconds"] is None
    replay_services.open_feed(make_stored(5), "1d")
    assert 0 <= health.last_tick()["age_seconds"] < 10
