"""Charts show the bars of the session alone until their user wants the hours around it too."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from core.testing import api_client, changes, make_user
from domain.bars import BarArrays, BarSource, Timeframe
from domain.instruments import AssetClass
from marketdata.services import create_instrument, record_bars

pytestmark = pytest.mark.django_db


@changes("market_data.extended_hours_data")
def test_extended_hours_are_hidden_on_charts_until_they_are_wanted(settings: Any, tmp_path: Any) -> None:
    settings.BARS_URL = str(tmp_path)
    row = create_instrument(
        "HOURS",
        venue="XNYS",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
        calendar="XNYS",
    )
    first = int(datetime(2024, 3, 5, 12, 0, tzinfo=UTC).timestamp())  # 07:00 in New York, the session opens 09:30
    t = first + 1800 * np.arange(24, dtype=np.int64)
    price = np.full(24, 10.0)
    bars = BarArrays(t, price, price + 1, price - 1, price, np.full(24, 100.0))
    record_bars(row, Timeframe.M30, bars, BarSource.IMPORTED, at=timezone.now())
    client = api_client(make_user())

    def shown(hours: str) -> list[int]:
        answer = client.get(f"/api/v1/bars/?symbol=HOURS&timeframe=30m&hours={hours}")
        assert answer.status_code == 200, answer.content
        return answer.json()["t"]

    assert len(shown("all")) == 24 and len(shown("session")) == 13
    assert shown("mine") == shown("session")

    client.put("/api/v1/preferences/market-data/", {"extended_hours_data": True})

    assert shown("mine") == shown("all")
