"""Bars are stored only when they are good; a live feed that sends bad ones is marked and recovers by itself."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from domain.bars import BarSource
from domain.errors import Conflict, ValidationFailed
from marketdata import selectors, services
from marketdata.models import Feed, Subscription
from marketdata.tests.factories import MONDAY, make_bars, make_instrument, make_stored

pytestmark = pytest.mark.django_db
DAY = 86_400
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("c", np.nan, "not a number"),
        ("h", np.inf, "infinite"),
        ("l", -1.0, "negative"),
        ("o", 0.0, "zero"),
        ("c", 1e9, "outside low..high"),
        ("c", 102.007, "tick size"),
    ],
)
def test_a_bad_live_bar_is_not_stored_and_marks_the_feed_until_a_good_one_comes(
    column: str, value: float, reason: str
) -> None:
    row = make_stored(2)
    Feed.objects.create(instrument=row, timeframe="1d")
    bad = make_bars(1, start=MONDAY + 2 * DAY, price=102.0)
    getattr(bad, column)[0] = value

    refused = services.record_bars(row, "1d", bad, BarSource.LIVE, at=NOW)

    assert refused.stored == 0
    assert reason in refused.rejected[0][1]
    assert reason in Feed.objects.get().fault
    assert len(selectors.bar_series(row, "1d")) == 2

    services.record_bars(row, "1d", make_bars(1, start=MONDAY + 2 * DAY, price=102.0), BarSource.LIVE, at=NOW)
    assert Feed.objects.get().fault == ""
    assert len(selectors.bar_series(row, "1d")) == 3


def test_a_live_bar_that_jumps_or_comes_late_is_refused() -> None:
    row = make_stored(5)
    jump = make_bars(1, start=MONDAY + 5 * DAY, price=104_000_000.0)
    late = make_bars(1, start=MONDAY + DAY, price=101.5)

    assert "thousand-fold" in services.record_bars(row, "1d", jump, BarSource.LIVE, at=NOW).rejected[0][1]
    assert "out of order" in services.record_bars(row, "1d", late, BarSource.LIVE, at=NOW).rejected[0][1]


def test_a_correction_replaces_and_says_so() -> None:
    row = make_stored(3)
    corrected = make_bars(1, start=MONDAY + DAY, price=150.0)

    result = services.record_bars(row, "1d", corrected, BarSource.CORRECTED, at=NOW, replace=True)

    assert (result.stored, result.replaced) == (0, 1)
    assert selectors.bar_series(row, "1d").c.tolist() == [100, 150, 102]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tick_size": Decimal(0)}, "tick_size"),
        ({"lot_size": Decimal("NaN")}, "lot_size"),
        ({"tick_size": Decimal("1e9")}, "tick_size"),
        ({"calendar": "MOON"}, "calendar"),
    ],
)
def test_an_instrument_with_a_senseless_step_or_calendar_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        make_instrument(**changes)
    assert caught.value.errors[0].field == field


def test_a_symbol_is_taken_once_in_any_case() -> None:
    make_instrument("ABC")
    with pytest.raises(Conflict, match="already an instrument ABC"):
        make_instrument("abc")


def test_subscribing_twice_is_one_row_and_unsubscribing_takes_only_the_own() -> None:
    row = make_instrument()
    services.subscribe("strategy", "s1", row, "1d")
    services.subscribe("strategy", "s1", row, "1d", label="again")
    services.subscribe("strategy", "s1", row, "1h")
    services.subscribe("position", "s1", row, "1d")

    assert Subscription.objects.count() == 3
    assert services.unsubscribe("strategy", "s1", row=row, timeframe="1h") == 1
    assert services.unsubscribe("strategy", "s1") == 1
    assert Subscription.objects.get().owner_kind == "position"
