"""The worked examples 6 to 12 of docs/backtesting.md, and its commands as they are printed there."""

import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from backtesting import selectors
from backtesting.models import Job, JobStatus
from backtesting.services import submitting, working
from backtesting.tests.jobs import done, in_place, request, walk
from backtesting.tests.test_conventions import BUY, CALM, SELL, run, trades
from core.testing import api_client, make_user
from domain.bars import BarArrays
from domain.errors import ValidationFailed
from domain.instruments import AssetClass
from domain.sizing import SizingMethod
from marketdata.tests.factories import MONDAY, make_instrument, store_bars

__all__ = ["run"]  # the fixture
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]  # the first one may have to compile the kernel
DOCS = (Path(__file__).resolve().parents[2] / "docs" / "backtesting.md").read_text(encoding="utf-8")
LATER = (112.0, 113.0, 111.0, 112.0)


def test_example_6_an_order_of_half_a_bar_pays_the_impact_and_a_larger_one_fills_bar_by_bar(run: Any) -> None:
    rows = (CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.5), (104.0, 105.0, 103.0, 104.0), (104.0, 105.0, 103.0, 104.0))

    moved = run(*rows, volume=20.0, slippage={"volume_impact": D("0.1")})
    (trade,) = trades(moved)

    assert trade["entry_price"] == "102.5"  # half of the bar's 20: 0.1 x 0.5 x 0.5 = 2.5 % of 100


def test_example_6_at_most_a_part_of_a_bar_is_taken_and_the_rest_fills_at_the_next_open(run: Any) -> None:
    rows = (CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.5), (104.0, 105.0, 103.0, 104.0), (104.0, 105.0, 103.0, 104.0))

    job = run(*rows, volume=20.0, slippage={"max_volume_percent": D(40)})

    (trade,) = trades(job)
    assert job.summary["n_fills"] == 2
    assert trade["entry_price"] == "100.8"  # 8 at 100, 2 at 104


def test_example_7_a_tier_counts_from_the_fill_after_the_value_was_traded(run: Any) -> None:
    fees = {"percent": D("0.1"), "tiers": [{"above": D(1000), "percent": D("0.05")}]}

    (trade,) = trades(run(CALM, CALM, BUY, (100.0, 103.0, 99.0, 102.5), SELL, LATER, fees=fees))

    assert trade["fees"] == "1.56"  # 1,000 x 0.1 % = 1.00; 1,000 were traded by then: 1,120 x 0.05 % = 0.56


def test_example_8_cash_earns_interest_from_mark_to_mark(run: Any) -> None:
    job = run(CALM, CALM, CALM, CALM, CALM, CALM, financing={"cash_percent": D("3.65")})

    # marks at bars 2 to 5: three days of 0.01 %, interest on interest
    assert job.summary["financing"] == pytest.approx(100_000 * (1.0001**3 - 1), rel=1e-9)
    assert job.metrics["final_equity"] == pytest.approx(100_000 * 1.0001**3, rel=1e-12)


def test_example_9_a_size_is_whole_lots_by_the_equity_and_price_of_the_close(run: Any) -> None:
    sizing = {"sizing_method": SizingMethod.PERCENT_EQUITY, "sizing_value": D(95)}

    (trade,) = trades(run(CALM, CALM, BUY, (102.0, 103.0, 101.0, 102.5), SELL, LATER, **sizing))

    # 95 % of 100,000 at 100.01 is 949.9: 949, which cost 96,798 at the next open
    assert (trade["quantity"], trade["entry_price"]) == ("949", "102")


def test_example_10_instruments_in_several_currencies_are_refused() -> None:
    for symbol, currency in (("DOLLAR", "USD"), ("EURO", "EUR")):
        store_bars(make_instrument(symbol, currency=currency), walk())

    with pytest.raises(ValidationFailed) as told:
        submitting.submit_backtest(make_user(), request("DOLLAR", "EURO"))

    assert [fault.field for fault in told.value.errors] == ["symbols"]


def test_example_11_excursions_and_r_multiple_of_a_round_trip(run: Any) -> None:
    rows = (CALM, CALM, BUY, (100.0, 103.0, 97.0, 102.5), SELL, LATER)

    (trade,) = trades(run(*rows, volume=8.0))

    # bought 10 at 100 with a stop at 95, sold at 112; the bars between saw 97 to 111
    assert (trade["mae"], trade["mfe"]) == (pytest.approx(-0.03), pytest.approx(0.12))
    assert trade["r_multiple"] == pytest.approx(120 / (5 * 10))


def test_example_12_a_market_with_sessions_has_252_days_a_year() -> None:
    series = walk(200)
    weekdays = np.array([datetime.fromtimestamp(int(t), tz=UTC).weekday() < 5 for t in series.t])
    listed = make_instrument("LISTED", asset_class=AssetClass.EQUITY, calendar="XNYS", lot_size=D(1))
    store_bars(listed, BarArrays(*(column[weekdays] for column in series.columns)))

    job = done(make_user(), request("LISTED"))

    equity = selectors.equity_of(job).equity
    returns = np.concatenate(([0.0], equity[1:] / equity[:-1] - 1))
    assert job.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(252))


@pytest.fixture
def apple() -> Any:
    """Return alice, who has bars of 2005 to 2012 under the name that the examples use."""
    bars = walk(2_900)
    start = int(datetime(2005, 1, 3, tzinfo=UTC).timestamp())
    store_bars(make_instrument("AAPL", lot_size=D(1)), replace(bars, t=bars.t - MONDAY + start))
    return make_user("alice")


def test_the_command_line_of_the_docs_runs_as_it_is_printed(apple: Any) -> None:
    (line,) = re.findall(r"^manage\.py (backtest .*)$", DOCS, re.MULTILINE)
    out = StringIO()

    call_command(*shlex.split(line), stdout=out)

    assert "fingerprint" in out.getvalue() and Job.objects.get().status == JobStatus.COMPLETED


def test_the_body_of_the_docs_is_taken_as_it_is_printed(apple: Any) -> None:
    (body,) = re.findall(r"^POST /api/v1/backtests/\n(\{.*?\})\n```", DOCS, re.MULTILINE | re.DOTALL)

    answer = api_client(apple).post("/api/v1/backtests/", json.loads(body))

    assert answer.status_code == 202, answer.json()
    working.work_all(in_place)
    job = Job.objects.get()
    assert job.status == JobStatus.COMPLETED and job.summary["path"] == "kernel"
    assert selectors.equity_of(job).t[-1] < datetime(2013, 1, 2, tzinfo=UTC).timestamp()
