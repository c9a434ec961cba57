"""What the verdict on luck takes off: holding the instruments with their dividends, and what cash earns by itself."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from backtesting.robustness.verdict import Word
from backtesting.tests.jobs import done, request, stored_walk, walk
from core.testing import make_user
from marketdata.action_services import record_action
from marketdata.models import ActionKind
from marketdata.tests.factories import MONDAY, make_instrument, store_bars

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]  # the first one may have to compile the kernel
DAY = 86_400


def evidence_of(job: Any) -> dict[str, Any]:
    return dict(job.summary["luck"]["evidence"])


def test_interest_on_idle_cash_is_no_skill() -> None:
    stored_walk(n=1_500)

    job = done(make_user(), request(sizing_value=D(1), financing={"cash_percent": D(10)}, fees={}))

    assert job.metrics["sharpe"] > 5, "the curve is smooth: nearly all of it is interest"
    assert evidence_of(job)["sharpe"] < 1.5
    assert job.summary["luck"]["verdict"]["word"] != Word.PROMISING


def test_the_market_that_is_taken_off_is_the_one_that_is_traded_whatever_the_run_is_shown_beside() -> None:
    stored_walk(n=1_500, drift=0.003)
    stored_walk("OTHER", n=1_500, seed=9)
    user = make_user()

    plain, beside = done(user, request()), done(user, request(benchmark="OTHER"))

    assert beside.metrics["beta"] != plain.metrics["beta"]
    for name in ("sharpe", "probabilistic_sharpe", "minimum_track_record"):
        assert evidence_of(beside)[name] == evidence_of(plain)[name]


def test_prices_of_a_few_ticks_are_warned_of_where_slippage_rounds_to_the_tick() -> None:
    store_bars(make_instrument("WALK", tick_size=D(5)), walk())
    user = make_user()

    free, slipping = done(user, request()), done(user, request(slippage={"bps": D(1)}))

    assert "coarse_tick" not in [each["code"] for each in free.warnings]
    assert "coarse_tick" in [each["code"] for each in slipping.warnings]


def test_dividends_that_holding_pays_too_are_no_skill() -> None:
    row = stored_walk(n=1_500)
    for i in range(30, 1_500, 30):
        ex_date = datetime.fromtimestamp(MONDAY + i * DAY, tz=UTC).date()
        record_action(row, kind=ActionKind.DIVIDEND, ex_date=ex_date, value=D("1.5"))

    job = done(make_user(), request(type="buy_and_hold", parameters={}, dividends=True, fees={}))

    assert job.summary["dividends"] > 20_000
    assert abs(evidence_of(job)["sharpe"] or 0.0) < 1.0
